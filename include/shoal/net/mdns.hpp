// SPDX-License-Identifier: BSL-1.0
//
// mdns: finds the peers in the neighbourhood and lets them find this one, by multicast DNS on every interface.
//
//     net::mdns neighbours{executor, self, random, [&] { return host.addresses(); },
//                          [&](const libp2p::mdns_peer& peer) { consider(peer); }};
//     if (result<> started = neighbours.start(); !started) complain(started.error());
//
// One strand. Interfaces that come later are joined, and those that go are left. What is said and believed:
// libp2p/mdns.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/libp2p/dns_message.hpp>
#include <shoal/libp2p/mdns.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/multicast_link.hpp>

namespace shoal::net {

struct mdns_driver_options {
  /// Names of the interfaces, even "lo"; none: all but loopback and tunnels.
  std::vector<std::string> interfaces = {};
  bool v4 = true;
  bool v6 = true;
  /// How often it looks which interfaces and addresses there are.
  std::chrono::steady_clock::duration scan_interval = std::chrono::seconds{15};
  libp2p::mdns_options service = {};
};

class mdns {
 public:
  /// Sockets at a time, one for each interface and kind of IP address; further interfaces are left out.
  static constexpr std::size_t max_links = 64;

  using address_source = std::function<std::vector<libp2p::multiaddr>()>;
  using found_handler = std::function<void(const libp2p::mdns_peer&)>;

  /// @param random  anew for each process
  /// @param where   says where this peer is; asked with every scan of the interfaces
  /// @param found   hears of peers that are new or have a new address, until stop()
  mdns(asio::any_io_executor executor, const libp2p::peer_id& self,
       std::span<const std::byte, libp2p::mdns_service::random_size> random, address_source where,
       found_handler found, mdns_driver_options options = {})
      : state_(std::make_shared<state>(std::move(executor), libp2p::mdns_service{self, random, options.service},
                                       std::move(where), std::move(found), std::move(options))) {}
  mdns(const mdns&) = delete;
  mdns& operator=(const mdns&) = delete;
  ~mdns() { stop(); }

  /// Joins the group and begins to ask. The system's error when there is not one interface where it can be
  /// joined; std::errc::no_such_device when there is no interface that fits.
  result<> start() {
    const auto now = clock::now();
    if (const std::error_code failed = state_->scan(now); state_->links.empty()) return failed;
    asio::co_spawn(state_->executor, keep_time(state_), asio::detached);
    return {};
  }

  /// Leaves the group; nobody is found any more.
  void stop() {
    state_->stopped = true;
    state_->timer.cancel();
    for (const auto& each : state_->links) each->close();
    state_->links.clear();
  }

  /// Where it listens: "eth0 (IPv4)", for people.
  [[nodiscard]] std::vector<std::string> links() const {
    std::vector<std::string> names;
    for (const auto& each : state_->links) {
      names.push_back(each->on.name + (each->kind == ip_kind::v4 ? " (IPv4)" : " (IPv6)"));
    }
    return names;
  }

  /// Everybody who was heard of lately.
  [[nodiscard]] std::vector<libp2p::mdns_peer> peers() const { return state_->service.peers(clock::now()); }
  [[nodiscard]] const libp2p::mdns_counters& counters() const noexcept { return state_->service.counters(); }

 private:
  using clock = libp2p::mdns_service::clock;

  struct link {
    network_interface on;
    ip_kind kind;
    asio::ip::udp::socket socket;
    bool closed = false;
    asio::ip::udp::endpoint sender = {};
    std::array<std::byte, libp2p::max_dns_message + 1> datagram;  // longer ones show that they are

    link(network_interface i, ip_kind k, asio::ip::udp::socket s)
        : on(std::move(i)), kind(k), socket(std::move(s)) {}

    void close() {
      closed = true;
      std::error_code ignored;
      socket.close(ignored);
    }
    /// A datagram that cannot be sent is lost, as any may be.
    void send(bytes_view message, const asio::ip::udp::endpoint& to) {
      std::error_code ignored;
      socket.send_to(asio::buffer(message.data(), message.size()), to, 0, ignored);
    }
  };

  /// What the coroutines share with the owner, and keep when it goes.
  struct state : std::enable_shared_from_this<state> {
    asio::any_io_executor executor;
    libp2p::mdns_service service;
    address_source where;
    found_handler found;
    mdns_driver_options options;
    asio::steady_timer timer;
    std::vector<std::shared_ptr<link>> links = {};
    clock::time_point next_scan = {};
    bool stopped = false;

