// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/mdns.hpp>  // first: shows that the header stands alone

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <asio/io_context.hpp>

#include <shoal/os/posix/unique_fd.hpp>

namespace mdns_test {

using namespace std::chrono_literals;
using shoal::libp2p::mdns_peer;
using shoal::libp2p::multiaddr;
using shoal::libp2p::peer_id;
using shoal::net::mdns;
using shoal::net::mdns_driver_options;

const std::string id_a = "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7";
const std::string id_b = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

/// Gives the calling thread a network of its own, in which nothing leaves the machine: loopback alone, up or
/// down. False where that is not allowed.
bool enter_own_network(bool up) {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  if (!up) return true;
  const shoal::posix::unique_fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_MULTICAST;
  return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

/// Runs `body` there.
template <class Body>
void in_own_network(bool up, Body body) {
  std::thread thread{[&] {
    if (enter_own_network(up)) {
      body();
    } else {
      MESSAGE("skipped: a network of one's own needs root");
    }
  }};
  thread.join();
}

/// A peer on this machine, and whom it has found.
struct neighbour {
  neighbour(asio::io_context& context, const std::string& id, const std::string& address,
            mdns_driver_options options)
      : at(*multiaddr::parse(address)),
        driver(
            context.get_executor(), *peer_id::parse(id), random(id), [this] { return std::vector{at}; },
            [this](const mdns_peer& peer) { found.push_back(peer); }, std::move(options)) {}

  static std::array<std::byte, shoal::libp2p::mdns_service::random_size> random(const std::string& id) {
    std::array<std::byte, shoal::libp2p::mdns_service::random_size> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(id[i]);
    return bytes;
  }

  multiaddr at;
  std::vector<mdns_peer> found;
  mdns driver;
};

mdns_driver_options on_loopback() {
  return {.interfaces = {"lo"}, .service = {.loopback = true}};
}

template <class Done>
void run_until(asio::io_context& context, Done done) {
  context.restart();
  const auto end = std::chrono::steady_clock::now() + 30s;  // something is wrong then
  while (!done() && std::chrono::steady_clock::now() < end) context.run_one_for(1s);
}

TEST_CASE("two peers on one machine find each other") {
  in_own_network(true, [] {
    asio::io_context context;
    neighbour a{context, id_a, "/ip4/127.0.0.1/tcp/4001", on_loopback()};
    neighbour b{context, id_b, "/ip4/127.0.0.1/tcp/4002", on_loopback()};
    const auto started = a.driver.start();
    if (!started) {
      MESSAGE("skipped: no multicast on loopback: ", started.error().message());
      return;
    }
    CHECK(a.driver.links().front() == "lo (IPv4)");
    REQUIRE(b.driver.start());
    run_until(context, [&] { return !a.found.empty() && !b.found.empty(); });
    REQUIRE_FALSE(a.found.empty());
    REQUIRE_FALSE(b.found.empty());
    CHECK(a.found.front().id == *peer_id::parse(id_b));
    CHECK(to_text(a.found.front().addresses.at(0)) == "/ip4/127.0.0.1/tcp/4002/p2p/" + id_b);
    CHECK(b.found.front().id == *peer_id::parse(id_a));
    CHECK(a.driver.peers().size() == 1);
    CHECK(a.driver.counters().malformed == 0);

    a.driver.stop();
    b.driver.stop();
    CHECK(a.driver.links().empty());
    context.run();  // nothing is left to do
    CHECK(context.stopped());
  });
}

TEST_CASE("a peer may go while it listens") {
  in_own_network(true, [] {
    asio::io_context context;
    {
      neighbour a{context, id_a, "/ip4/127.0.0.1/tcp/4001", on_loopback()};
      if (!a.driver.start()) return;
      context.run_for(50ms);
    }
    context.restart();
    context.run();
    CHECK(context.stopped());
  });
}

TEST_CASE("without a network that fits it says so") {
  in_own_network(false, [] {
    asio::io_context context;
    neighbour a{context, id_a, "/ip4/10.0.0.1/tcp/4001", {}};
    CHECK(a.driver.start().error() == std::errc::no_such_device);
    neighbour b{context, id_b, "/ip4/10.0.0.1/tcp/4001", on_loopback()};
    CHECK(b.driver.start().error() == std::errc::no_such_device);
    context.run();
    CHECK(context.stopped());
  });
}

TEST_CASE("loopback is no neighbourhood unless it is named") {
  in_own_network(true, [] {
    asio::io_context context;
    neighbour a{context, id_a, "/ip4/127.0.0.1/tcp/4001", {}};
    CHECK(a.driver.start().error() == std::errc::no_such_device);
    neighbour b{context, id_b, "/ip4/127.0.0.1/tcp/4001", {.interfaces = {"lo"}, .v4 = false, .v6 = false}};
    CHECK(b.driver.start().error() == std::errc::no_such_device);
  });
}

}  // namespace mdns_test
