// SPDX-License-Identifier: BSL-1.0
//
// system_call_table: the table by which a Linux kernel finds the function of a system call, and what is wrong
// with it without knowing anything of how it was: each entry has to be the beginning of a function of the
// kernel's own that is one for a system call.
//
//     const auto table = read_system_calls(kernel, symbols);
//     if (table) for (const finding& each : check_system_calls(*table, names, symbols)) alert(each);
//
// Newer kernels for x86-64 (6.9, and updates of older ones) do not call through this table: the code of
// x64_sys_call chooses, and code_pages.hpp looks whether it is as it was.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/code_names.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// No more entries are read: Linux has about 460.
inline constexpr std::size_t max_system_calls = 1024;

struct system_call_table {
  virtual_address address{};
  std::vector<virtual_address> entries;  ///< by the number of the call
};

/// The table, from its symbol to the next one. not_found without a symbol for it; out_of_range when it cannot
/// be read.
template <virtual_memory Space>
[[nodiscard]] result<system_call_table> read_system_calls(Space& space, const symbol_table& symbols) {
  const std::optional<symbol> begin = symbols.find("sys_call_table");
  if (!begin) return errc::not_found;
  const std::size_t next = symbols.from(begin->address + 1);
  if (next == symbols.size()) return errc::not_found;
  const std::uint64_t width = static_cast<std::uint64_t>(space.width());
  const std::uint64_t room = (value(symbols[next].address) - value(begin->address)) / width;
  system_call_table table{begin->address, {}};
  for (std::size_t i = 0; i < std::min<std::uint64_t>(room, max_system_calls); ++i) {
    const status_or<virtual_address> entry = read_pointer(space, begin->address + i * width);
    if (!entry) return make_error_code(entry.code);
    table.entries.push_back(*entry);
  }
  // what aligns the next symbol
  while (!table.entries.empty() && value(table.entries.back()) == 0) table.entries.pop_back();
  return table;
}

/// The kernel's name for the call that an entry leads to, as "__x64_sys_read"; empty when it is the beginning
/// of no such function. Lives as long as the symbols.
[[nodiscard]] inline std::string_view system_call_function(const symbol_table& symbols,
                                                           virtual_address entry) noexcept {
  for (std::size_t i = symbols.from(entry); i < symbols.size() && symbols[i].address == entry; ++i) {
    const std::string_view name = symbols[i].name;
    if (name.find("sys_") != std::string_view::npos) return name;
  }
  return {};
}

/// @param before  entries of a time when all was well; empty when nothing is known
[[nodiscard]] inline std::vector<finding> check_system_calls(const system_call_table& table,
                                                             const code_names& names,
                                                             const symbol_table& symbols,
                                                             const std::vector<virtual_address>& before = {}) {
  std::vector<finding> out;
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    const virtual_address entry = table.entries[i];
    const bool known = i < before.size();
    std::string why;
    if (!names.in_text(entry)) {
      why = "leads out of the kernel's code";
    } else if (system_call_function(symbols, entry).empty()) {
      why = "leads to what is no system call";
    } else if (known && before[i] != entry) {
      why = "was " + names.describe(before[i]);
    } else {
      continue;
    }
    out.push_back({finding_kind::system_call, entry, "system call " + std::to_string(i),
                   names.describe(entry) + ": " + why});
  }
  if (!before.empty() && before.size() != table.entries.size()) {
    out.push_back(
        {finding_kind::system_call, table.address, "the table of system calls",
         "has " + std::to_string(table.entries.size()) + " entries and had " + std::to_string(before.size())});
  }
  return out;
}

}  // namespace shoal::vmi
