// SPDX-License-Identifier: BSL-1.0
//
// The hvt ABI of Solo5, version 2, as numbers and structures: what a unikernel and its tender agree on. Of both
// halves. Freestanding.
//
//     puts_call text{.data = address, .length = n};
//     // x86-64: outl(low 32 bits of &text, port_base + number::puts)
//
// The structures lie in the guest's memory, little-endian whatever the host is; a pointer is a guest-physical
// address. Leaves out the ring, and the calls of our own: see vendor_abi.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <shoal/base/endian.hpp>

namespace shoal::hypercall {

/// An integer in a guest's memory: little-endian, aligned to its size.
template <std::unsigned_integral T>
class little {
 public:
  constexpr little() noexcept = default;
  constexpr little(T value) noexcept { store_le<T>(bytes_, value); }
  constexpr operator T() const noexcept { return load_le<T>(bytes_); }

 private:
  alignas(sizeof(T)) std::byte bytes_[sizeof(T)]{};
};
using little16 = little<std::uint16_t>;
using little32 = little<std::uint32_t>;
using little64 = little<std::uint64_t>;

// ---- calls

/// What a guest asks for.
namespace number {
inline constexpr std::uint32_t walltime = 1;
inline constexpr std::uint32_t puts = 2;
inline constexpr std::uint32_t poll = 3;
inline constexpr std::uint32_t block_write = 4;
inline constexpr std::uint32_t block_read = 5;
inline constexpr std::uint32_t net_write = 6;
inline constexpr std::uint32_t net_read = 7;
inline constexpr std::uint32_t halt = 8;
}  // namespace number

/// x86-64: `out` of 32 bits, the address of the argument, to this port plus the number.
inline constexpr std::uint16_t port_base = 0x500;
/// aarch64: a store of 32 bits to this address plus eight times the number.
inline constexpr std::uint64_t mmio_base = 0x1'0000'0000;

/// How a call ended, in its `result`.
enum class result_code : std::uint32_t {
  ok = 0,
  again = 1,    ///< nothing there yet, or the time is over
  invalid = 2,  ///< the guest asked for what cannot be
  failed = 3,   ///< the device says no
};

struct walltime_call {
  little64 nanoseconds{};  ///< out: since 1970-01-01 00:00 UTC
};
static_assert(sizeof(walltime_call) == 8);

struct puts_call {
  little64 data{};
  little64 length{};
};
static_assert(sizeof(puts_call) == 16 && offsetof(puts_call, length) == 8);

struct poll_call {
  little64 timeout{};    ///< nanoseconds from now
  little64 ready_set{};  ///< out: bit i for the device with handle i
  little32 ready{};      ///< out: how many bits that are
};
static_assert(sizeof(poll_call) == 24 && offsetof(poll_call, ready_set) == 8);
static_assert(offsetof(poll_call, ready) == 16);

/// Of block_read and block_write.
struct block_call {
  little64 handle{};
  little64 offset{};  ///< bytes
  little64 data{};
  little64 length{};
  little32 result{};  ///< out
};
static_assert(sizeof(block_call) == 40 && offsetof(block_call, offset) == 8 &&
              offsetof(block_call, data) == 16);
static_assert(offsetof(block_call, length) == 24 && offsetof(block_call, result) == 32);

/// Of net_read and net_write.
struct net_call {
  little64 handle{};
  little64 data{};
  little64 length{};  ///< of net_read also out: bytes of the frame
  little32 result{};  ///< out
};
static_assert(sizeof(net_call) == 32 && offsetof(net_call, data) == 8 && offsetof(net_call, length) == 16);
static_assert(offsetof(net_call, result) == 24);

struct halt_call {
  little64 cookie{};  ///< 0, or the address of halt_cookie_size bytes
  little32 status{};  ///< what the tender exits with
};
static_assert(sizeof(halt_call) == 16 && offsetof(halt_call, status) == 8);
inline constexpr std::size_t halt_cookie_size = 512;

// ---- boot

/// What the guest's first argument points to.
struct boot_info {
  little64 memory_size{};
  little64 kernel_end{};       ///< the first page behind what was loaded
  little64 cycle_frequency{};  ///< Hz: of the TSC, or of the generic timer
  little64 command_line{};     ///< ends with a zero byte
  little64 manifest{};
  little32 host_features{};
  little32 guest_features{};
  little64 net_ring{};  ///< 0: there is none
};
static_assert(sizeof(boot_info) == 56 && offsetof(boot_info, cycle_frequency) == 16);
static_assert(offsetof(boot_info, manifest) == 32 && offsetof(boot_info, host_features) == 40);
static_assert(offsetof(boot_info, net_ring) == 48);

/// Guest-physical addresses and sizes that are the same for all machines.
namespace layout {
inline constexpr std::uint64_t boot_info = 0x10000;  ///< below: the tender's, not even to be read
inline constexpr std::uint64_t program = 0x100000;   ///< below: to be read only
inline constexpr std::uint64_t page = 0x1000;
inline constexpr std::uint64_t granularity = 0x200000;  ///< of the size of the memory
inline constexpr std::uint64_t most = 0x1'0000'0000;    ///< memory
inline constexpr std::size_t command_line_size = 8192;  ///< with the zero byte
}  // namespace layout

/// Whether a guest can have this much memory: 2 MiB to 4 GiB, in steps of 2 MiB.
[[nodiscard]] constexpr bool is_memory_size(std::uint64_t bytes) noexcept {
  return bytes != 0 && bytes <= layout::most && bytes % layout::granularity == 0;
}

// ---- notes of the ELF file

inline constexpr std::uint32_t abi_note_type = 0x31494241;       ///< "ABI1"
inline constexpr std::uint32_t manifest_note_type = 0x3154464d;  ///< "MFT1"
inline constexpr std::uint32_t hvt_target = 1;
inline constexpr std::uint32_t hvt_version = 2;

/// The descriptor of the ABI1 note.
struct abi_note {
  little32 target{};
  little32 version{};
  little32 reserved[2]{};
};
static_assert(sizeof(abi_note) == 16);

}  // namespace shoal::hypercall