    state(asio::any_io_executor e, libp2p::mdns_service s, address_source w, found_handler f,
          mdns_driver_options o)
        : executor(std::move(e)),
          service(std::move(s)),
          where(std::move(w)),
          found(std::move(f)),
          options(std::move(o)),
          timer(executor) {}

    [[nodiscard]] bool wants(const network_interface& each) const {
      if (options.interfaces.empty()) return each.neighbours;
      return std::ranges::find(options.interfaces, each.name) != options.interfaces.end();
    }

    /// Joins new interfaces and leaves those that are gone. Why the last one could not be joined.
    std::error_code scan(clock::time_point now) {
      next_scan = now + options.scan_interval;
      const std::vector<network_interface> present = network_interfaces();
      std::erase_if(links, [&](const std::shared_ptr<link>& each) {
        const auto here = [&](const network_interface& i) {
          return i.index == each->on.index && (each->kind == ip_kind::v4 ? i.v4 : i.v6);
        };
        if (std::ranges::any_of(present, here)) return false;
        each->close();
        return true;
      });
      std::error_code why = std::make_error_code(std::errc::no_such_device);
      bool joined = false;
      for (const network_interface& each : present) {
        if (!wants(each)) continue;
        for (const ip_kind kind : {ip_kind::v4, ip_kind::v6}) {
          const bool usable = kind == ip_kind::v4 ? each.v4 && options.v4 : each.v6 && options.v6;
          if (usable) joined = join(each, kind, why) || joined;
        }
      }
      service.announce(where(), now);
      if (joined) service.start(now);
      return why;
    }

    /// True when the interface was not joined before and is now.
    bool join(const network_interface& on, ip_kind kind, std::error_code& why) {
      const auto same = [&](const std::shared_ptr<link>& l) {
        return l->on.index == on.index && l->kind == kind;
      };
      if (std::ranges::any_of(links, same) || links.size() == max_links) return false;
      result<asio::ip::udp::socket> socket = open_mdns_socket(executor, on, kind);
      if (!socket) {
        why = socket.error();
        return false;
      }
      links.push_back(std::make_shared<link>(on, kind, *std::move(socket)));
      asio::co_spawn(executor, listen(shared_from_this(), links.back()), asio::detached);
      return true;
    }

    void speak(clock::time_point now) {
      while (const std::optional<std::vector<std::byte>> message = service.next_output(now)) {
        for (const auto& each : links) each->send(*message, mdns_group(each->on, each->kind));
      }
    }

    void hear(link& from, std::size_t size) {
      const auto now = clock::now();
      const bytes_view datagram = bytes_view{from.datagram}.first(size);
      const std::vector<std::byte> reply = service.receive(datagram, from.sender.port(), now);
      if (!reply.empty()) from.send(reply, from.sender);
      while (!stopped) {
        const std::optional<libp2p::mdns_peer> peer = service.next_found(now);
        if (!peer) break;
        found(*peer);
      }
      if (service.next_deadline() < timer.expiry()) timer.cancel();
    }
  };

  static asio::awaitable<void> keep_time(std::shared_ptr<state> self) {
    while (!self->stopped) {
      const auto now = clock::now();
      if (now >= self->next_scan) (void)self->scan(now);
      self->speak(now);
      self->timer.expires_at(std::min(self->service.next_deadline(), self->next_scan));
      [[maybe_unused]] const auto woken = co_await self->timer.async_wait(shoal::detail::no_throw);
    }
  }

  static asio::awaitable<void> listen(std::shared_ptr<state> self, std::shared_ptr<link> on) {
    asio::steady_timer pause{self->executor};
    while (!on->closed) {
      const asio::mutable_buffer into = asio::buffer(on->datagram);
      const auto [failed, size] =
          co_await on->socket.async_receive_from(into, on->sender, shoal::detail::no_throw);
      if (on->closed) co_return;
      if (!failed) {
        self->hear(*on, size);
        continue;
      }
      // the interface may be down for a while
      pause.expires_after(std::chrono::seconds{1});
      [[maybe_unused]] const auto waited = co_await pause.async_wait(shoal::detail::no_throw);
    }
  }

  std::shared_ptr<state> state_;
};

}  // namespace shoal::net
