// SPDX-License-Identifier: BSL-1.0
//
// swarm: the connections of a peer: it listens, dials, keeps one list of links by peer, and gives the streams
// that peers open to whoever speaks the protocol.
//
//     net::swarm_host<openssl::peer_crypto> host{context.get_executor(), identity};   // net/swarm_host.hpp
//     host.handle("/echo/1.0.0", [](const auto& link, auto stream) { return std::make_shared<echo>(link,
//     stream); }); host.listen(*multiaddr::parse("/ip4/0.0.0.0/tcp/4001")); result<std::shared_ptr<peer_link>>
//     link = co_await host.connect(addresses);
//
// One strand. Lives until the context has run dry, or has been stopped for good. What a link is made of
// is the derived class's to say. Leaves out which peers to look for.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/result.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/accept_clients.hpp>
#include <shoal/net/dial_backoff.hpp>
#include <shoal/net/dial_tcp.hpp>
#include <shoal/net/interface_address.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/secure_link.hpp>
#include <shoal/net/swarm_options.hpp>
#include <shoal/net/tcp_address.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// Hears of peers that come and go.
class swarm_observer {
 public:
  virtual void link_up(const std::shared_ptr<peer_link>& link) = 0;
  virtual void link_down(const std::shared_ptr<peer_link>& link) = 0;

 protected:
  ~swarm_observer() = default;
};

class swarm : private link_owner {
 public:
  swarm(const swarm&) = delete;
  swarm& operator=(const swarm&) = delete;

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const libp2p::peer_id& id() const noexcept { return id_; }

  /// Accepts connections until close(). Gives the addresses with the port that it has got, without the peer.
  ///
  /// errc::unsupported for an address that is not of an IP address and a TCP port; the system's errors.
  result<std::vector<libp2p::multiaddr>> listen(const libp2p::multiaddr& address) {
    const result<tcp_address> where = tcp_address::of(address);
    if (!where) return where.error();
    if (!where->numeric) return errc::unsupported;
    result<std::vector<listening_socket>> sockets = listen_tcp(executor_, where->host, where->port);
    if (!sockets) return sockets.error();
    std::vector<libp2p::multiaddr> bound;
    for (listening_socket& socket : *sockets) {
      auto door = std::make_shared<listening_socket>(std::move(socket));
      bound.push_back(bound_address(*door));
      doors_.push_back(door);
      asio::co_spawn(
          executor_,
          accept_clients(door, [] { return true; }, [this](int fd) { welcome(fd); }), asio::detached);
    }
    return bound;
  }

