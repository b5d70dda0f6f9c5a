// SPDX-License-Identifier: BSL-1.0
//
// kernel_range: from one address of a kernel to another, as its symbols name the ends.
//
//     const std::optional<kernel_range> text = find_range(symbols, "_stext", "_etext");
//     if (text && text->contains(entry)) is_code();
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

/// Addresses [begin, end) of a kernel.
struct kernel_range {
  virtual_address begin{};
  virtual_address end{};

  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return value(end) - value(begin); }
  [[nodiscard]] constexpr bool contains(virtual_address address) const noexcept {
    return value(address) - value(begin) < size();
  }
};

/// Between two symbols. Nothing when one is missing, or they are not in this order.
[[nodiscard]] inline std::optional<kernel_range> find_range(const symbol_table& symbols, std::string_view begin,
                                                            std::string_view end) noexcept {
  const std::optional<symbol> first = symbols.find(begin);
  const std::optional<symbol> last = symbols.find(end);
  if (!first || !last || value(first->address) >= value(last->address)) return std::nullopt;
  return kernel_range{first->address, last->address};
}

}  // namespace shoal::vmi
