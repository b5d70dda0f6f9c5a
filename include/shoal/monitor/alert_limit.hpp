// SPDX-License-Identifier: BSL-1.0
//
// alert_limit: who breaks a rule for ever fills no terminal and no disk: so many alerts of a rule are told in a
// second, and of the others how many there were.
//
//     rule_engine engine{std::move(rules), [&](const alert& what) noexcept {
//       if (const std::uint64_t more = limit.left_out(what)) say(what.rule, more);
//       if (limit.admits(what)) say(what);
//     }};
//
// For what tells people. A recording has all that was done, whatever was told. Belongs to one strand.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/monitor/event.hpp>

namespace shoal::monitor {

class alert_limit {
 public:
  static constexpr std::uint64_t most = 20;               ///< alerts of a rule
  static constexpr std::uint64_t period = 1'000'000'000;  ///< nanoseconds, from the first of them

  /// How many alerts of this one's rule were not told since somebody was told a number; 0 until a period is
  /// over. Ask before admits().
  [[nodiscard]] std::uint64_t left_out(const alert& what) {
    state& mine = of(what.rule);
    if (mine.told != 0 && what.time - mine.since < period) return 0;
    mine.since = what.time;
    mine.told = 0;
    return std::exchange(mine.left_out, 0);
  }
  /// Whether to tell of it.
  [[nodiscard]] bool admits(const alert& what) {
    state& mine = of(what.rule);
    const bool admitted = mine.told < most;
    ++(admitted ? mine.told : mine.left_out);
    return admitted;
  }
  /// No more of them come for a while: `say(rule, count)` for each rule of which some were not told.
  template <class Say>
  void finish(Say say) {
    for (auto& [rule, mine] : rules_) {
      if (mine.left_out != 0) say(std::string_view{rule}, std::exchange(mine.left_out, 0));
    }
  }

 private:
  struct state {
    std::uint64_t since = 0;
    std::uint64_t told = 0;
    std::uint64_t left_out = 0;
  };

  state& of(std::string_view rule) {
    const auto found = rules_.find(rule);
    return found != rules_.end() ? found->second : rules_[std::string{rule}];
  }

  std::map<std::string, state, std::less<>> rules_;
};

}  // namespace shoal::monitor
