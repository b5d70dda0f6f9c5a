// SPDX-License-Identifier: BSL-1.0
//
// guest_ram: the memory of an hvt guest with the protections that its program asked for, and the two looks at
// it that calls take. Freestanding.
//
//     guest_ram memory{ram, program.protections()};
//     const status_or<bytes_view> text = readable(memory, call.data, call.length);
//     const status_or<bytes_span> room = writable(memory, call.data, call.length);
//
// A guest may name any address in a call, and what it must not reach itself it must not reach through us:
// tables and descriptors below 0x10000, what is read only, its own text. A buffer may end at the last byte of
// the memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>

namespace shoal::hypercall {

/// What may be done with the pages [first, end), which are whole and not written and executed both. To read
/// them is always allowed.
struct protection {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool writable = false;
  bool executable = false;
  friend constexpr bool operator==(const protection&, const protection&) noexcept = default;
};

/// A guest_memory of which parts are not to be written. `writable_window` is as window(), of those that are.
template <class M>
concept protected_memory =
    hal::guest_memory<M> && requires(M& memory, hal::guest_address address, std::size_t n) {
      { memory.writable_window(address, n) } noexcept -> std::same_as<bytes_span>;
    };

/// Memory from address 0 on. Owns neither the bytes nor the protections.
class guest_ram {
 public:
  explicit constexpr guest_ram(bytes_span ram, std::span<const protection> protections = {}) noexcept
      : ram_(ram), protections_(protections) {
    for (const protection& p : protections) {
      if (!p.writable && p.end > writable_from_) writable_from_ = p.end;
    }
  }

  /// What the guest may read.
  [[nodiscard]] constexpr bytes_span window(hal::guest_address address, std::size_t n) const noexcept {
    return part(layout::boot_info, address, n);
  }
  /// What the guest may write.
  [[nodiscard]] constexpr bytes_span writable_window(hal::guest_address address, std::size_t n) const noexcept {
    const auto at = static_cast<std::uint64_t>(address);
    const bytes_span found = part(layout::program, address, n);
    if (at >= writable_from_) [[likely]]
      return found;
    for (const protection& p : protections_) {
      if (!p.writable && !found.empty() && at < p.end && at + n > p.first) return {};
    }
    return found;
  }

 private:
  [[nodiscard]] constexpr bytes_span part(std::uint64_t first, hal::guest_address address,
                                          std::size_t n) const noexcept {
    const auto at = static_cast<std::uint64_t>(address);
    if (at < first || !contains(ram_.size(), at, n)) return {};
    return {ram_.data() + static_cast<std::size_t>(at), n};  // subspan() asks whether n means all that is left
  }

  bytes_span ram_;
  std::span<const protection> protections_;
  std::uint64_t writable_from_ = layout::program;  // from here on all is
};
static_assert(protected_memory<guest_ram>);

/// Bytes of the guest's to read: out_of_range when it cannot read all of them. None are everywhere. They may
/// change at any time.
template <hal::guest_memory M>
[[nodiscard, gnu::always_inline]] inline status_or<bytes_view> readable(M& memory, std::uint64_t address,
                                                                        std::uint64_t n) noexcept {
  if (n == 0) return bytes_view{};
  const auto size = static_cast<std::size_t>(n);
  if (size != n) return status::out_of_range;
  const bytes_span found = memory.window(hal::guest_address{address}, size);
  if (found.size() != size) return status::out_of_range;
  return bytes_view{found};
}

/// Bytes of the guest's to fill; otherwise as readable().
template <hal::guest_memory M>
[[nodiscard, gnu::always_inline]] inline status_or<bytes_span> writable(M& memory, std::uint64_t address,
                                                                        std::uint64_t n) noexcept {
  if (n == 0) return bytes_span{};
  const auto size = static_cast<std::size_t>(n);
  if (size != n) return status::out_of_range;
  bytes_span found;
  if constexpr (protected_memory<M>) {
    found = memory.writable_window(hal::guest_address{address}, size);
  } else {
    found = memory.window(hal::guest_address{address}, size);
  }
  if (found.size() != size) return status::out_of_range;
  return found;
}

}  // namespace shoal::hypercall
