// SPDX-License-Identifier: BSL-1.0
//
// kad_node: takes part in the distributed hash table over a swarm: finds who provides a block, tells that this
// peer does, serves others, and keeps up its table.
//
//     net::kad_node dht{host, about, random, {.realm = {libp2p::kad_network::lan}}};
//     dht.provide(image.hash());                                             // from now on
//     result<std::vector<kad_peer>> who = co_await dht.find_providers(image.hash(), 20, {});
//
// It learns of other nodes when they are identified: somebody has to be connected with first, see peer_keeper
// and mdns. Connections that a search has made stay.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/libp2p/identify.hpp>
#include <shoal/libp2p/kad_key.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/kad_provider_store.hpp>
#include <shoal/libp2p/kad_query.hpp>
#include <shoal/libp2p/kad_realm.hpp>
#include <shoal/libp2p/kad_republisher.hpp>
#include <shoal/libp2p/kad_server.hpp>
#include <shoal/libp2p/kad_table.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/alarm.hpp>
#include <shoal/net/identify_service.hpp>
#include <shoal/net/kad_call.hpp>
#include <shoal/net/kad_responder.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/swarm.hpp>
#include <shoal/net/tcp_address.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct kad_node_options {
  libp2p::kad_realm realm = {};
  /// Others may ask. A peer that cannot be reached should not serve.
  bool serve = true;
  libp2p::kad_query_options query = {};
  libp2p::kad_table_options table = {};
  libp2p::kad_provider_options providers = {};
};

/// One strand, the swarm's; lives as long.
class kad_node {
 public:
  using link_ptr = std::shared_ptr<peer_link>;
  using clock = std::chrono::steady_clock;
  using listener = std::function<void(const libp2p::kad_peer&)>;

  /// @param random  any number; another peer should have another one
  kad_node(swarm& with, identify_service& about, std::uint64_t random, kad_node_options options = {})
      : swarm_(with),
        options_(options),
        random_(random),
        table_(with.id(), options.table),
        providers_(options.providers),
        server_(with.id(), options.realm, table_, providers_, own_),
        alarm_(with.executor(), [this] { look(); }) {
    about.on_identified(
        [this](const link_ptr& link, const libp2p::identify_message& said) { meet(*link, said); });
    if (!options_.serve) return;
    swarm_.handle(std::string{protocol()}, [this](const link_ptr& link, libp2p::stream_id stream) {
      return std::make_shared<kad_responder>(server_, link, stream);
    });
  }
  ~kad_node() {
    if (options_.serve) swarm_.handle(std::string{protocol()}, {});
  }
  kad_node(const kad_node&) = delete;
  kad_node& operator=(const kad_node&) = delete;

  [[nodiscard]] std::string_view protocol() const noexcept { return options_.realm.protocol(); }
  /// The nodes that this one knows.
  [[nodiscard]] const libp2p::kad_table& table() const noexcept { return table_; }
  [[nodiscard]] const libp2p::kad_provider_store& providers() const noexcept { return providers_; }

  /// Tells others that this peer has what the key names, now and again for as long as it lives.
  void provide(const multihash& key) {
    own_.add(key, clock::now());
    alarm_.set(clock::now());
  }
  /// Tells it no longer; others forget within two days.
  void stop_providing(const multihash& key) { own_.remove(key); }
  /// Tells everything anew: when the addresses of this peer have changed.
  void renew() {
    own_.renew(clock::now());
    alarm_.set(clock::now());
  }

  /// Who provides what the key names; ends once `wanted` are known, or nobody is left to ask. `tell` hears of
  /// each as soon as it is known, and again when an address is learned. Some have no addresses: see find_peer.
  /// @pre wanted is not 0
  task<std::vector<libp2p::kad_peer>> find_providers(multihash key, std::size_t wanted, listener tell) {
    std::vector<libp2p::kad_peer> found;
    const auto note = [&](libp2p::kad_peer provider) {
      if (provider.addresses.empty()) provider.addresses = table_.addresses_of(provider.id);
      const auto at = std::ranges::find(found, provider.id, &libp2p::kad_peer::id);
      if (at == found.end()) {
        found.push_back(provider);
      } else {
        libp2p::merge_addresses(at->addresses, provider.addresses);
      }
      if (tell) tell(provider);
    };
    for (const libp2p::kad_peer& one : providers_.get(key, wanted, clock::now())) note(one);
    const std::vector<libp2p::kad_peer> seeds =
        table_.closest(libp2p::kad_key::of(key), options_.query.closest);
    const auto search = std::make_shared<walking>(
        libp2p::kad_query::find_providers(swarm_.id(), options_.realm, key, wanted, seeds, options_.query));
    const listener heard = note;
    co_await walk(*this, search, heard);
    co_return found;
  }

