// SPDX-License-Identifier: BSL-1.0
//
// want_agenda: which of a client session's wants is next, and when. A want is on it in one place: ready, in
// order of urgency, or resting until a deadline.
//
//     agenda.make_ready(want);
//     agenda.rest(want, want_stage::waiting, now + patience);
//     if (client_want* due = agenda.due(now)) ...
//
// Refers to the wants, which must stay where they are until remove().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include <shoal/exchange/client_want.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

class want_agenda {
 public:
  using ready_map = std::map<client_want::order, client_want*>;

  void make_ready(client_want& w) {
    remove(w);
    w.at = want_stage::ready;
    w.awaited.reset();
    ready_.emplace(w.rank(), &w);
  }

  /// @param at  waiting or idle
  void rest(client_want& w, want_stage at, instant until) {
    remove(w);
    w.at = at;
    w.deadline = until;
    resting_.emplace(std::pair{until, w.sequence}, &w);
  }

  /// Changes how much a want is wanted, wherever it is.
  void reorder(client_want& w, const want_options& how) {
    const bool ready = w.at == want_stage::ready;
    if (ready) remove(w);
    w.how = how;
    if (ready) make_ready(w);
  }

  /// The want is then open.
  void remove(client_want& w) {
    if (w.at == want_stage::ready) ready_.erase(w.rank());
    if (w.at == want_stage::waiting || w.at == want_stage::idle) resting_.erase({w.deadline, w.sequence});
    w.at = want_stage::open;
  }

  /// The ready ones, the most urgent first.
  [[nodiscard]] const ready_map& ready() const noexcept { return ready_; }

  /// The want whose deadline passed first, or null.
  [[nodiscard]] client_want* due(instant now) const noexcept {
    if (resting_.empty() || resting_.begin()->first.first > now) return nullptr;
    return resting_.begin()->second;
  }
  [[nodiscard]] std::optional<instant> next_deadline() const noexcept {
    if (resting_.empty()) return std::nullopt;
    return resting_.begin()->first.first;
  }

 private:
  ready_map ready_;
  std::map<std::pair<instant, std::uint64_t>, client_want*> resting_;
};

}  // namespace shoal::exchange
