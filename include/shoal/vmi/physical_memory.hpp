// SPDX-License-Identifier: BSL-1.0
//
// The contract of a machine's memory as somebody outside reads it: everything in this room is a template over
// it.
//
//     std::array<std::byte, 8> entry;
//     if (memory.read_physical(address, entry) != status::ok) return unmapped;
//     for (const physical_range& ram : memory.extents()) scan(ram);
//
// The machine may be running: two reads of one address may differ, and what is checked has to be copied out
// first. Leaves out writing: introspection looks. Freestanding.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>

namespace shoal::vmi {

/// `read_physical(address, out)`: all of `out`, or status::out_of_range when a byte of it is not RAM that is
/// there, and `out` is then worth nothing. `extents()`: where RAM is, ascending and apart; what they name may
/// be missing all the same in a torn dump. Both may be called from several threads at once.
template <class M>
concept physical_memory = requires(const M& memory, physical_address address, bytes_span out) {
  { memory.read_physical(address, out) } noexcept -> std::same_as<status>;
  { memory.extents() } noexcept -> std::same_as<std::span<const physical_range>>;
};

/// A piece of RAM whose bytes are in this program's memory, one behind the other.
struct ram_piece {
  physical_address base{};
  bytes_view bytes;
};

/// `piece_around(address)`: the piece that an address lies in, empty where there is none. `window(address, n)`:
/// the bytes themselves, for a search through them without a copy; empty when they do not lie in one piece.
/// They change under the reader's eyes: what is found in a window is copied, then checked.
template <class M>
concept can_window = physical_memory<M> && requires(const M& memory, physical_address address, std::size_t n) {
  { memory.piece_around(address) } noexcept -> std::same_as<ram_piece>;
  { memory.window(address, n) } noexcept -> std::same_as<bytes_view>;
};

/// One read of a batch, and how it went.
struct physical_read {
  physical_address address{};
  bytes_span out;
  status code = status::failed;
};

/// `read_batch(reads)`: as read_physical for each, in one go: worth having where a read is a message.
template <class M>
concept can_read_batch = physical_memory<M> && requires(const M& memory, std::span<physical_read> reads) {
  { memory.read_batch(reads) } noexcept;
};

/// Reads each, in one go where the memory can.
template <physical_memory M>
void read_batch(const M& memory, std::span<physical_read> reads) noexcept {
  if constexpr (can_read_batch<M>) {
    memory.read_batch(reads);
  } else {
    for (physical_read& each : reads) each.code = memory.read_physical(each.address, each.out);
  }
}

/// A little-endian number that a guest may be changing. The compiler reads it each time, and once; unlike
/// behind a fence, it remembers all else.
template <std::unsigned_integral T>
[[nodiscard, gnu::always_inline]] inline T load_live(const std::byte* from) noexcept {
  struct [[gnu::packed, gnu::may_alias]] anywhere {
    T number;
  };
  const T raw = reinterpret_cast<const volatile anywhere*>(from)->number;
  return load_le<T>(reinterpret_cast<const std::byte*>(&raw));
}

/// A little-endian number of the guest's.
template <std::unsigned_integral T, physical_memory M>
[[nodiscard, gnu::always_inline]] inline status_or<T> read_number(const M& memory,
                                                                  physical_address address) noexcept {
  if constexpr (can_window<M>) {
    // One load instead of a copy of so-many bytes: this is what a walk through page tables consists of.
    const bytes_view bytes = memory.window(address, sizeof(T));
    if (!bytes.empty()) return load_live<T>(bytes.data());
  }
  std::byte bytes[sizeof(T)];
  const status read = memory.read_physical(address, bytes);
  if (read != status::ok) return read;
  return load_le<T>(bytes);
}

/// Copies bytes that a guest may be changing: the compiler does not look at `in` again for what `out` holds.
/// @pre out.size() == in.size()
inline void copy_live(bytes_span out, bytes_view in) noexcept {
  constexpr std::size_t name_of_task = 16;  // read more often than all else but numbers: no call for it
  if (out.size() == name_of_task) {
    std::memcpy(out.data(), in.data(), name_of_task);
  } else if (!out.empty()) {
    std::memcpy(out.data(), in.data(), in.size());
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace shoal::vmi
