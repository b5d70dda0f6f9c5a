// SPDX-License-Identifier: BSL-1.0
//
// rule_engine: holds a stream of accesses against rules, raises alerts, and says which accesses to deny.
//
//     rule_engine engine{std::move(rules), [](const alert& what) { tell(what); }};
//     if (engine.check(now, access) == verdict::deny) return;
//
// Rules are asked in their order, each but for those that stand behind one that allows.
// For recorders, collectors and the wrappers in checked_bus.hpp. Once made it allocates nothing and is bounded
// by the number of rules for each access. Belongs to one strand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/event.hpp>
#include <shoal/monitor/protected_bytes.hpp>
#include <shoal/monitor/rule.hpp>

namespace shoal::monitor {

enum class verdict : std::uint8_t { allow, deny };

/// When an access is held against rules.
enum class stage : std::uint8_t {
  whole,   ///< it has taken place, or it is a write
  before,  ///< it is a read that will take place: rules that need no value
  after,   ///< the same read, with its value: rules that need it
};

/// The observer that does nothing.
struct ignore_alerts {
  void operator()(const alert& /*what*/) const noexcept {}
};

template <class Observer = ignore_alerts>
class rule_engine {
 public:
  /// @param observer  called with each alert; must not throw
  /// @throws std::invalid_argument for a sequence without a model, a file without a place, limits of 0 or past
  /// max_rule_limit, and an `after` that names no rule before
  explicit rule_engine(std::vector<rule> rules, Observer observer = {})
      : rules_(std::move(rules)), observer_(std::move(observer)) {
    states_.reserve(rules_.size());
    for (const rule& each : rules_) {
      const bool counts = each.kind == rule_kind::rate || each.kind == rule_kind::chatter;
      if (counts && (each.limit == 0 || each.limit > max_rule_limit)) {
        throw std::invalid_argument("rule_engine: a limit is 0 or too large");
      }
      if (each.kind == rule_kind::sequence && each.model == nullptr) {
        throw std::invalid_argument("rule_engine: a sequence needs a model");
      }
      if (!each.file.empty() && each.target == nullptr) {
        throw std::invalid_argument("rule_engine: a rule about a file needs its place");
      }
      state& mine = states_.emplace_back(each);
      if (each.after.empty()) continue;
      mine.after =
          static_cast<std::size_t>(std::ranges::find(rules_, each.after, &rule::name) - rules_.begin());
      if (mine.after >= states_.size() - 1) {
        throw std::invalid_argument("rule_engine: what comes after a rule stands behind it");
      }
    }
  }

  /// The next access. Times do not go back: an earlier one counts as the latest so far.
  /// @param written  the bytes of a write to a disk, if they are known: one that writes what is there changes
  /// nothing
  verdict check(std::uint64_t time, const hal::access_record& access, stage when = stage::whole,
                bytes_view written = {}) noexcept {
    advance(time);
    verdict out = verdict::allow;
    bool touched = false;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const rule& each = rules_[i];
      if (access.what == hal::access::lost) {
        forget(states_[i]);
        continue;
      }
      if (each.kind == rule_kind::allow) {
        if (when == stage::before && needs_value(each)) continue;
        if (each.at.holds(access) && each.at.has_value(access) && is_after(each, states_[i])) break;
        continue;
      }
      if (when != stage::whole && (when == stage::after) != needs_value(each)) continue;
      if (!each.at.covers(access)) continue;
      if (each.target != nullptr) {
        if (!touches(*each.target, states_[i].records, access, written)) continue;
        touched = true;
      }
      if (!is_after(each, states_[i]) || !is_broken(each, states_[i], access)) continue;
      states_[i].met = true;
      states_[i].met_at = now_;
      if (each.kind == rule_kind::note) continue;
      raise(each, access, each.deny);
      if (each.deny) out = verdict::deny;
    }
    if (touched && out == verdict::allow && access.what == hal::access::disk_write) {
      for (state& each : states_) update(each.records, access.address, written);
    }
    return out;
  }

