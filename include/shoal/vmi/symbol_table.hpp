// SPDX-License-Identifier: BSL-1.0
//
// symbol_table: names of addresses in a kernel: out of its own memory (vmi/kallsyms.hpp) or from a file
// (vmi/system_map.hpp).
//
//     const std::optional<symbol> task = symbols.find("init_task");
//     const std::optional<symbol_at> who = symbols.at(pointer);              // "do_nanosleep" + 0x1f
//
// Names are bytes of the guest's: print them with care. Leaves out sizes, which these sources do not have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>

namespace shoal::vmi {

/// No more symbols, bytes of a name, and bytes of all names are taken. A large kernel has 200,000 symbols and
/// 5 MB of names; the longest name that Linux allows has 511 bytes.
inline constexpr std::size_t max_symbols = 2'000'000;
inline constexpr std::size_t max_symbol_name = 511;
inline constexpr std::size_t max_symbol_text = 64'000'000;

struct symbol {
  virtual_address address{};
  char type = '?';  ///< as nm prints it: 'T' and 't' code, 'D', 'd', 'R', 'r', 'B', 'b' data, 'A' absolute
  std::string_view name;  ///< lives as long as the table, unchanged
};

/// The nearest symbol at or before an address, and how far it is.
struct symbol_at {
  vmi::symbol symbol;
  std::uint64_t offset = 0;
};

class symbol_table {
 public:
  /// limit_exceeded for one too many or too long; the table is then as it was.
  status add(virtual_address address, char type, std::string_view name) {
    if (entries_.size() == max_symbols || name.size() > max_symbol_name ||
        name.size() > max_symbol_text - text_.size()) {
      return status::limit_exceeded;
    }
    sorted_ = sorted_ && (entries_.empty() || value(entries_.back().address) <= value(address));
    entries_.push_back(
        {address, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint16_t>(name.size()), type});
    text_ += name;
    return status::ok;
  }

  /// Puts the symbols in the order of their addresses, those of one address in the order they came. To be
  /// called after the last add.
  void finish() {
    const auto before = [](const entry& a, const entry& b) {
      return a.address != b.address ? a.address < b.address : a.text < b.text;
    };
    if (!sorted_) std::ranges::sort(entries_, before);
    sorted_ = true;
  }

  /// Adds to the addresses of all symbols from `first` on. Addresses wrap around: give a distance that leaves
  /// them behind the others.
  void move(virtual_address first, std::uint64_t distance) {
    for (entry& each : entries_) {
      if (value(each.address) >= value(first)) each.address = each.address + distance;
    }
    sorted_ = false;
    finish();
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// By address. @pre i < size()
  [[nodiscard]] symbol operator[](std::size_t i) const noexcept {
    const entry& e = entries_[i];
    return {e.address, e.type, std::string_view{text_}.substr(e.text, e.length)};
  }

  /// Where in this order the first symbol is that is not before `address`; size() when there is none.
  /// @pre finish() was called
  [[nodiscard]] std::size_t from(virtual_address address) const noexcept {
    return static_cast<std::size_t>(std::ranges::lower_bound(entries_, address, {}, &entry::address) -
                                    entries_.begin());
  }

  /// The first symbol of this name. Looks at each: about 0.2 ms for 150,000.
  [[nodiscard]] std::optional<symbol> find(std::string_view name) const noexcept {
    for (const entry& e : entries_) {
      if (e.length == name.size() && std::string_view{text_}.substr(e.text, e.length) == name) {
        return symbol{e.address, e.type, name_of(e)};
      }
    }
    return std::nullopt;
  }

  /// The last of the symbols with the greatest address that is not behind `address`. @pre finish() was called
  [[nodiscard]] std::optional<symbol_at> at(virtual_address address) const noexcept {
    const auto behind = std::ranges::upper_bound(entries_, address, {}, &entry::address);
    if (behind == entries_.begin()) return std::nullopt;
    const entry& e = *(behind - 1);
    return symbol_at{{e.address, e.type, name_of(e)}, value(address) - value(e.address)};
  }

 private:
  struct entry {
    virtual_address address{};
    std::uint32_t text = 0;
    std::uint16_t length = 0;
    char type = '?';
  };

  [[nodiscard]] std::string_view name_of(const entry& e) const noexcept {
    return std::string_view{text_}.substr(e.text, e.length);
  }

  std::vector<entry> entries_;
  std::string text_;
  bool sorted_ = true;
};

}  // namespace shoal::vmi