  /// Where a peer is, whether it is a node or not. errc::not_found.
  task<std::vector<libp2p::multiaddr>> find_peer(libp2p::peer_id id) {
    const auto search = std::make_shared<walking>(seek(id.bytes()));
    const listener nobody;
    co_await walk(*this, search, nobody);
    std::vector<libp2p::multiaddr> addresses = search->query.addresses_of(id);
    if (addresses.empty()) co_return errc::not_found;
    co_return addresses;
  }

  /// Tells the closest nodes once that this peer has what the key names; how many have been told.
  /// errc::invalid_argument when this peer has no address that makes sense to them.
  task<std::size_t> announce(multihash key) {
    server_.set_addresses(swarm_.addresses());
    if (server_.addresses().empty()) co_return errc::invalid_argument;
    const libp2p::kad_peer self{swarm_.id(), server_.addresses()};
    const std::vector<libp2p::kad_peer> seeds =
        table_.closest(libp2p::kad_key::of(key), options_.query.closest);
    const auto search =
        std::make_shared<walking>(libp2p::kad_query::provide(self, options_.realm, key, seeds, options_.query));
    const listener nobody;
    co_await walk(*this, search, nobody);
    co_return search->query.told();
  }

 private:
  /// A walk, and whoever carries its requests.
  struct walking {
    explicit walking(libp2p::kad_query how) : query(std::move(how)) {}
    libp2p::kad_query query;
    signal changed;
    bool news = false;  // a signal that nobody waits for is lost
  };

  [[nodiscard]] libp2p::kad_query seek(bytes_view name) const {
    return libp2p::kad_query::find_node(swarm_.id(), options_.realm, name,
                                        table_.closest(libp2p::kad_key::of(name), options_.query.closest),
                                        options_.query);
  }

  static asio::awaitable<void> walk(kad_node& self, std::shared_ptr<walking> state, listener tell) {
    asio::steady_timer timer{self.swarm_.executor()};
    while (true) {
      const clock::time_point now = clock::now();
      for (const libp2p::peer_id& late : state->query.expire(now)) self.table_.failed(late, now);
      while (std::optional<libp2p::kad_request> request = state->query.next(now)) {
        asio::co_spawn(self.swarm_.executor(), carry(self, state, *std::move(request)), asio::detached);
      }
      while (const std::optional<libp2p::kad_peer> provider = state->query.next_provider()) {
        if (tell) tell(*provider);
      }
      if (state->query.done()) co_return;
      if (const auto deadline = state->query.next_deadline()) {
        timer.expires_at(*deadline);
        timer.async_wait([state](std::error_code cancelled) {
          if (!cancelled) state->changed.notify();
        });
      }
      if (!std::exchange(state->news, false)) co_await state->changed.wait();
    }
  }

  /// Carries one request to its peer, and back what became of it.
  static asio::awaitable<void> carry(kad_node& self, std::shared_ptr<walking> state,
                                     libp2p::kad_request request) {
    link_ptr link = self.swarm_.link(request.to);
    if (!link) {
      std::vector<libp2p::multiaddr> addresses;
      for (const libp2p::multiaddr& one : request.addresses) {
        const libp2p::multiaddr whole = with_peer(one, request.to);
        // what names another peer would spoil the others
        if (whole.peer() == request.to) addresses.push_back(whole);
      }
      const result<link_ptr> made = co_await self.swarm_.connect(std::move(addresses));
      if (made) link = *made;
    }
    if (link && request.expects_answer) {
      const clock::duration patience = self.options_.query.timeout;
      const std::string_view protocol = self.protocol();
      const result<libp2p::kad_message> said = co_await ask_kad(link, protocol, request.message, patience);
      if (said) {
        self.table_.seen(request.to, {}, clock::now());
        state->query.answered(request.to, *said);
      } else {
        self.lose(request.to, *state, said.error());
      }
    } else if (link && tell_kad(*link, self.protocol(), request.message)) {
      state->query.sent(request.to);
    } else {
      self.lose(request.to, *state, make_error_code(errc::closed));
    }
    state->news = true;
    state->changed.notify();
  }

