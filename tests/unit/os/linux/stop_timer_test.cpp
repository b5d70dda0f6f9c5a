// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/stop_timer.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>

#include <doctest/doctest.h>

using namespace shoal::linux_os;

TEST_CASE("a wait is as long as it should be") {
  const stop_signals stop;
  const stop_timer timer{stop};
  const std::uint64_t start = timer.now();
  CHECK(timer.wait(2'000'000));
  CHECK(timer.now() - start >= 2'000'000);
}

TEST_CASE("a signal ends a wait, and no wait begins while it is there") {
  const stop_signals stop;
  const stop_timer timer{stop};
  constexpr std::uint64_t for_ever = ~std::uint64_t{0};
  stop.limit(std::chrono::milliseconds{5});
  CHECK(!timer.wait(for_ever));
  CHECK(!timer.wait(for_ever));
  CHECK(stop.take() == SIGALRM);
}
