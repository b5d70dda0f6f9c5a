// SPDX-License-Identifier: BSL-1.0
//
// car_index: the index of a CAR version 2 file, searched where it lies: which block starts where.
//
//     result<car_index> index = car_index::parse(bytes);      // bytes outlive the index
//     const car_index::matches found = index->find(id.hash());
//     for (std::size_t i = 0; i < found.size(); ++i) try_section(found[i]);
//
// Both formats of the specification. Opening reads a few bytes a bucket, never the entries. An index is a
// claim: check the CID of the section that it points to.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/varint.hpp>

namespace shoal {

/// The formats of an index, by their multicodec number.
enum class car_index_kind : std::uint64_t {
  sorted = 0x0400,            ///< IndexSorted: by digest
  multihash_sorted = 0x0401,  ///< MultihashIndexSorted: by hash function and digest
};

/// An index with more buckets (pairs of hash function and digest length) is refused.
inline constexpr std::size_t max_car_index_buckets = 64;

class car_index {
 public:
  /// Where sections with one digest start, in bytes from the start of the payload. As alive as the index's
  /// bytes.
  class matches {
   public:
    matches() noexcept = default;
    matches(bytes_view entries, std::size_t width) noexcept : entries_(entries), width_(width) {}
    [[nodiscard]] std::size_t size() const noexcept { return width_ == 0 ? 0 : entries_.size() / width_; }
    [[nodiscard]] std::uint64_t operator[](std::size_t i) const noexcept {
      return load_le<std::uint64_t>(entries_.data() + (i + 1) * width_ - sizeof(std::uint64_t));
    }

   private:
    bytes_view entries_;
    std::size_t width_ = 0;
  };

  /// An index without entries.
  car_index() noexcept = default;

  /// Reads the buckets of an index, its format's number in front. Bytes behind it are not looked at.
  ///
  /// errc::unsupported for another format, errc::truncated, errc::malformed, errc::limit_exceeded past
  /// max_car_index_buckets.
  [[nodiscard]] static result<car_index> parse(bytes_view bytes) {
    const result<std::uint64_t> kind = take_varint(bytes);
    if (!kind) return kind.error();
    car_index index;
    index.kind_ = car_index_kind{*kind};
    if (index.kind_ == car_index_kind::sorted) {
      if (const result<> r = index.take_buckets(bytes, {}); !r) return r.error();
      return index;
    }
    if (index.kind_ != car_index_kind::multihash_sorted) return errc::unsupported;
    result<std::uint64_t> codes = take_le<std::uint32_t>(bytes);
    if (!codes) return codes.error();
    for (; *codes != 0; --*codes) {
      const result<std::uint64_t> code = take_le<std::uint64_t>(bytes);
      if (!code) return code.error();
      if (const result<> r = index.take_buckets(bytes, hash_code{*code}); !r) return r.error();
    }
    return index;
  }

  [[nodiscard]] car_index_kind kind() const noexcept { return kind_; }

  /// How many entries there are.
  [[nodiscard]] std::uint64_t size() const noexcept {
    std::uint64_t total = 0;
    for (const bucket& b : buckets_) total += b.entries.size() / b.width;
    return total;
  }

  /// The entries for a digest, in O(log n). IndexSorted does not know which function made it.
  [[nodiscard]] matches find(const multihash& hash) const noexcept {
    const bytes_view digest = hash.digest();
    for (const bucket& b : buckets_) {
      if (b.width != digest.size() + sizeof(std::uint64_t)) continue;
      if (kind_ == car_index_kind::multihash_sorted && b.code != hash.code()) continue;
      const auto compare = [&](std::size_t i) {
        return digest.empty() ? 0 : std::memcmp(b.entries.data() + i * b.width, digest.data(), digest.size());
      };
      const std::size_t first = partition_point(b, [&](std::size_t i) { return compare(i) < 0; });
      const std::size_t last = partition_point(b, [&](std::size_t i) { return compare(i) <= 0; });
      // The two searches disagree about order in an index that is not sorted.
      if (first < last) return {b.entries.subspan(first * b.width, (last - first) * b.width), b.width};
    }
    return {};
  }

 private:
  struct bucket {
    hash_code code{};
    std::size_t width = 0;  // of an entry: a digest and an offset
    bytes_view entries;
  };

  template <std::unsigned_integral T>
  static result<std::uint64_t> take_le(bytes_view& input) noexcept {
    if (input.size() < sizeof(T)) return errc::truncated;
    const T value = load_le<T>(input.data());
    input = input.subspan(sizeof(T));
    return std::uint64_t{value};
  }

  result<> take_buckets(bytes_view& input, hash_code code) {
    result<std::uint64_t> count = take_le<std::uint32_t>(input);
    if (!count) return count.error();
    for (; *count != 0; --*count) {
      const result<std::uint64_t> width = take_le<std::uint32_t>(input);
      if (!width) return width.error();
      const result<std::uint64_t> size = take_le<std::uint64_t>(input);
      if (!size) return size.error();
      if (*width < sizeof(std::uint64_t) || *size % *width != 0) return errc::malformed;
      if (*size > input.size()) return errc::truncated;
      if (buckets_.size() == max_car_index_buckets) return errc::limit_exceeded;
      const auto taken = static_cast<std::size_t>(*size);
      buckets_.push_back({code, static_cast<std::size_t>(*width), input.first(taken)});
      input = input.subspan(taken);
    }
    return {};
  }

  template <class Before>
  static std::size_t partition_point(const bucket& b, Before before) noexcept {
    std::size_t low = 0;
    std::size_t high = b.entries.size() / b.width;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (before(middle)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  car_index_kind kind_ = car_index_kind::multihash_sorted;
  std::vector<bucket> buckets_;
};

}  // namespace shoal
