// SPDX-License-Identifier: BSL-1.0
//
// finding: what a check of a guest found that should not be so, as programs and people read it.
//
//     for (const finding& each : found) print(name_of(each.kind), each.subject, each.detail);
//
// Subjects and details contain names out of the guest's memory, made printable.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/kernel_list.hpp>

namespace shoal::vmi {

/// No more findings of one kind are told: who fills memory with them has been found.
inline constexpr std::size_t max_findings = 1000;

enum class finding_kind : std::uint8_t {
  unreadable,               ///< a check could not be made, or not to its end
  hidden_task,              ///< in some of the kernel's records of tasks, and missing from others
  hidden_module,            ///< not in the list of modules, but elsewhere
  system_call,              ///< an entry of the table is not the kernel's function for it
  code_changed,             ///< text is not what it was
  constant_changed,         ///< constants are not what they were
  interrupt_gate,           ///< an entry of the interrupt table leads elsewhere
  credentials_shared,       ///< two processes use one set of credentials, which Linux never arranges
  credentials_overwritten,  ///< credentials in use became root's, which Linux never does
  credentials_gained,       ///< a process became root without the right to and without a program
  global_outside,           ///< a variable has a value that it must not have
};

/// "hidden-task" and so on.
[[nodiscard]] constexpr std::string_view name_of(finding_kind kind) noexcept {
  constexpr std::array<std::string_view, 11> names{
      "unreadable",         "hidden-task",        "hidden-module",
      "system-call",        "code-changed",       "constant-changed",
      "interrupt-gate",     "credentials-shared", "credentials-overwritten",
      "credentials-gained", "global-outside"};
  return names[static_cast<std::size_t>(kind)];
}

struct finding {
  finding_kind kind = finding_kind::unreadable;
  virtual_address where{};
  std::string subject;  ///< what it is about: "pid 123 (sh)", "read (0)"
  std::string detail;   ///< why it is told
};

/// Text of the guest's as it may be printed: what is not printable ASCII, and the backslash, as \xNN.
[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else {
      std::array<char, 5> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape.data();
    }
  }
  return out;
}

/// "0x12ab"
[[nodiscard]] inline std::string hexadecimal(std::uint64_t number) {
  std::array<char, 19> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(number));
  return text.data();
}

/// Adds that a walk did not come to its end, when it did not.
/// @param what  was walked: "the pid table"
inline void add_unreadable(std::vector<finding>& findings, std::string_view what, virtual_address where,
                           walk_end how) {
  if (how == walk_end::complete || findings.size() >= max_findings) return;
  findings.push_back({finding_kind::unreadable, where, std::string{what}, std::string{name_of(how)}});
}

/// The same thing, whatever is said of it.
[[nodiscard]] inline bool is_same(const finding& a, const finding& b) noexcept {
  return a.kind == b.kind && a.where == b.where && a.subject == b.subject;
}
[[nodiscard]] inline bool is_among(const finding& what, const std::vector<finding>& found) noexcept {
  return std::ranges::any_of(found, [&](const finding& each) { return is_same(each, what); });
}

/// What both looks found. A guest that runs changes its lists while they are read: what is there once may be
/// such a moment, what is there again is not.
[[nodiscard]] inline std::vector<finding> found_in_both(const std::vector<finding>& before,
                                                        std::vector<finding> now) {
  std::erase_if(now, [&](const finding& each) { return !is_among(each, before); });
  return now;
}

/// What one look found and the other did not: what is new, or by a later look what is over.
[[nodiscard]] inline std::vector<finding> found_without(std::vector<finding> one,
                                                        const std::vector<finding>& other) {
  std::erase_if(one, [&](const finding& each) { return is_among(each, other); });
  return one;
}

}  // namespace shoal::vmi
