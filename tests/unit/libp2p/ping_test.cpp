// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/ping.hpp>  // first: shows that the header stands alone

#include <array>
#include <chrono>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::ping_echo;
using shoal::libp2p::ping_sender;
using shoal::libp2p::ping_size;
using namespace std::chrono_literals;
using vectors::hex;

std::array<std::byte, ping_size> payload(int seed) {
  std::array<std::byte, ping_size> bytes;
  for (std::size_t i = 0; i < ping_size; ++i)
    bytes[i] = static_cast<std::byte>(i * 3 + static_cast<std::size_t>(seed));
  return bytes;
}

TEST_CASE("a ping is answered, and its time is told, however it is cut") {
  const ping_sender::clock::time_point start{};
  for (std::size_t cut = 0; cut <= ping_size; ++cut) {
    ping_sender ping;
    ping_echo echo;
    for (int round = 0; round < 3; ++round) {
      const auto random = payload(round);
      const bytes_view sent = ping.start(random, start);
      CHECK(hex(sent) == hex(random));
      auto answer = echo.next(sent.first(cut));
      const auto more = echo.next(sent.subspan(cut));
      answer.insert(answer.end(), more.begin(), more.end());
      CHECK(hex(answer) == hex(sent));
      CHECK(echo.idle());
      bytes_view in = bytes_view{answer}.first(cut);
      const auto early = ping.next(in, start + 1ms);
      REQUIRE(early);
      CHECK(early->has_value() == (cut == ping_size));
      in = bytes_view{answer}.subspan(cut);
      const auto late = ping.next(in, start + 2ms);
      REQUIRE(late);
      if (cut != ping_size) CHECK(late->value() == 2ms);
      CHECK_FALSE(ping.waiting());
    }
  }
}

TEST_CASE("a wrong answer is found out, and so is one to nothing") {
  ping_sender ping;
  const auto random = payload(1);
  const auto other = payload(2);
  bytes_view in{other};
  CHECK(ping.next(in, {}).error() == errc::malformed);
  (void)ping.start(random, {});
  CHECK(ping.next(in, {}).error() == errc::malformed);
  in = {};
  CHECK_FALSE(ping.next(in, {})->has_value());
}

TEST_CASE("many pings in one read are answered at once, and a part of one waits") {
  ping_echo echo;
  std::vector<std::byte> in(3 * ping_size + 5, std::byte{7});
  CHECK(echo.next(in).size() == 3 * ping_size);
  CHECK_FALSE(echo.idle());
  CHECK(echo.next(bytes_view{in}.first(26)).empty());
  CHECK(echo.next(bytes_view{in}.first(1)).size() == ping_size);
  CHECK(echo.idle());
}

}  // namespace
