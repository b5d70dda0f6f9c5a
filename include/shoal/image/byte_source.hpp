// SPDX-License-Identifier: BSL-1.0
//
// byte_source: what an import reads, a file whose holes can be skipped. Synchronous and thread-safe, because an
// import is a batch job that keeps every core busy; a device that serves clients is a block_source.
//
//     result<data_range> next = source.data_after(position);
//     if (next && next->begin == source.size()) ...   // nothing but holes from here on
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal {

/// Bytes [begin, end) that have storage behind them.
struct data_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const data_range&, const data_range&) = default;
};

/// `size()`: fixed while the source lives. `read(offset, out)`: all of `out` or an error;
/// errc::source_changed when the source has become shorter. `data_after(offset)`: the first data range that
/// ends behind `offset`, cut so that it begins at or behind it; {size, size} when only holes follow. All three
/// may be called from several threads at once.
template <class S>
concept byte_source = requires(const S& source, std::uint64_t offset, bytes_span out) {
  { source.size() } noexcept -> std::same_as<std::uint64_t>;
  { source.read(offset, out) } -> std::same_as<result<>>;
  { source.data_after(offset) } -> std::same_as<result<data_range>>;
};

/// A byte_source over memory, without holes. Does not own the bytes.
class memory_source {
 public:
  explicit memory_source(bytes_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }

  [[nodiscard]] result<> read(std::uint64_t offset, bytes_span out) const noexcept {
    if (!contains(bytes_.size(), offset, out.size())) return errc::out_of_range;
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(offset), out.size()), out.begin());
    return {};
  }

  [[nodiscard]] result<data_range> data_after(std::uint64_t offset) const noexcept {
    return data_range{std::min<std::uint64_t>(offset, size()), size()};
  }

 private:
  bytes_view bytes_;
};
static_assert(byte_source<memory_source>);

}  // namespace shoal
