// SPDX-License-Identifier: BSL-1.0
//
// synthetic_ram: memory for tests of introspection, made of pages that are written; and virtual memory without
// page tables, and symbols.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/physical_memory.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi::tests {

/// Pages of 4 KiB, there once they are written; all else is no RAM.
class sparse_bytes {
 public:
  void write(std::uint64_t address, bytes_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      pages_[(address + i) >> 12][static_cast<std::size_t>((address + i) & 4095)] = bytes[i];
    }
  }
  template <class T>
  void put(std::uint64_t address, T number) {
    std::array<std::byte, sizeof(T)> bytes{};
    store_le(bytes.data(), number);
    write(address, bytes);
  }
  void text(std::uint64_t address, std::string_view text) { write(address, as_bytes(text)); }

  [[nodiscard]] status copy(std::uint64_t address, bytes_span out) const noexcept {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto page = pages_.find((address + i) >> 12);
      if (page == pages_.end()) return status::out_of_range;
      out[i] = page->second[static_cast<std::size_t>((address + i) & 4095)];
    }
    return status::ok;
  }

  [[nodiscard]] const auto& pages() const noexcept { return pages_; }

 private:
  std::map<std::uint64_t, std::array<std::byte, 4096>> pages_;
};

class synthetic_ram {
 public:
  sparse_bytes bytes;

  [[nodiscard]] status read_physical(physical_address address, bytes_span out) const noexcept {
    ++reads;
    return bytes.copy(value(address), out);
  }
  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return {}; }

  mutable std::size_t reads = 0;
};
static_assert(physical_memory<synthetic_ram>);

/// Virtual addresses as they are written.
class synthetic_space {
 public:
  explicit synthetic_space(pointer_width width = pointer_width::eight) noexcept : width_(width) {}
  sparse_bytes bytes;

  [[nodiscard]] status read(virtual_address address, bytes_span out) noexcept {
    ++reads;
    return bytes.copy(value(address), out);
  }
  [[nodiscard]] pointer_width width() const noexcept { return width_; }

  std::size_t reads = 0;

 private:
  pointer_width width_;
};
static_assert(virtual_memory<synthetic_space>);

inline symbol_table synthetic_symbols(const std::vector<std::pair<std::uint64_t, std::string_view>>& named) {
  symbol_table out;
  for (const auto& [at, name] : named) REQUIRE(out.add(virtual_address{at}, 'T', name) == status::ok);
  out.finish();
  return out;
}

}  // namespace shoal::vmi::tests
