// SPDX-License-Identifier: BSL-1.0
#include "node.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <sstream>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/crypto/secret.hpp>
#include <shoal/http/url.hpp>
#include <shoal/libp2p/private_key.hpp>
#include <shoal/libp2p/swarm_key.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/openssl/tls_client.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/version.hpp>

#include "message.hpp"
#include "read_file.hpp"
#include "size.hpp"

namespace {

using common::failure;
using shoal::libp2p::multiaddr;
using shoal::openssl::ed25519_signer;

/// Each is told once, and not without end.
constexpr std::size_t max_complaints = 1000;

constexpr std::uintmax_t max_key_file = 64u << 10;
constexpr std::uintmax_t max_list_file = 64u << 20;

std::error_code last_error() {
  return {errno, std::system_category()};
}

shoal::secret<32> random_seed() {
  shoal::secret<32> seed;
  if (shoal::openssl::random{}.fill(seed.bytes()) != shoal::status::ok) {
    throw failure{"cannot make a key", "the system has no randomness to give"};
  }
  return seed;
}

/// Nobody else may read it, from the first moment.
void write_key(const std::string& path, const shoal::libp2p::private_key& key) {
  const shoal::posix::unique_fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  std::vector<std::byte> bytes = key.encode();
  const bool written = fd &&
                       ::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
                       ::fsync(fd.get()) == 0;
  const std::error_code why = last_error();
  shoal::wipe(bytes);
  if (!written) throw failure{"cannot write the key " + path, why, "its directory must exist and be writable"};
}

/// The identity that a file keeps, made if there is none yet; without a file, one for this run.
ed25519_signer identity(const std::string& path) {
  if (path.empty()) return ed25519_signer{random_seed().view()};
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) throw failure{"cannot read the key " + path, last_error()};
    const auto key = shoal::libp2p::private_key_of<ed25519_signer>(random_seed());
    write_key(path, key);
    return ed25519_signer{key.seed.view()};
  }
  if ((status.st_mode & 077) != 0) {
    std::fprintf(stderr, "warning: others can read the key %s; chmod 600 it\n", path.c_str());
  }
  std::string content =
      common::read_file(path, "key", max_key_file, "give the path of a key, or of none: it is made then");
  const auto key = shoal::libp2p::private_key::decode(shoal::as_bytes(content));
  shoal::wipe({reinterpret_cast<std::byte*>(content.data()), content.size()});
  auto signer =
      key ? shoal::libp2p::signer_of<ed25519_signer>(*key) : shoal::result<ed25519_signer>{key.error()};
  if (!signer) {
    throw failure{"cannot use the key " + path, signer.error(),
                  "it is no Ed25519 key as libp2p programs write them"};
  }
  return std::move(*signer);
}

std::unordered_set<shoal::libp2p::peer_id> allowed_peers(const std::string& path) {
  std::unordered_set<shoal::libp2p::peer_id> allowed;
  std::istringstream file{common::read_file(path, "list of peers", max_list_file, "it has a peer id a line")};
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == line.npos || line[begin] == '#') continue;
    const std::string text = line.substr(begin, line.find_first_of(" \t\r#", begin) - begin);
    const auto id = shoal::libp2p::peer_id::parse(text);
    if (!id) {
      throw failure{path + ", line " + std::to_string(number) + ": '" + text + "' is not a peer id",
                    "a peer id looks like 12D3KooW...; # begins a comment"};
    }
    allowed.insert(*id);
  }
  return allowed;
}

shoal::net::swarm_options swarm_options(const node_options& given) {
  shoal::net::swarm_options options;
  if (!given.allow_file.empty()) {
    options.admits = [allowed = allowed_peers(given.allow_file)](const shoal::libp2p::peer_id& id) {
      return allowed.contains(id);
    };
  }
  if (!given.swarm_key_file.empty()) {
    const std::string advice =
        "it begins with /key/swarm/psk/1.0.0/, then /base16/, then 64 digits; Kubo calls it swarm.key";
    const std::string text = common::read_file(given.swarm_key_file, "swarm key", max_key_file, advice);
    const auto key = shoal::libp2p::swarm_key::parse(text);
    if (!key) {
      throw failure{"cannot use the swarm key " + given.swarm_key_file, key.error(), advice};
    }
    options.network = *key;
  }
  return options;
}

std::size_t cache_size(const std::string& text) {
  const std::optional<std::uint64_t> size = common::parse_size(text);
  if (!size || *size < (4u << 20)) {
    throw failure{"--cache: '" + text + "' is not a size of 4M or more", "sizes look like 64M or 1G",
                  common::exit_usage};
  }
  return static_cast<std::size_t>(*size);
}

}  // namespace