  /// Where others can reach this peer: where it listens, with the addresses of the interfaces in place of "all
  /// addresses". Without the peer.
  [[nodiscard]] std::vector<libp2p::multiaddr> addresses() const {
    std::vector<libp2p::multiaddr> all;
    for (const auto& door : doors_) {
      for (libp2p::multiaddr& one : reachable_addresses(bound_address(*door))) {
        if (std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
      }
    }
    return all;
  }

  /// Gives the streams that peers open for a protocol to a handler; to none: the protocol is no longer spoken.
  void handle(std::string protocol, stream_handler handler) {
    if (handler) {
      handlers_[std::move(protocol)] = std::move(handler);
    } else {
      handlers_.erase(protocol);
    }
  }
  /// The protocols that are handled.
  [[nodiscard]] std::vector<std::string> protocols() const {
    std::vector<std::string> names;
    names.reserve(handlers_.size());
    for (const auto& [name, handler] : handlers_) names.push_back(name);
    return names;
  }

  /// Must outlive the swarm, or be removed.
  void observe(swarm_observer& observer) { observers_.push_back(&observer); }
  void ignore(swarm_observer& observer) { std::erase(observers_, &observer); }

  /// The connection with that peer, the youngest one; null when there is none.
  [[nodiscard]] std::shared_ptr<peer_link> link(const libp2p::peer_id& peer) const {
    const auto found = links_.find(peer);
    return found == links_.end() ? nullptr : found->second.back();
  }
  /// A connection with each peer.
  [[nodiscard]] std::vector<std::shared_ptr<peer_link>> links() const {
    std::vector<std::shared_ptr<peer_link>> all;
    all.reserve(links_.size());
    for (const auto& [peer, several] : links_) all.push_back(several.back());
    return all;
  }
  [[nodiscard]] std::size_t link_count() const noexcept { return link_count_; }

  /// The connection with the peer that these are addresses of, made unless it is there. If they name a
  /// peer it is that one; otherwise whoever answers. Addresses are tried in their order, each with a head
  /// start on the next.
  ///
  /// errc::invalid_argument for no addresses, or for those of several peers; errc::unsupported for no address
  /// that this transport can dial; errc::busy when all have failed lately (see dial_backoff); otherwise why
  /// the last one failed: the system's errors, errc::timed_out, libp2p::noise_errc::unwanted_peer when
  /// somebody else is there.
  task<std::shared_ptr<peer_link>> connect(std::vector<libp2p::multiaddr> addresses) {
    std::optional<libp2p::peer_id> wanted;
    std::vector<target> targets;
    std::error_code why = make_error_code(errc::invalid_argument);
    for (const libp2p::multiaddr& address : addresses) {
      const result<tcp_address> where = tcp_address::of(address);
      if (!where) {
        why = where.error();
        continue;
      }
      if (where->peer && wanted && *where->peer != *wanted) co_return errc::invalid_argument;
      if (where->peer) wanted = where->peer;
      if (!backoff_.may_dial(address, clock::now())) {
        why = make_error_code(errc::busy);
        continue;
      }
      targets.push_back({address, *where});
    }
    if (wanted) {
      if (std::shared_ptr<peer_link> there = link(*wanted)) co_return there;
      if (*wanted == id_) co_return errc::invalid_argument;
    }
    if (targets.empty()) co_return why;
    co_return co_await dial_all(std::move(targets), wanted);
  }

  /// Closes all connections and stops listening. The context runs dry then.
  void close() {
    closed_ = true;
    for (const auto& door : doors_) door->descriptor.cancel();
    doors_.clear();
    const auto pending = std::exchange(strangers_, {});
    for (const auto& one : pending) one->close(make_error_code(errc::shutting_down));
    for (const auto& one : links()) {
      while (const std::shared_ptr<peer_link> each = link(one->peer())) {
        each->close(make_error_code(errc::shutting_down));
      }
    }
  }

 protected:
  swarm(asio::any_io_executor executor, libp2p::peer_id id, swarm_options options)
      : executor_(std::move(executor)), id_(id), options_(std::move(options)) {}
  ~swarm() = default;

  /// Makes a link of a TCP connection and starts it. Null when there is no randomness to make it with.
  /// @param wanted  who has to be at the other end; none: anybody who is admitted
  virtual std::shared_ptr<peer_link> make_link(asio::ip::tcp::socket socket, libp2p::noise_role role,
                                               const std::optional<libp2p::peer_id>& wanted,
                                               libp2p::multiaddr remote) = 0;

  [[nodiscard]] const swarm_options& options() const noexcept { return options_; }
  [[nodiscard]] link_owner& owner() noexcept { return *this; }
  [[nodiscard]] bool speaks(std::string_view protocol) const { return handlers_.contains(protocol); }

 private:
  using clock = std::chrono::steady_clock;

  struct target {
    libp2p::multiaddr address;
    tcp_address where;
  };

  /// An attempt to reach one peer by several addresses.
  struct dialing {
    std::optional<libp2p::peer_id> wanted;
    std::shared_ptr<peer_link> link;
    std::size_t running = 0;
    std::error_code why;
    signal changed;
  };

  // --- dialing

  task<std::shared_ptr<peer_link>> dial_all(std::vector<target> targets,
                                            std::optional<libp2p::peer_id> wanted) {
    const auto state = std::make_shared<dialing>();
    state->wanted = wanted;
    asio::steady_timer pause{executor_};
    for (const target& next : targets) {
      ++state->running;
      asio::co_spawn(executor_, dial(*this, state, next), asio::detached);
      pause.expires_after(options_.head_start);
      pause.async_wait([state](std::error_code cancelled) {
        if (!cancelled) state->changed.notify();
      });
      co_await state->changed.wait();  // it is there, it has failed, or the head start is over
      pause.cancel();
      if (state->link) break;
    }
    while (!state->link && state->running != 0) co_await state->changed.wait();
    if (!state->link) co_return state->why;
    co_return state->link;
  }

  static asio::awaitable<void> dial(swarm& self, std::shared_ptr<dialing> state, target to) {
    result<asio::ip::tcp::socket> socket = co_await dial_tcp(to.where, self.options_.dial_time);
    if (!socket || state->link || self.closed_) {
      const std::error_code why = socket ? make_error_code(errc::canceled) : socket.error();
      self.dial_failed(*state, to.address, why);
      co_return;
    }
    const result<libp2p::multiaddr> remote = ready(*socket);
    std::shared_ptr<peer_link> link;
    if (remote) {
      link = self.make_link(std::move(*socket), libp2p::noise_role::initiator, to.where.peer, *remote);
    }
    if (!link || !link->is_open()) {
      self.dial_failed(*state, to.address, remote ? make_error_code(errc::closed) : remote.error());
      co_return;
    }
    self.dialed_.emplace(link.get(), upgrade{state, to.address});
  }

  void dial_failed(dialing& state, const libp2p::multiaddr& address, std::error_code why) {
    if (why != errc::canceled) {
      backoff_.failed(address, clock::now());
      state.why = why;
    }
    --state.running;
    state.changed.notify();
  }

  /// Makes a connected socket ready for a link; where its other end is.
  static result<libp2p::multiaddr> ready(asio::ip::tcp::socket& socket) {
    std::error_code error;
    socket.set_option(asio::ip::tcp::no_delay{true}, error);
    socket.native_non_blocking(true, error);
    const asio::ip::tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return error;
    return address_of(remote);
  }

  // --- listening

  static libp2p::multiaddr bound_address(listening_socket& door) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    (void)::getsockname(door.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&storage), &size);
    asio::ip::tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), &storage, std::min<std::size_t>(size, endpoint.capacity()));
    return address_of(endpoint);
  }

  void welcome(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const bool known = ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    asio::ip::tcp::socket socket{executor_};
    std::error_code failed;
    socket.assign(known && address.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), fd,
                  failed);
    if (failed) {
      ::close(fd);
      return;
    }
    const result<libp2p::multiaddr> remote = ready(socket);
    if (!remote) return;
    if (strangers_.size() >= options_.max_strangers) {
      const std::shared_ptr<peer_link> oldest = strangers_.front();
      oldest->close(make_error_code(errc::busy));
    }
    auto link = make_link(std::move(socket), libp2p::noise_role::responder, std::nullopt, *remote);
    if (link && link->is_open()) strangers_.push_back(std::move(link));
  }

  // --- what links tell

  bool up(const std::shared_ptr<peer_link>& link) override {
    std::erase(strangers_, link);
    const bool wanted = !closed_ && link->peer() != id_ && link_count_ < options_.max_links;
    std::shared_ptr<dialing> asked;
    if (const auto found = dialed_.find(link.get()); found != dialed_.end()) {
      asked = std::exchange(found->second.state, nullptr);
      if (wanted) {
        asked->link = link;
        --asked->running;
      } else {
        dial_failed(*asked, found->second.address, make_error_code(errc::busy));
        dialed_.erase(found);
      }
    }
    if (!wanted) return false;
    std::vector<std::shared_ptr<peer_link>>& several = links_[link->peer()];
    several.push_back(link);
    ++link_count_;
    if (several.size() > options_.max_links_per_peer) {
      const std::shared_ptr<peer_link> oldest = several.front();
      oldest->close(make_error_code(errc::busy));
    }
    for (swarm_observer* const each : std::vector{observers_}) each->link_up(link);
    if (asked) asked->changed.notify();
    return true;
  }

  std::shared_ptr<stream_user> accepted(const std::shared_ptr<peer_link>& link, libp2p::stream_id stream,
                                        std::string_view protocol) override {
    const auto found = handlers_.find(protocol);
    return found == handlers_.end() ? nullptr : found->second(link, stream);
  }

  void down(const std::shared_ptr<peer_link>& link, bool established, std::error_code why) override {
    std::erase(strangers_, link);
    if (const auto found = dialed_.find(link.get()); found != dialed_.end()) {
      const upgrade dialed = std::move(found->second);
      dialed_.erase(found);
      if (dialed.state) {
        dial_failed(*dialed.state, dialed.address, why);
      } else if (link->round_trip()) {
        backoff_.worked(dialed.address);
      } else {  // it has not even answered a ping: it does not want this peer
        backoff_.failed(dialed.address, clock::now());
      }
    }
    const auto several = links_.find(link->peer());
    if (!established || several == links_.end() || std::erase(several->second, link) == 0) return;
    --link_count_;
    if (several->second.empty()) links_.erase(several);
    for (swarm_observer* const each : std::vector{observers_}) each->link_down(link);
  }

  struct upgrade {
    std::shared_ptr<dialing> state;  // null once the peer has proved who it is
    libp2p::multiaddr address;
  };

  asio::any_io_executor executor_;
  libp2p::peer_id id_;
  swarm_options options_;
  std::map<std::string, stream_handler, std::less<>> handlers_;
  std::vector<swarm_observer*> observers_;
  std::vector<std::shared_ptr<listening_socket>> doors_;
  std::unordered_map<libp2p::peer_id, std::vector<std::shared_ptr<peer_link>>> links_;  // the youngest last
  std::size_t link_count_ = 0;
  std::list<std::shared_ptr<peer_link>> strangers_;       // that have connected, and may be anybody
  std::unordered_map<const peer_link*, upgrade> dialed_;  // that this side has made
  dial_backoff backoff_;
  bool closed_ = false;
};

}  // namespace shoal::net
