// SPDX-License-Identifier: BSL-1.0
//
// image_memory: the memory of a machine that lies in a file: a raw dump, the file behind a virtual machine's
// RAM with the holes that its type has, or a dump with a table of pieces (vmi/elf_core.hpp, vmi/lime.hpp).
//
//     const bytes_source file{mapped};                                    // 6 GiB of RAM, split by the PCI
//     hole result<image_memory<bytes_source>> ram = image_memory<bytes_source>::make(file, split_regions(6_GiB,
//     2_GiB));
//
// Leaves out opening and mapping files, which needs an operating system.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/physical_memory.hpp>

namespace shoal::vmi {

/// No more pieces of memory than these are read from any dump: a real machine has dozens.
inline constexpr std::size_t max_regions = 4096;

/// Bytes with a size. `read` gives all of `out` or status::out_of_range, from several threads at once.
template <class S>
concept image_source = requires(const S& source, std::uint64_t offset, bytes_span out) {
  { source.size() } noexcept -> std::same_as<std::uint64_t>;
  { source.read(offset, out) } noexcept -> std::same_as<status>;
};

/// A source whose bytes are in memory already, all of them.
template <class S>
concept mapped_source = image_source<S> && requires(const S& source) {
  { source.view() } noexcept -> std::same_as<bytes_view>;
};

/// Bytes in memory, which it does not own. Somebody may be writing them.
class bytes_source {
 public:
  explicit bytes_source(bytes_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bytes_view view() const noexcept { return bytes_; }
  [[nodiscard]] status read(std::uint64_t offset, bytes_span out) const noexcept {
    if (!contains(bytes_.size(), offset, out.size())) return status::out_of_range;
    copy_live(out, bytes_.subspan(static_cast<std::size_t>(offset), out.size()));
    return status::ok;
  }

 private:
  bytes_view bytes_;
};
static_assert(mapped_source<bytes_source>);

/// A piece of RAM and where its bytes are in the source.
struct ram_region {
  physical_address base{};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  friend bool operator==(const ram_region&, const ram_region&) = default;
};

/// All of a source from `base` on.
[[nodiscard]] inline std::vector<ram_region> raw_regions(std::uint64_t size, physical_address base = {}) {
  return {{base, 0, size}};
}

/// RAM with a hole: its first `low` bytes from address 0 and the rest from `high` on. QEMU's q35 machine has
/// low = 2 GiB where it has 2.75 GiB of RAM or more, its pc machine 3 GiB where it has 3.5 GiB or more.
[[nodiscard]] inline std::vector<ram_region> split_regions(std::uint64_t size, std::uint64_t low,
                                                           std::uint64_t high = 4_GiB) {
  if (size <= low) return raw_regions(size);
  return {{physical_address{0}, 0, low}, {physical_address{high}, low, size - low}};
}

template <image_source Source>
class image_memory {
 public:
  /// Sorts the regions. invalid_argument where two overlap, or one is empty or ends behind the last address;
  /// out_of_range where one ends behind the source; limit_exceeded past max_regions.
  static result<image_memory> make(Source source, std::vector<ram_region> regions) {
    if (regions.size() > max_regions) return errc::limit_exceeded;
    std::ranges::sort(regions, {}, &ram_region::base);
    std::uint64_t free_from = 0;
    for (const ram_region& each : regions) {
      const std::uint64_t start = value(each.base);
      if (each.size == 0 || start < free_from) return errc::invalid_argument;
      if (each.size > std::numeric_limits<std::uint64_t>::max() - start) return errc::invalid_argument;
      if (!contains(source.size(), each.offset, each.size)) return errc::out_of_range;
      free_from = start + each.size;
    }
    return image_memory{std::move(source), std::move(regions)};
  }

  [[nodiscard]] status read_physical(physical_address address, bytes_span out) const noexcept {
    // The regions of a live machine are one or two: the loop is shorter than a search.
    for (const ram_region& each : regions_) {
      if (value(address) < value(each.base)) break;
      const std::uint64_t into = value(address) - value(each.base);
      if (into >= each.size) continue;
      const std::uint64_t there = each.size - into;
      if (out.size() <= there) return source_.read(each.offset + into, out);
      const auto part = static_cast<std::size_t>(there);
      const status read = source_.read(each.offset + into, out.first(part));
      if (read != status::ok) return read;
      out = out.subspan(part);
      address = address + there;
    }
    return out.empty() ? status::ok : status::out_of_range;
  }

  [[nodiscard, gnu::always_inline]] ram_piece piece_around(physical_address address) const noexcept
    requires mapped_source<Source>
  {
    for (const ram_region& each : regions_) {
      if (!contains(each.size, value(address) - value(each.base), 1)) continue;
      const std::byte* const begin = source_.view().data() + static_cast<std::size_t>(each.offset);
      return {each.base, {begin, static_cast<std::size_t>(each.size)}};
    }
    return {};
  }
  [[nodiscard, gnu::always_inline]] bytes_view window(physical_address address, std::size_t n) const noexcept
    requires mapped_source<Source>
  {
    const ram_piece piece = piece_around(address);
    const std::uint64_t into = value(address) - value(piece.base);
    if (!contains(piece.bytes.size(), into, n)) return {};
    return {piece.bytes.data() + static_cast<std::size_t>(into), n};
  }

  [[nodiscard]] std::span<const physical_range> extents() const noexcept { return extents_; }
  [[nodiscard]] std::span<const ram_region> regions() const noexcept { return regions_; }
  [[nodiscard]] const Source& source() const noexcept { return source_; }

 private:
  image_memory(Source source, std::vector<ram_region> regions)
      : source_(std::move(source)), regions_(std::move(regions)) {
    for (const ram_region& each : regions_) {
      const bool joins = !extents_.empty() && extents_.back().base + extents_.back().size == each.base;
      if (joins) {
        extents_.back().size += each.size;
      } else {
        extents_.push_back({each.base, each.size});
      }
    }
  }

  Source source_;
  std::vector<ram_region> regions_;
  std::vector<physical_range> extents_;
};
static_assert(can_window<image_memory<bytes_source>>);

}  // namespace shoal::vmi
