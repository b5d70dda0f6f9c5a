// SPDX-License-Identifier: BSL-1.0
//
// car_index_builder: collects where blocks lie and writes the index of a CAR version 2 file.
//
//     car_index_builder index;
//     if (!index.contains(id.hash())) { index.add(id.hash(), offset); ... }
//     index.write(car_index_kind::multihash_sorted, base, [&](bytes_view part) { ... });
//
// Compact, because an image has hundreds of thousands of blocks: at most 60 bytes a block of a 32-byte digest
// at any time. Entries lie in pieces of fixed size, so that growing never copies them.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/varint.hpp>

namespace shoal {

class car_index_builder {
 public:
  /// Adds an entry, also if there is one for this hash. errc::limit_exceeded past max_car_index_buckets kinds
  /// of hash.
  result<> add(const multihash& hash, std::uint64_t offset) {
    const key which{hash.code(), hash.digest().size()};
    auto found = buckets_.find(which);
    if (found == buckets_.end()) {
      if (buckets_.size() == max_car_index_buckets) return errc::limit_exceeded;
      found = buckets_.try_emplace(which, hash.digest().size()).first;
    }
    std::byte* const entry = found->second.push_back();
    std::ranges::copy(hash.digest(), entry);
    store_le(entry + hash.digest().size(), offset);
    return {};
  }

  /// True when there is an entry for this hash. Not for hashes that nobody has checked: who chooses them freely
  /// can make this slow.
  [[nodiscard]] bool contains(const multihash& hash) {
    const auto found = buckets_.find({hash.code(), hash.digest().size()});
    return found != buckets_.end() && found->second.contains(hash.digest());
  }

  [[nodiscard]] std::uint64_t size() const noexcept {
    std::uint64_t total = 0;
    for (const auto& [which, b] : buckets_) total += b.size();
    return total;
  }

  /// Writes the index and forgets all entries. Those of equal digests stand in the order of their offsets.
  /// @param base  added to every offset
  /// @param emit  `emit(bytes_view) -> result<>`, called with one part after the other
  template <class Emit>
  result<> write(car_index_kind kind, std::uint64_t base, Emit&& emit) {
    // Groups of buckets that share one run of entries: for IndexSorted, all of one width.
    std::map<std::pair<hash_code, std::size_t>, std::vector<const std::byte*>> runs;
    for (auto& [which, b] : buckets_) {
      const hash_code code = kind == car_index_kind::sorted ? hash_code{} : which.first;
      b.append_entries_to(runs[{code, which.second}]);
    }
    if (const result<> r = emit(varint(static_cast<std::uint64_t>(kind))); !r) return r;
    if (kind == car_index_kind::sorted) {
      if (const result<> r = emit(le(static_cast<std::uint32_t>(runs.size()))); !r) return r;
    } else {
      std::uint32_t codes = 0;
      for (auto run = runs.begin(); run != runs.end(); run = next_code(runs, run)) ++codes;
      if (const result<> r = emit(le(codes)); !r) return r;
    }
    hash_code current{};
    bool first = true;
    for (auto run = runs.begin(); run != runs.end(); ++run) {
      const auto& [code, digest_size] = run->first;
      if (kind == car_index_kind::multihash_sorted && (first || code != current)) {
        const auto widths = std::distance(run, next_code(runs, run));
        if (const result<> r = emit(le(static_cast<std::uint64_t>(code))); !r) return r;
        if (const result<> r = emit(le(static_cast<std::uint32_t>(widths))); !r) return r;
        current = code;
        first = false;
      }
      if (const result<> r = write_run(run->second, digest_size, base, emit); !r) return r;
    }
    buckets_.clear();
    return {};
  }

 private:
  using key = std::pair<hash_code, std::size_t>;

  // Entries of one function and digest length, and a table of slots that finds them.
  class bucket {
   public:
    explicit bucket(std::size_t digest_size) noexcept : digest_size_(digest_size) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    std::byte* push_back() {
      if (size_ % piece == 0) pieces_.push_back(std::make_unique_for_overwrite<std::byte[]>(piece * width()));
      return at(size_++);
    }

