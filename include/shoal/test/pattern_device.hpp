// SPDX-License-Identifier: BSL-1.0
//
// pattern_device: a read-only device of any size whose bytes are known without storing them.
//
//     offset window{pattern_device{8192}, 512, 1024};
//     CHECK(out == pattern_device::bytes<4>(512));         // the first bytes of the window
//
// For tests of what lies above a device. A byte out of place is seen wherever it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/task.hpp>

namespace shoal::test {

/// The byte at an offset is a function of the offset.
class pattern_device {
 public:
  explicit pattern_device(std::uint64_t size) noexcept : size_(size) {}

  /// The byte at `offset`. Neighbours, sectors and blocks all differ.
  [[nodiscard]] static constexpr std::byte byte_at(std::uint64_t offset) noexcept {
    std::uint64_t mixed = (offset + 1) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 29;
    return static_cast<std::byte>(mixed >> 32);
  }
  /// The bytes from `offset` on.
  template <std::size_t N>
  [[nodiscard]] static constexpr std::array<std::byte, N> bytes(std::uint64_t offset) noexcept {
    std::array<std::byte, N> content{};
    fill(offset, content);
    return content;
  }
  static constexpr void fill(std::uint64_t offset, bytes_span out) noexcept {
    for (std::byte& b : out) b = byte_at(offset++);
  }

  [[nodiscard]] device_info info() const noexcept {
    return {.size = size_, .read_only = true, .multi_conn = true};
  }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (!contains(size_, offset, out.size())) return failed(errc::out_of_range);
    fill(offset, out);
    return done();
  }

 private:
  std::uint64_t size_;
};

static_assert(block_source<pattern_device>);

}  // namespace shoal::test
