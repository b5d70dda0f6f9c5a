// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/alert_limit.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace shoal::monitor;

namespace {

/// What is told of so many alerts of a rule at one time: how many, and of how many others a number.
struct told {
  std::uint64_t alerts = 0;
  std::uint64_t left_out = 0;
  bool operator==(const told&) const = default;
};
told tell(alert_limit& limit, const char* rule, std::uint64_t time, unsigned count) {
  told out;
  for (unsigned i = 0; i < count; ++i) {
    const alert what{.time = time, .rule = rule, .access = {}};
    out.left_out += limit.left_out(what);
    out.alerts += limit.admits(what) ? 1U : 0U;
  }
  return out;
}

constexpr std::uint64_t day = 86'400'000'000'000;

}  // namespace

TEST_CASE("so many alerts of a rule are told in a second") {
  alert_limit limit;
  CHECK(tell(limit, "led", day, 100) == told{.alerts = alert_limit::most, .left_out = 0});
  CHECK(tell(limit, "led", day + alert_limit::period - 1, 5) == told{});
  CHECK(tell(limit, "led", day + alert_limit::period, 1) == told{.alerts = 1, .left_out = 85});
  CHECK(tell(limit, "led", day + alert_limit::period, 100) ==
        told{.alerts = alert_limit::most - 1, .left_out = 0});
}

TEST_CASE("each rule has a limit of its own, from the time 0 on") {
  alert_limit limit;
  CHECK(tell(limit, "led", 0, 100).alerts == alert_limit::most);
  CHECK(tell(limit, "led", 1, 1).alerts == 0);
  CHECK(tell(limit, "disk", 1, 3) == told{.alerts = 3, .left_out = 0});
}

TEST_CASE("what was not told by the end is told as numbers, once") {
  alert_limit limit;
  tell(limit, "led", day, 30);
  tell(limit, "disk", day, 20);
  tell(limit, "net", day, 21);
  std::vector<std::string> said;
  const auto say = [&](std::string_view rule, std::uint64_t count) {
    said.push_back(std::string{rule} + ' ' + std::to_string(count));
  };
  limit.finish(say);
  CHECK(said == std::vector<std::string>{"led 10", "net 1"});
  limit.finish(say);
  CHECK(said.size() == 2);
}