  void lose(const libp2p::peer_id& who, walking& state, std::error_code why) {
    if (why == errc::unsupported) {
      table_.remove(who);
    } else {
      table_.failed(who, clock::now());
    }
    state.query.failed(who);
  }

  /// Whoever says that it serves is entered in the table.
  void meet(const peer_link& link, const libp2p::identify_message& said) {
    if (!said.speaks(protocol())) return table_.remove(link.peer());
    std::vector<libp2p::multiaddr> addresses =
        options_.realm.keep(said.listen_addresses, libp2p::kad_server::max_addresses);
    if (link.dialed() && options_.realm.keeps(link.remote())) {
      libp2p::merge_addresses(addresses, std::vector{link.remote()});
    }
    const bool first = table_.size() == 0;
    const clock::time_point now = clock::now();
    if (table_.seen(link.peer(), addresses, now) != libp2p::kad_table::outcome::added) return;
    alarm_.set(first ? now : now + settle);
  }

  // --- upkeep, one thing at a time

  void look() {
    if (busy_) return;
    const clock::time_point now = clock::now();
    server_.set_addresses(swarm_.addresses());
    providers_.expire(now);
    std::optional<clock::time_point> next = table_.next_deadline();
    if (table_.size() != 0) {
      busy_ = true;
      if (std::optional<std::vector<std::byte>> name = table_.next_refresh(now, ++random_)) {
        asio::co_spawn(swarm_.executor(), refresh(*this, *std::move(name)), asio::detached);
        return;
      }
      if (const std::optional<multihash> key = own_.next_due(now)) {
        asio::co_spawn(swarm_.executor(), republish(*this, *key), asio::detached);
        return;
      }
      if (std::optional<libp2p::kad_peer> peer = table_.next_check(now)) {
        asio::co_spawn(swarm_.executor(), check(*this, *std::move(peer)), asio::detached);
        return;
      }
      busy_ = false;
      if (const auto due = own_.next_deadline()) next = std::min(*due, next.value_or(*due));
    }
    alarm_.set(std::min(next.value_or(clock::time_point::max()), now + idle));
  }

  void looked() {
    busy_ = false;
    look();
  }

  static asio::awaitable<void> refresh(kad_node& self, std::vector<std::byte> name) {
    const auto search = std::make_shared<walking>(self.seek(name));
    const listener nobody;
    co_await walk(self, search, nobody);
    self.looked();
  }

  static asio::awaitable<void> republish(kad_node& self, multihash key) {
    const result<std::size_t> told = co_await self.announce(key);
    self.own_.done(key, told && *told != 0, clock::now());
    self.looked();
  }

  /// Asks a peer that has been silent for long, and nobody else, for the peer that it is.
  static asio::awaitable<void> check(kad_node& self, libp2p::kad_peer peer) {
    libp2p::kad_query_options alone = self.options_.query;
    alone.max_requests = 1;
    const std::vector<libp2p::kad_peer> seeds{peer};
    const auto search = std::make_shared<walking>(
        libp2p::kad_query::find_node(self.swarm_.id(), self.options_.realm, peer.id.bytes(), seeds, alone));
    const listener nobody;
    co_await walk(self, search, nobody);
    self.looked();
  }

  static constexpr std::chrono::minutes idle{10};
  static constexpr std::chrono::seconds settle{1};  // peers come in swarms

  swarm& swarm_;
  kad_node_options options_;
  std::uint64_t random_;
  libp2p::kad_table table_;
  libp2p::kad_provider_store providers_;
  libp2p::kad_republisher own_;
  libp2p::kad_server server_;
  alarm alarm_;
  bool busy_ = false;
};

}  // namespace shoal::net
