// SPDX-License-Identifier: BSL-1.0
//
// System.map, /proc/kallsyms and the output of nm as a symbol_table: for kernels that do not carry their own
// symbols.
//
//     result<symbol_table> symbols = parse_system_map(text);
//     if (symbols) symbols->move(symbols->find("_text")->address, slide);  // what KASLR added
//
// A line is an address in hexadecimal, a letter and a name, and for a module's symbol its name in brackets,
// which is left out with the symbol.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <shoal/base/result.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// What Debian has in the place of a System.map, next to the kernel: a line that says where the real one is.
[[nodiscard]] inline bool is_system_map_stub(std::string_view text) noexcept {
  return text.starts_with("ffffffffffffffff B The real System.map is in the ");
}

/// malformed for a line of another form; limit_exceeded as symbol_table::add; not_found when there is no
/// symbol, or when all addresses are zero, as /proc/kallsyms has them for those who may not know.
[[nodiscard]] inline result<symbol_table> parse_system_map(std::string_view text) {
  symbol_table table;
  bool known = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;

    std::uint64_t address = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
    if (error != std::errc{}) return errc::malformed;
    line.remove_prefix(static_cast<std::size_t>(rest - line.data()));
    if (line.size() < 4 || line[0] != ' ' || line[2] != ' ') return errc::malformed;
    const char type = line[1];
    const std::string_view name = line.substr(3);
    if (name.find('\t') != std::string_view::npos) continue;
    if (name.find(' ') != std::string_view::npos) return errc::malformed;
    known = known || address != 0;
    const status added = table.add(virtual_address{address}, type, name);
    if (added != status::ok) return make_error_code(added);
  }
  if (!known) return errc::not_found;
  table.finish();
  return table;
}

}  // namespace shoal::vmi
