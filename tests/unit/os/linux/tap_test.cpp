// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/tap.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/os/linux/device_poll.hpp>

using namespace shoal;
using namespace shoal::linux_os;

namespace {

constexpr mac_address mac{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};

std::pair<posix::unique_fd, posix::unique_fd> two_ends() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {posix::unique_fd{fds[0]}, posix::unique_fd{fds[1]}};
}

}  // namespace

TEST_CASE("frames go both ways, one at a time, and nothing waits") {
  auto [near, far] = two_ends();
  tap net{std::move(near), mac};
  CHECK(net.mtu() == 1500);
  CHECK(net.mac() == mac);
  std::array<std::byte, 64> room;
  CHECK(net.receive(room).code == status::busy);
  REQUIRE(::write(far.get(), "first", 5) == 5);
  REQUIRE(::write(far.get(), "second", 6) == 6);
  const status_or<std::size_t> got = net.receive(room);
  REQUIRE(got);
  CHECK(as_text(bytes_view{room}.first(*got)) == "first");
  CHECK(net.receive(bytes_span{room}.first(3)).value == 3);  // cut to the room that there is
  CHECK(net.receive(room).code == status::busy);
  CHECK(net.send(as_bytes(std::string_view{"answer"})) == status::ok);
  std::array<char, 16> text{};
  CHECK(::read(far.get(), text.data(), text.size()) == 6);
  status s = status::ok;
  for (int i = 0; i < 100'000 && s == status::ok; ++i) s = net.send(as_bytes(std::string_view{"more"}));
  CHECK(s == status::busy);
  far.reset();
  while (net.receive(room)) {
  }
  CHECK(net.receive(room).code == status::busy);
  ::signal(SIGPIPE, SIG_IGN);
  CHECK(net.send(room) == status::failed);
}

TEST_CASE("a descriptor that is open becomes a network by its number") {
  auto [near, far] = two_ends();
  const std::string number = std::to_string(near.get());
  result<tap> net = tap::adopt(number, mac);
  REQUIRE(net);
  CHECK(net->fd() == near.release());
  CHECK(net->send(as_bytes(std::string_view{"frame"})) == status::ok);
  std::array<char, 16> text{};
  CHECK(::read(far.get(), text.data(), text.size()) == 5);
  for (const char* const none : {"", "x", "7x", "-1", "1", "123456789", "99999999999999"}) {
    CAPTURE(none);
    CHECK(tap::adopt(none, mac).error() == errc::invalid_argument);
  }
}

TEST_CASE("an interface that is not there is not made") {
  CHECK(tap::open("tap-of-nobody", mac).error() == std::errc::no_such_device);
  CHECK(tap::open("", mac).error() == errc::invalid_argument);
  CHECK(tap::open("a-name-longer-than-16", mac).error() == errc::invalid_argument);
}

TEST_CASE("a device that is gone wakes who waits for it, and nobody else") {
  const stop_signals stop;
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  posix::unique_fd read{fds[0]};
  const posix::unique_fd write{fds[1]};
  device_poll waiter{stop};
  waiter.add(3, write.get());  // has an error, and never anything to read, once nobody reads
  CHECK(waiter.wait(1u << 3, 0) == 0);
  read.reset();
  CHECK(waiter.wait(1u << 3, ~std::uint64_t{0}) == 1u << 3);
  CHECK(waiter.wait(1u << 4, 1'000'000) == 0);
}

TEST_CASE("a guest waits until a device has something, the time is over, or a signal comes") {
  using namespace std::chrono_literals;
  const stop_signals stop;
  auto [near, far] = two_ends();
  tap net{std::move(near), mac};
  bool asked_has = false;
  device_poll waiter{stop};
  waiter.add(3, net.fd());
  waiter.add_asked(5, [&] { return asked_has; });
  constexpr std::uint64_t all = ~std::uint64_t{0};
  CHECK(waiter.wait(all, 0) == 0);
  CHECK(waiter.wait(all, 2'000'000) == 0);
  REQUIRE(::write(far.get(), "frame", 5) == 5);
  CHECK(waiter.wait(all, ~std::uint64_t{0}) == 1u << 3);
  asked_has = true;
  CHECK(waiter.wait(all, 1'000'000'000) == (1u << 3 | 1u << 5));
  CHECK(waiter.wait(1u << 5, 1'000'000'000) == 1u << 5);
  CHECK(waiter.wait(1u << 3, 1'000'000'000) == 1u << 3);
  CHECK(waiter.wait(1u << 4, 1'000'000) == 0);
  far.reset();
  CHECK(waiter.wait(1u << 3, ~std::uint64_t{0}) == 1u << 3);  // it finds out that nobody is there any more
  stop.limit(1ms);
  CHECK(waiter.wait(1u << 4, ~std::uint64_t{0}) == 0);
  CHECK(stop.take() == SIGALRM);
}
