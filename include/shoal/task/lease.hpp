// SPDX-License-Identifier: BSL-1.0
//
// lease: bytes that somebody else owns, kept alive for as long as the lease is. What a device lends so that a
// server can send without a copy.
//
//     if (lease view = device.try_lend(offset, n); view) send(view.bytes());
//
// Copying costs one atomic increment and never allocates.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>

namespace shoal {

/// Shared, read-only bytes. Thread-safe to copy and to read; the bytes never change while it lives.
class lease {
 public:
  /// Nothing was lent.
  lease() noexcept = default;
  /// @param owner  keeps `bytes` valid; null when they live for ever (a static page of zeroes)
  lease(std::shared_ptr<const void> owner, bytes_view bytes) noexcept
      : owner_(std::move(owner)), bytes_(bytes) {}

  /// Zeroes that live for ever: what a device lends for a hole. At most max_zeroes bytes, so possibly fewer
  /// than asked for.
  [[nodiscard]] static lease zeroes(std::size_t length) noexcept {
    return {nullptr, bytes_view{zero_page}.first(std::min(length, max_zeroes))};
  }
  static constexpr std::size_t max_zeroes = 64u << 10;

  explicit operator bool() const noexcept { return !bytes_.empty(); }
  /// True for what zeroes() made: a protocol can say "a hole" instead of sending it. False says nothing.
  [[nodiscard]] bool is_zeroes() const noexcept {
    const std::less<const std::byte*> before;
    return !bytes_.empty() && !before(bytes_.data(), zero_page.data()) &&
           before(bytes_.data(), zero_page.data() + zero_page.size());
  }
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

  /// A part of this lease, which keeps the whole alive.
  /// @pre offset + length <= size()
  [[nodiscard]] lease part(std::size_t offset, std::size_t length) const& noexcept {
    return {owner_, bytes_.subspan(offset, length)};
  }
  [[nodiscard]] lease part(std::size_t offset, std::size_t length) && noexcept {
    return {std::move(owner_), bytes_.subspan(offset, length)};
  }

 private:
  static constexpr std::array<std::byte, max_zeroes> zero_page{};

  std::shared_ptr<const void> owner_;
  bytes_view bytes_;
};

/// A lease as what protocols queue.
[[nodiscard]] inline shared_bytes share(const lease& bytes) {
  return {std::make_shared<const lease>(bytes), bytes.bytes()};
}

}  // namespace shoal
