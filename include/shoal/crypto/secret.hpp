// SPDX-License-Identifier: BSL-1.0
//
// secret: an array of bytes that leaves nothing behind in memory when it goes. Freestanding.
//
//     secret<32> key;
//     fill_with_random_bytes(key.bytes());
//     cipher.set_key(key.view());
//
// It does not keep its pages out of swap, nor copies that others make.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <shoal/base/bytes.hpp>

namespace shoal {

/// Overwrites bytes with zeroes, even where the compiler sees that nobody reads them again.
inline void wipe(bytes_span bytes) noexcept {
  for (std::byte& b : bytes) *const_cast<volatile std::byte*>(&b) = std::byte{};
}

/// Size bytes, zero at first, wiped at the end.
template <std::size_t Size>
class secret {
 public:
  secret() noexcept = default;
  secret(const secret&) noexcept = default;
  secret& operator=(const secret&) noexcept = default;
  ~secret() { wipe(bytes_); }

  /// @pre from.size() == Size
  explicit secret(bytes_view from) noexcept {
    for (std::size_t i = 0; i < Size; ++i) bytes_[i] = from[i];
  }

  [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }
  [[nodiscard]] std::span<std::byte, Size> bytes() noexcept { return bytes_; }
  [[nodiscard]] std::span<const std::byte, Size> view() const noexcept { return bytes_; }

 private:
  std::array<std::byte, Size> bytes_{};
};

}  // namespace shoal