void node_options::add_to(CLI::App& app) {
  app.add_option("--listen", listen,
                 "where to accept peers; may be given again.\n"
                 "Default: any free port, IPv4 and IPv6")
      ->type_name("MULTIADDR")
      ->allow_extra_args(false);
  app.add_option("--bootstrap", bootstrap,
                 "a peer to stay connected with, and the last to be asked for a block:\n"
                 "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...; may be given again")
      ->type_name("MULTIADDR")
      ->allow_extra_args(false);
  app.add_option("--neighbour", neighbours,
                 "a peer to stay connected with, asked before all others; may be given again")
      ->type_name("MULTIADDR")
      ->allow_extra_args(false);
  app.add_flag("--mdns", mdns, "find the peers in this network, and be found by them");
  app.add_option("--mdns-interface", mdns_interfaces, "look there only, even on lo; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--dht", dht,
                 "find peers in the distributed hash table of this network (lan), in the\n"
                 "public one, or not at all; default lan")
      ->check(CLI::IsMember({"lan", "public", "off"}))
      ->type_name("lan|public|off");
  app.add_option("--gateway", gateways, "fetch what no peer has from this HTTP gateway; may be given again")
      ->type_name("URL")
      ->allow_extra_args(false);
  app.add_option("--cache", cache, "memory for blocks; default 256M")->type_name("SIZE");
  app.add_option("--key", key_file, "who this peer is; made if there is no such file. Default: somebody new")
      ->type_name("FILE");
  app.add_option("--allow", allow_file, "talk with these peers alone: a peer id a line")->type_name("FILE");
  app.add_option("--swarm-key", swarm_key_file, "the key of a private network, as Kubo writes it")
      ->type_name("FILE");
  app.add_flag("--verbose", verbose, "tell of peers that come and go");
}