  /// Time has passed, perhaps without an access: something may be stuck. check() does it too.
  void advance(std::uint64_t time) noexcept {
    if (!started_) {
      started_ = true;
      start_ = now_ = time;
      for (state& each : states_) each.since = time;
      next_stuck();
    }
    now_ = std::max(now_, time);
    if (now_ <= stuck_at_) return;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      state& mine = states_[i];
      if (rules_[i].kind != rule_kind::stuck || mine.raised || now_ - mine.since <= rules_[i].period) continue;
      mine.raised = true;
      raise(rules_[i], mine.last, false);
    }
    next_stuck();
  }

  /// What comes is no continuation of what came: another run of the recorder, say. Times of day go on.
  void restart() noexcept {
    for (state& each : states_) forget(each);
  }

  /// How many alerts were raised.
  [[nodiscard]] std::uint64_t alerts() const noexcept { return alerts_; }
  [[nodiscard]] const std::vector<rule>& rules() const noexcept { return rules_; }

 private:
  struct state {
    explicit state(const rule& of)
        : times(of.kind == rule_kind::rate || of.kind == rule_kind::chatter
                    ? static_cast<std::size_t>(of.limit) + 1
                    : 0),
          window(of.model == nullptr ? 1 : of.model->length()) {
      if (of.target != nullptr) records = of.target->records;
      // what a stuck rule tells of when nothing came
      last.address = of.at.first;
      last.what = of.at.space == address_space::line   ? hal::access::line_get
                  : of.at.space == address_space::port ? hal::access::in
                  : of.at.space == address_space::i2c  ? hal::access::i2c_read
                                                       : hal::access::load;
    }

    std::vector<std::uint64_t> times;  // a ring of the latest limit + 1
    std::size_t next = 0;
    std::size_t held = 0;
    bool raised = false;      // and not to be raised again before it is over
    bool has_value = false;   // `value` is one that was seen
    std::uint64_t value = 0;  // the last one, under the mask
    std::uint64_t since = 0;  // stuck: when the value changed last
    hal::access_record last;
    ngram_window window;
    std::vector<kept_bytes> records;  // of a file, as they are now
    std::size_t after = 0;            // the rule that has to have been met
    bool met = false;
    std::uint64_t met_at = 0;
  };

  [[nodiscard]] static bool touches(const protected_bytes& target, const std::vector<kept_bytes>& records,
                                    const hal::access_record& access, bytes_view written) noexcept {
    if (target.contents.overlaps(access.address, access.value)) return true;
    return access.what != hal::access::disk_read && changes(records, access.address, access.value, written);
  }

  [[nodiscard]] bool is_after(const rule& each, const state& mine) const noexcept {
    if (each.after.empty()) return true;
    const state& other = states_[mine.after];
    return other.met && now_ - other.met_at <= each.within;
  }

  [[nodiscard]] static bool needs_value(const rule& each) noexcept {
    return each.at.mask != 0 || each.kind == rule_kind::stuck || each.kind == rule_kind::chatter;
  }

  [[nodiscard]] bool is_broken(const rule& each, state& mine, const hal::access_record& access) noexcept {
    switch (each.kind) {
      case rule_kind::forbid:
      case rule_kind::note: return each.at.has_value(access);
      case rule_kind::window: return each.at.has_value(access) && !is_allowed_now(each);
      case rule_kind::rate: return each.at.has_value(access) && is_too_fast(each, mine, times_of(access));
      case rule_kind::sequence: return is_new(*each.model, mine, access);
      case rule_kind::stuck:
        if (has_changed(each, mine, access)) {
          mine.since = now_;
          mine.raised = false;
          next_stuck();
        }
        return false;
      case rule_kind::chatter: return has_changed(each, mine, access) && is_too_fast(each, mine, 1);
      case rule_kind::allow: break;
    }
    return false;
  }

  [[nodiscard]] bool is_allowed_now(const rule& each) const noexcept {
    if (each.from == each.until) return now_ - start_ <= each.period;
    constexpr std::uint64_t minute = 60'000'000'000;
    constexpr std::uint64_t minutes_a_day = 1440;
    const std::uint64_t now = now_ / minute % minutes_a_day;
    return each.from < each.until ? each.from <= now && now < each.until : each.from <= now || now < each.until;
  }

  /// Counts so many of them now. True once when there are more than the limit in a period; always, and
  /// uncounted, for a rule that denies: what does not take place is none.
  bool is_too_fast(const rule& each, state& mine, std::uint64_t count) noexcept {
    const std::uint64_t wanted = std::min<std::uint64_t>(count, mine.times.size());
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::size_t oldest = (mine.next + 1) % mine.times.size();  // when limit others came since
      const bool over = mine.held >= each.limit && now_ - mine.times[oldest] < each.period;
      if (over && each.deny) return true;
      mine.times[mine.next] = now_;
      mine.next = (mine.next + 1) % mine.times.size();
      mine.held = std::min(mine.held + 1, mine.times.size());
      if (!over) mine.raised = false;
      if (over && !mine.raised) return mine.raised = true;
    }
    return false;
  }

  [[nodiscard]] static bool is_new(const ngram_model& model, state& mine,
                                   const hal::access_record& access) noexcept {
    const std::uint16_t symbol = model.symbol(access_symbol::of(access));
    if (symbol == 0) {
      mine.window.clear();
      return true;
    }
    const std::size_t times = 1 + std::min<std::size_t>(access.repeats, model.length());
    bool found = false;
    for (std::size_t i = 0; i < times; ++i) {
      mine.window.push(symbol);
      found = found || (mine.window.full() && !model.knows(mine.window.gram()));
    }
    return found;
  }

  /// Whether the value, under the mask, is another than the last; the first one is none.
  [[nodiscard]] static bool has_changed(const rule& each, state& mine,
                                        const hal::access_record& access) noexcept {
    const std::uint64_t mask = each.at.mask == 0 ? ~std::uint64_t{0} : each.at.mask;
    const std::uint64_t value = each.at.value_of(access) & mask;
    const bool changed = mine.has_value && mine.value != value;
    mine.has_value = true;
    mine.value = value;
    mine.last = access;
    return changed;
  }

  /// Something was lost: what came before says nothing about what comes.
  void forget(state& mine) noexcept {
    mine.window.clear();
    mine.has_value = false;
    mine.since = now_;
  }

  void next_stuck() noexcept {
    constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    stuck_at_ = never;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (rules_[i].kind != rule_kind::stuck || states_[i].raised) continue;
      const std::uint64_t since = states_[i].since;
      stuck_at_ = std::min(stuck_at_, rules_[i].period > never - since ? never : since + rules_[i].period);
    }
  }

  void raise(const rule& of, const hal::access_record& access, bool denied) noexcept {
    ++alerts_;
    observer_(alert{now_, of.kind, of.name, access, denied});
  }

  std::vector<rule> rules_;
  std::vector<state> states_;
  Observer observer_;
  std::uint64_t alerts_ = 0;
  std::uint64_t start_ = 0;
  std::uint64_t now_ = 0;
  std::uint64_t stuck_at_ = 0;  // no rule can find something stuck before
  bool started_ = false;
};

}  // namespace shoal::monitor
