// SPDX-License-Identifier: BSL-1.0
//
// code_names: whose code an address is, in words: a function of the kernel, a module, or nobody's.
//
//     const code_names names{symbols, &modules};
//     names.describe(entry);                        // "__x64_sys_read", "do_idle+0x1f", "module nft", "0x7f12
//     (no code)"
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <shoal/vmi/address.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/kernel_range.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

class code_names {
 public:
  /// @param symbols, modules  outlive it; modules may be null
  explicit code_names(const symbol_table& symbols, const module_list* modules = nullptr) noexcept
      : symbols_(&symbols), modules_(modules), text_(find_range(symbols, "_stext", "_etext")) {}

  /// Nothing when the symbols do not say where the kernel's text is.
  [[nodiscard]] const std::optional<kernel_range>& text() const noexcept { return text_; }
  [[nodiscard]] bool in_text(virtual_address address) const noexcept {
    return text_ && text_->contains(address);
  }

  /// From the symbol of this name to the next one, whatever is there now. As symbol_table::find, so not for
  /// each of many addresses.
  [[nodiscard]] std::optional<kernel_range> part(std::string_view name) const noexcept {
    const std::optional<symbol> begin = symbols_->find(name);
    if (!begin) return std::nullopt;
    const std::size_t next = symbols_->from(begin->address + 1);
    if (next == symbols_->size()) return std::nullopt;
    return kernel_range{begin->address, (*symbols_)[next].address};
  }

  /// The symbol at or before an address that is no code, and how far that is. Printable.
  [[nodiscard]] std::string describe_data(virtual_address address) const {
    const std::optional<symbol_at> near = symbols_->at(address);
    if (!near) return hexadecimal(value(address));
    return printable(near->symbol.name) + "+" + hexadecimal(near->offset);
  }

  /// Printable.
  [[nodiscard]] std::string describe(virtual_address address) const {
    if (modules_ != nullptr) {
      if (const kernel_module* const module = modules_->owner(address)) {
        return hexadecimal(value(address)) + " in module " + printable(module->name);
      }
    }
    const std::optional<symbol_at> near = symbols_->at(address);
    const bool known = near && (in_text(address) || near->offset == 0);
    if (!known) return hexadecimal(value(address)) + " in no known code";
    std::string out = printable(near->symbol.name);
    if (near->offset != 0) out += "+" + hexadecimal(near->offset);
    return out;
  }

 private:
  const symbol_table* symbols_;
  const module_list* modules_;
  std::optional<kernel_range> text_;
};

}  // namespace shoal::vmi