std::vector<multiaddr> node::parse_addresses(const std::vector<std::string>& texts) {
  std::vector<multiaddr> addresses;
  for (const std::string& text : texts) {
    auto address = multiaddr::parse(text);
    if (address && !shoal::net::tcp_address::of(*address)) address = make_error_code(shoal::errc::unsupported);
    if (!address) {
      throw failure{
          "cannot use the address '" + text + "': " + address.error().message(),
          "an address looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW... or /dns/NAME/tcp/4001",
          common::exit_usage,
      };
    }
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

node::node(asio::io_context& on, const node_options& given)
    : context(on),
      pool(2),
      cache(std::make_shared<shoal::memory_cache>(cache_size(given.cache))),
      host(on.get_executor(), identity(given.key_file), swarm_options(given)),
      identify(host, host.public_key(), "shoal/" SHOAL_VERSION_STRING),
      pings(host),
      origins(host, [this](const multiaddr& address, std::error_code why) { complain(address, why); }),
      neighbours(host, [this](const multiaddr& address, std::error_code why) { complain(address, why); }),
      blocks(host, cache, shoal::openssl::digester{},
             {.tier = [this](const shoal::net::peer_link& link) { return tier(link); }, .hashers = &pool}),
      given_(given) {
  if (given.dht == "off") return;
  shoal::net::kad_node_options how;
  if (given.dht == "public") {
    how.realm.network = shoal::libp2p::kad_network::global;
    how.serve = false;  // whether others can reach this peer is not known
  }
  how.realm.loopback = !given.listen.empty();
  for (const std::string& where : given.listen) {
    how.realm.loopback =
        how.realm.loopback && (where.starts_with("/ip4/127.") || where.starts_with("/ip6/::1/"));
  }
  std::uint64_t random = 0;
  std::array<std::byte, sizeof random> bytes;
  if (shoal::openssl::random{}.fill(bytes) == shoal::status::ok)
    std::memcpy(&random, bytes.data(), sizeof random);
  dht = std::make_unique<shoal::net::kad_node>(host, identify, random, how);
}

void node::start() {
  static const std::vector<std::string> everywhere{"/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"};
  bool heard = false;
  std::error_code why;
  const std::vector<std::string>& wanted = given_.listen.empty() ? everywhere : given_.listen;
  for (const multiaddr& address : parse_addresses(wanted)) {
    const auto bound = host.listen(address);
    heard |= bound.has_value();
    if (bound) continue;
    why = bound.error();
    if (given_.listen.empty()) continue;  // a machine without IPv6
    throw failure{"cannot listen on " + to_text(address), why,
                  "choose another --listen; port 0 is any free one"};
  }
  if (!heard) throw failure{"cannot listen", why, "give an address of this machine with --listen"};
  for (const multiaddr& address : parse_addresses(given_.bootstrap)) origins.keep({address});
  for (const multiaddr& address : parse_addresses(given_.neighbours)) neighbours.keep({address});
  if (given_.mdns || !given_.mdns_interfaces.empty()) find_neighbours();
  if (!given_.gateways.empty()) open_gateways();
  blocks.on_unmet([this](const shoal::cid&) { missed_.notify(); });
}

void node::open_gateways() {
  const auto trust = shoal::openssl::tls_trust::of_system();
  for (const std::string& text : given_.gateways) {
    const auto where = shoal::http::url::parse(text);
    if (!where) {
      throw failure{"--gateway: '" + text + "' is no URL", "it looks like https://gateway.example",
                    common::exit_usage};
    }
    if (where->secure && !trust) {
      throw failure{"cannot use " + text, trust.error(),
                    "https needs the certificates of the system: ca-certificates"};
    }
    shoal::net::http_dialer dial = shoal::net::dial_plain;
    if (where->secure) {
      auto open = [trust = *trust](const std::string& name) { return trust.connect(name); };
      dial = shoal::net::dial_secured<shoal::openssl::tls_client>(std::move(open));
    }
    gateways_.push_back(std::make_unique<gateway>(context.get_executor(), *where, digester_,
                                                  shoal::net::gateway_client_options{}, std::move(dial)));
  }
  blocks.fall_back_on([this](shoal::cid id) { return ask_gateways(*this, id); });
}

/// The first that has it.
shoal::task<shoal::block> node::ask_gateways(node& self, shoal::cid id) {
  std::error_code why = make_error_code(shoal::errc::not_found);
  for (const auto& each : self.gateways_) {
    shoal::result<shoal::block> got = co_await each->get(id);
    if (got) co_return got;
    why = got.error();
    if (self.told_.insert(to_text(id) + why.message()).second && self.told_.size() < max_complaints) {
      std::fprintf(stderr, "a gateway does not give %s: %s\n", to_text(id).c_str(), why.message().c_str());
    }
  }
  co_return why;
}

void node::provide(const shoal::cid& root) {
  if (dht) dht->provide(root.hash());
}

void node::look_for(const shoal::cid& root) {
  if (dht) asio::co_spawn(context, keep_looking(*this, root), asio::detached);
}

asio::awaitable<void> node::keep_looking(node& self, shoal::cid root) {
  constexpr std::size_t enough = 20;
  constexpr std::chrono::seconds shortest_pause{1};
  const shoal::multihash key = root.hash();
  const auto pause = std::make_shared<asio::steady_timer>(self.context);
  while (true) {
    if (self.dht->table().size() != 0) {
      const shoal::net::kad_node::listener meet = [&self](const shoal::libp2p::kad_peer& who) {
        self.meet(who.id, who.addresses);
      };
      (void)co_await self.dht->find_providers(key, enough, meet);
    }
    pause->expires_after(shortest_pause);
    [[maybe_unused]] const auto waited = co_await pause->async_wait(shoal::detail::no_throw);
    // then again when a block is missed, or after a while: devices come and go
    pause->expires_after(self.dht->table().size() == 0 ? shortest_pause : 60 * shortest_pause);
    pause->async_wait([&self](std::error_code cancelled) {
      if (!cancelled) self.missed_.notify();
    });
    co_await self.missed_.wait();
    pause->cancel();
  }
}

void node::find_neighbours() {
  std::array<std::byte, shoal::libp2p::mdns_service::random_size> random;
  if (shoal::openssl::random{}.fill(random) != shoal::status::ok) {
    throw failure{"cannot start mDNS", "the system has no randomness to give"};
  }
  shoal::net::mdns_driver_options options;
  options.interfaces = given_.mdns_interfaces;
  for (const std::string& name : given_.mdns_interfaces) options.service.loopback |= name == "lo";
  mdns_ = std::make_unique<shoal::net::mdns>(
      context.get_executor(), host.id(), random, [this] { return host.addresses(); },
      [this](const shoal::libp2p::mdns_peer& found) { meet(found.id, found.addresses); }, options);
  if (const shoal::result<> started = mdns_->start(); !started) {
    std::string where;
    for (const std::string& name : given_.mdns_interfaces) where += (where.empty() ? " on " : ", ") + name;
    throw failure{"cannot find neighbours by mDNS" + where, started.error(),
                  "is there an interface with multicast? --mdns-interface lo looks on this machine alone"};
  }
}

void node::meet(const shoal::libp2p::peer_id& id, std::vector<multiaddr> addresses) {
  if (id == host.id() || host.link(id) || addresses.empty()) return;
  for (multiaddr& address : addresses) address = shoal::net::with_peer(std::move(address), id);
  asio::co_spawn(context, shoal::ignore_result(host.connect(std::move(addresses))), asio::detached);
}

unsigned node::tier(const shoal::net::peer_link& link) const {
  return origins.keeps(link) && !neighbours.keeps(link) ? 1 : 0;
}

void node::complain(const multiaddr& address, std::error_code why) {
  const std::string text = "cannot reach " + to_text(address) + ": " + why.message();
  if (told_.size() < max_complaints && told_.insert(text).second)
    std::fprintf(stderr, "%s; trying again\n", text.c_str());
}

std::string node::traffic() const {
  const auto& from = blocks.traffic();
  std::string text = "received " + common::format_size(from[0].bytes_received) + " from neighbours, " +
                     common::format_size(from[1].bytes_received) + " from origins";
  if (blocks.fallback_traffic().blocks_received != 0) {
    text += ", " + common::format_size(blocks.fallback_traffic().bytes_received) + " from gateways";
  }
  return text + "; sent " + common::format_size(blocks.sent().bytes_sent);
}
