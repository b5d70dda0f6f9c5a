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
  static constexpr std::size_t slot_limit = 64;  ///< bytes: more than an argument of a call has

  explicit constexpr guest_ram(bytes_span ram, std::span<const protection> protections = {}) noexcept
      : ram_(ram), protections_(protections) {
    for (const protection& p : protections) {
      if (!p.writable && p.end > free_from_) free_from_ = p.end;
    }
    if (free_from_ < ram.size()) free_ = ram.subspan(static_cast<std::size_t>(free_from_));
    if (free_.size() >= slot_limit) slots_ = free_.size() - slot_limit + 1;
  }

  /// What the guest may read.
  [[nodiscard]] constexpr bytes_span window(hal::guest_address address, std::size_t n) const noexcept {
    return part(layout::boot_info, address, n);
  }
  /// What the guest may write.
  [[nodiscard, gnu::always_inline]] constexpr bytes_span writable_window(hal::guest_address address,
                                                                         std::size_t n) const noexcept {
    const std::uint64_t offset =
        static_cast<std::uint64_t>(address) - free_from_;  // of what is below, too large
    std::uint64_t end = 0;
    if (__builtin_add_overflow(offset, n, &end) || end > free_.size()) [[unlikely]]
      return among_protections(address, n);
    return {free_.data() + static_cast<std::size_t>(offset), n};
  }
  /// The same of a size that the compiler knows: one comparison says that all of it is there.
  template <std::size_t N>
    requires(N <= slot_limit)
  [[nodiscard, gnu::always_inline]] constexpr bytes_span writable_slot(
      hal::guest_address address) const noexcept {
    const std::uint64_t offset = static_cast<std::uint64_t>(address) - free_from_;
    if (offset >= slots_) [[unlikely]]
      return among_protections(address, N);
    return {free_.data() + static_cast<std::size_t>(offset), N};
  }

 private:
  [[nodiscard]] constexpr bytes_span part(std::uint64_t first, hal::guest_address address,
                                          std::size_t n) const noexcept {
    const auto at = static_cast<std::uint64_t>(address);
    if (at < first || !contains(ram_.size(), at, n)) return {};
    return {ram_.data() + static_cast<std::size_t>(at), n};  // subspan() asks whether n means all that is left
  }

  /// Of what is not, or not all, in free_. By itself, so that what is always done gets the registers.
  [[nodiscard, gnu::cold, gnu::noinline]] constexpr bytes_span among_protections(hal::guest_address address,
                                                                                 std::size_t n) const noexcept {
    const auto at = static_cast<std::uint64_t>(address);
    const bytes_span found = part(layout::program, address, n);
    for (const protection& p : protections_) {
      if (!p.writable && !found.empty() && at < p.end && at + n > p.first) return {};
    }
    return found;
  }

  bytes_span ram_;
  std::span<const protection> protections_;
  std::uint64_t free_from_ = layout::program;  // behind all that is not to be written
  bytes_span free_;                            // what is there
  std::uint64_t slots_ = 0;                    // how many offsets in it have slot_limit bytes
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

/// N bytes of the guest's to fill; none when it cannot write all of them.
template <std::size_t N, hal::guest_memory M>
[[nodiscard, gnu::always_inline]] inline bytes_span writable_slot(M& memory, std::uint64_t address) noexcept {
  if constexpr (requires { memory.template writable_slot<N>(hal::guest_address{address}); }) {
    return memory.template writable_slot<N>(hal::guest_address{address});
  } else {
    return writable(memory, address, N).value;
  }
}

}  // namespace shoal::hypercall
