// SPDX-License-Identifier: BSL-1.0
//
// The contract of a guest's memory as its host sees it, and guest_regions: memory in a few pieces.
// Freestanding.
//
//     std::array<std::byte, 8> request;
//     if (!copy_from(memory, address, request)) return status::out_of_range;     // not the guest's RAM
//     parse(request);                                                            // the guest cannot change it
//
// For what serves a guest: virtqueues, hypercalls. The guest may change its memory at any time: whatever is
// checked has to be copied out first, once, and only the copy is looked at.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal::hal {

/// A guest-physical address, in bytes. The guest chooses it: it may be anything.
enum class guest_address : std::uint64_t {};

/// Wraps around as the guest's own arithmetic does; window() refuses what comes out of it.
[[nodiscard]] constexpr guest_address operator+(guest_address base, std::uint64_t offset) noexcept {
  return static_cast<guest_address>(static_cast<std::uint64_t>(base) + offset);
}

/// `window(address, n)`: the guest's bytes [address, address + n) where the host has them, all of them; empty
/// when one of them is not RAM, or n is 0. What is in a window may change between two reads of the same byte.
/// It is valid for as long as the memory is what it is now.
template <class M>
concept guest_memory = requires(M& memory, guest_address address, std::size_t n) {
  { memory.window(address, n) } noexcept -> std::same_as<bytes_span>;
};

/// Copies bytes that a guest may be changing. What the compiler knows of `out` afterwards is what was copied:
/// it does not look at `in` again.
/// @pre out.size() == in.size()
inline void copy_once(bytes_span out, bytes_view in) noexcept {
  std::memcpy(out.data(), in.data(), in.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// Fills `out` from the guest's memory, reading each byte once. False, and `out` as it was, when it is not all
/// RAM.
template <guest_memory M>
[[nodiscard]] bool copy_from(M& memory, guest_address address, bytes_span out) noexcept {
  const bytes_span from = memory.window(address, out.size());
  if (from.size() != out.size()) return false;
  if (!out.empty()) copy_once(out, from);
  return true;
}

/// Stores `in` in the guest's memory. False, and nothing stored, when it is not all RAM.
template <guest_memory M>
[[nodiscard]] bool copy_to(M& memory, guest_address address, bytes_view in) noexcept {
  const bytes_span to = memory.window(address, in.size());
  if (to.size() != in.size()) return false;
  if (!in.empty()) copy_once(to, in);
  return true;
}

/// A run of guest RAM.
struct guest_region {
  guest_address base{};
  bytes_span bytes;
};

/// At most N regions, which it does not own. A window does not reach from one region into the next.
template <std::size_t N>
class guest_regions {
 public:
  /// status::invalid_argument for a region that is empty, ends behind the last address or overlaps another;
  /// status::no_space for one too many.
  status add(guest_address base, bytes_span bytes) noexcept {
    const auto first = static_cast<std::uint64_t>(base);
    if (bytes.empty() || bytes.size() - 1 > ~first) return status::invalid_argument;
    for (const guest_region& other : regions()) {
      const auto start = static_cast<std::uint64_t>(other.base);
      if (first <= start + (other.bytes.size() - 1) && start <= first + (bytes.size() - 1)) {
        return status::invalid_argument;
      }
    }
    if (count_ == N) return status::no_space;
    regions_[count_++] = {base, bytes};
    return status::ok;
  }

  [[nodiscard]] std::span<const guest_region> regions() const noexcept { return {regions_.data(), count_}; }

  [[nodiscard]] bytes_span window(guest_address address, std::size_t n) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(address);
    for (const guest_region& r : regions()) {
      const auto start = static_cast<std::uint64_t>(r.base);
      if (wanted < start) continue;
      const std::uint64_t offset = wanted - start;
      if (offset < r.bytes.size() && n <= r.bytes.size() - offset) {
        return r.bytes.subspan(static_cast<std::size_t>(offset), n);
      }
    }
    return {};
  }

 private:
  std::array<guest_region, N> regions_{};
  std::size_t count_ = 0;
};
static_assert(guest_memory<guest_regions<1>>);

}  // namespace shoal::hal