    [[nodiscard]] bool contains(bytes_view digest) {
      place_new();
      for (std::size_t slot = home(digest.data()); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
        if (std::ranges::equal(bytes_view{at(slots_[slot] - 1), digest_size_}, digest)) return true;
      }
      return false;
    }

    // The slots are gone afterwards: writing needs their memory for this list.
    void append_entries_to(std::vector<const std::byte*>& list) {
      slots_ = {};
      placed_ = 0;
      list.reserve(list.size() + size_);
      for (std::size_t i = 0; i < size_; ++i) list.push_back(at(i));
    }

   private:
    static constexpr std::size_t piece = 256;  // entries

    [[nodiscard]] std::size_t width() const noexcept { return digest_size_ + sizeof(std::uint64_t); }
    [[nodiscard]] std::byte* at(std::size_t i) const noexcept {
      return pieces_[i / piece].get() + i % piece * width();
    }

    // A digest is random already.
    [[nodiscard]] std::size_t home(const std::byte* digest) const noexcept {
      std::uint64_t value = 0;
      std::memcpy(&value, digest, std::min(digest_size_, sizeof value));
      return static_cast<std::size_t>(value) & (slots_.size() - 1);
    }

    // Slots hold an entry's number plus one, and are at most three quarters full.
    void place_new() {
      std::size_t wanted = std::max<std::size_t>(slots_.size(), 16);
      while (size_ > wanted / 4 * 3) wanted *= 2;
      if (wanted != slots_.size()) {
        slots_ = {};  // the old ones go first: two tables at once would double the memory
        slots_.resize(wanted);
        placed_ = 0;
      }
      for (; placed_ != size_; ++placed_) {
        std::size_t slot = home(at(placed_));
        while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
        slots_[slot] = static_cast<std::uint32_t>(placed_ + 1);
      }
    }

    std::size_t digest_size_;
    std::size_t size_ = 0;
    std::size_t placed_ = 0;
    std::vector<std::unique_ptr<std::byte[]>> pieces_;
    std::vector<std::uint32_t> slots_;
  };

  template <class Runs>
  static typename Runs::iterator next_code(Runs& runs, typename Runs::iterator from) {
    return runs.upper_bound({from->first.first, SIZE_MAX});
  }

  struct small {
    std::array<std::byte, max_varint_size> bytes;
    std::size_t size = 0;
    operator bytes_view() const noexcept { return bytes_view{bytes}.first(size); }
  };
  template <std::unsigned_integral T>
  static small le(T value) noexcept {
    small out;
    store_le(out.bytes.data(), value);
    out.size = sizeof value;
    return out;
  }
  static small varint(std::uint64_t value) noexcept {
    small out;
    out.size = put_varint(out.bytes.data(), value);
    return out;
  }

  template <class Emit>
  static result<> write_run(std::vector<const std::byte*>& entries, std::size_t digest_size, std::uint64_t base,
                            Emit& emit) {
    std::ranges::sort(entries, [digest_size](const std::byte* a, const std::byte* b) {
      const int order = digest_size == 0 ? 0 : std::memcmp(a, b, digest_size);
      if (order != 0) return order < 0;
      return load_le<std::uint64_t>(a + digest_size) < load_le<std::uint64_t>(b + digest_size);
    });
    const std::size_t width = digest_size + sizeof(std::uint64_t);
    if (const result<> r = emit(le(static_cast<std::uint32_t>(width))); !r) return r;
    if (const result<> r = emit(le(std::uint64_t{width} * entries.size())); !r) return r;
    std::array<std::byte, multihash::max_digest_size + sizeof(std::uint64_t)> copy;
    for (const std::byte* const entry : entries) {
      std::copy_n(entry, digest_size, copy.begin());
      store_le(copy.data() + digest_size, load_le<std::uint64_t>(entry + digest_size) + base);
      if (const result<> r = emit(bytes_view{copy}.first(width)); !r) return r;
    }
    return {};
  }

  std::map<key, bucket> buckets_;
};

}  // namespace shoal
