// SPDX-License-Identifier: BSL-1.0
//
// Alerts, each once, and its end.
#include "alerts.hpp"

#include <chrono>
#include <set>
#include <utility>

#include <shoal/monitor/event_text.hpp>

using shoal::vmi::finding;
using shoal::vmi::finding_kind;

guest_alert to_alert(const finding& what, std::uint64_t now) {
  return {now, {}, std::string{name_of(what.kind)}, what.where, what.subject, what.detail, false, what.kind};
}

std::vector<guest_alert> alert_book::update(const std::vector<finding>& found, std::uint64_t now) {
  std::vector<guest_alert> news;
  std::set<key> still;
  for (const finding& each : found) {
    guest_alert alert = to_alert(each, now);
    key name{alert.kind, value(alert.where), alert.subject};
    still.insert(name);
    const auto [place, is_new] = open_.try_emplace(std::move(name), std::move(alert));
    if (is_new) news.push_back(place->second);
  }
  for (auto at = open_.begin(); at != open_.end();) {
    guest_alert& alert = at->second;
    // What happens and does not last: the next look does not find it, and nothing is well again.
    constexpr std::uint64_t hour = 3'600'000'000'000;
    const bool moment = alert.kind == name_of(finding_kind::credentials_gained) ||
                        alert.kind == name_of(finding_kind::credentials_overwritten);
    if (still.contains(at->first) || (moment && now - alert.time < hour)) {
      ++at;
      continue;
    }
    alert.time = now;
    alert.ended = true;
    if (!moment) news.push_back(std::move(alert));
    at = open_.erase(at);
  }
  return news;
}

std::vector<guest_alert> alert_book::open() const {
  std::vector<guest_alert> out;
  for (const auto& [_, alert] : open_) out.push_back(alert);
  return out;
}

std::uint64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::string to_text(const guest_alert& alert) {
  const std::string before =
      alert.guest.empty() ? "" : shoal::monitor::utc_text(alert.time) + " " + alert.guest + " ";
  if (alert.kind == name_of(finding_kind::unreadable)) {
    return before + (alert.ended ? "can read " + alert.subject + " again"
                                 : "cannot read " + alert.subject + ": " + alert.detail);
  }
  const std::string what = alert.kind + (alert.subject.empty() ? "" : " " + alert.subject);
  return before + (alert.ended ? "END " + what : "ALERT " + what + ": " + alert.detail);
}

std::vector<field> to_fields(const guest_alert& alert) {
  std::vector<field> out{{"time", shoal::monitor::utc_text(alert.time)},
                         {"kind", alert.kind},
                         {"where", alert.where},
                         {"subject", alert.subject},
                         {"detail", alert.detail},
                         {"ended", alert.ended}};
  if (!alert.guest.empty()) out.push_back({"guest", alert.guest});
  return out;
}
