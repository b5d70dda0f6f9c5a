// SPDX-License-Identifier: BSL-1.0
//
// Calls beside Solo5's: GPIO, I2C, and more of a block device. Of both halves. Freestanding.
//
//     gpio_call press{.handle = handle, .line = 17};      // vendor::gpio_init, then gpio_in, then gpio_read
//
// Numbers are 0x200 to 0x2ff. Devices of some types are no calls, but registers above the guest's memory. A
// guest that needs lines or a bus says so in its manifest, with device types that a Solo5 tender refuses as not
// attached. What a block device can do beyond Solo5's is told to the guest in bytes of its manifest that a
// Solo5 tender leaves zero: see docs/adr/0014.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/hypercall/abi.hpp>

namespace shoal::hypercall {

namespace vendor {
inline constexpr std::uint32_t first = 0x200;
inline constexpr std::uint32_t last = 0x2ff;

inline constexpr std::uint32_t block_flush = 0x200;    ///< range_call: what was written is on stable storage
inline constexpr std::uint32_t block_discard = 0x201;  ///< range_call: these bytes are not needed any more

// The papers' six calls, then one more. All take a gpio_call but the last.
inline constexpr std::uint32_t gpio_init = 0x210;      ///< takes a line
inline constexpr std::uint32_t gpio_finalize = 0x211;  ///< gives it back
inline constexpr std::uint32_t gpio_in = 0x212;        ///< makes it an input; value: gpio_value
inline constexpr std::uint32_t gpio_out = 0x213;       ///< makes it an output; value: gpio_value
inline constexpr std::uint32_t gpio_read = 0x214;      ///< of an input; value: out, 0 or 1
inline constexpr std::uint32_t gpio_write = 0x215;     ///< of an output; value: 0 or 1
inline constexpr std::uint32_t gpio_wait = 0x216;      ///< gpio_wait_call

inline constexpr std::uint32_t i2c_transfer = 0x220;  ///< i2c_call
}  // namespace vendor

/// What a block device does beside reading and writing a block.
namespace block_feature {
inline constexpr std::uint32_t many_blocks = 1;  ///< block_read and block_write of several blocks
inline constexpr std::uint32_t flush = 2;
inline constexpr std::uint32_t discard = 4;
}  // namespace block_feature

/// What a chip does, in its manifest entry.
namespace gpio_feature {
inline constexpr std::uint32_t edges = 1;  ///< gpio_wait, and the edges of gpio_value
inline constexpr std::uint32_t bias = 2;
}  // namespace gpio_feature

/// How gpio_in and gpio_out configure a line; 0 is what the papers' calls do. The rest has to be zero.
namespace gpio_value {
inline constexpr std::uint32_t rising = 1;       ///< input: becomes an event
inline constexpr std::uint32_t falling = 2;      ///< input: becomes an event
inline constexpr std::uint32_t high = 1;         ///< output: its first level
inline constexpr std::uint32_t bias_shift = 2;   ///< input: two bits, a hal::gpio_bias
inline constexpr std::uint32_t active_low = 16;  ///< levels are the inverse of the physical ones
}  // namespace gpio_value

/// Where the devices are that a guest reaches by loads and stores: a page for each, and in its manifest entry
/// which. Above all memory, and on aarch64 behind the calls.
namespace register_layout {
inline constexpr std::uint64_t first = 0x1'1000'0000;
inline constexpr std::uint64_t step = 0x1000;
inline constexpr std::uint64_t end = first + 0x20'0000;  ///< what is mapped ends here
}  // namespace register_layout

/// Of block_flush, where offset and length are 0, and of block_discard.
struct range_call {
  little64 handle{};
  little64 offset{};
  little64 length{};
  little32 result{};  ///< out
};
static_assert(sizeof(range_call) == 32 && offsetof(range_call, result) == 24);

struct gpio_call {
  little64 handle{};
  little32 line{};
  little32 value{};   ///< in, or out
  little32 result{};  ///< out
};
static_assert(sizeof(gpio_call) == 24 && offsetof(gpio_call, line) == 8 && offsetof(gpio_call, value) == 12);
static_assert(offsetof(gpio_call, result) == 16);

struct gpio_wait_call {
  little64 handle{};
  little64 timeout{};  ///< nanoseconds from now
  little64 time{};     ///< out: nanoseconds on the chip's clock
  little32 line{};     ///< out
  little32 edge{};     ///< out: gpio_value::rising or falling
  little32 result{};   ///< out: again when the time is over
};
static_assert(sizeof(gpio_wait_call) == 40 && offsetof(gpio_wait_call, time) == 16);
static_assert(offsetof(gpio_wait_call, line) == 24 && offsetof(gpio_wait_call, result) == 32);

/// Writes, then, after a repeated start, reads; one of the two may be empty.
struct i2c_call {
  little64 handle{};
  little64 out{};         ///< address of the bytes to write
  little64 in{};          ///< address of where to put those that are read
  little32 out_length{};  ///< at most 8192
  little32 in_length{};   ///< at most 8192
  little32 address{};     ///< seven bits
  little32 result{};      ///< out
};
static_assert(sizeof(i2c_call) == 40 && offsetof(i2c_call, out_length) == 24);
static_assert(offsetof(i2c_call, address) == 32 && offsetof(i2c_call, result) == 36);

}  // namespace shoal::hypercall
