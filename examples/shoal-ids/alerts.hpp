// SPDX-License-Identifier: BSL-1.0
//
// alert_book: makes alerts of what one look after the other finds: each is told once, and so is its end.
//
//     for (const guest_alert& each : book.update(look_into(guest), unix_now())) tell(each, out);
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/finding.hpp>

#include "output.hpp"

/// Something is not as it should be, or is again.
struct guest_alert {
  std::uint64_t time = 0;  ///< in nanoseconds since 1970
  std::string guest;       ///< its name; empty where there is only one
  std::string kind;        ///< that of a finding, or "away": it cannot be looked into
  shoal::vmi::virtual_address where{};
  std::string subject;
  std::string detail;
  bool ended = false;
  std::optional<shoal::vmi::finding_kind> found = std::nullopt;  ///< `kind`, where it is that of a finding
};

[[nodiscard]] guest_alert to_alert(const shoal::vmi::finding& what, std::uint64_t now);

class alert_book {
 public:
  /// Takes what a look has found, and says what is new.
  std::vector<guest_alert> update(const std::vector<shoal::vmi::finding>& found, std::uint64_t now);

  /// What began and has not ended. That a process became root is told once and has no end; it stays for an
  /// hour.
  [[nodiscard]] std::vector<guest_alert> open() const;

 private:
  using key = std::tuple<std::string, std::uint64_t, std::string>;  // kind, where, subject

  std::map<key, guest_alert> open_;
};

/// The clock of alerts.
[[nodiscard]] std::uint64_t unix_now();

/// "ALERT hidden-task pid 84 (sleep): ...", and behind its time and guest where it has one.
[[nodiscard]] std::string to_text(const guest_alert& alert);
[[nodiscard]] std::vector<field> to_fields(const guest_alert& alert);
inline void tell(const guest_alert& alert, const output& out) {
  out.put(to_text(alert), to_fields(alert));
}
