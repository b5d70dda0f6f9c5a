// SPDX-License-Identifier: BSL-1.0
//
// hvt_vendor: the calls beside Solo5's, for a unikernel in C11: GPIO, I2C, and more of a block device. What
// vendor_abi.hpp, pins.hpp, bus.hpp and disk.hpp are for C++. Of the guest. Freestanding.
//
//     HVT_UNIKERNEL(HVT_DEVICE("pins", HVT_DEVICE_GPIO));
//     ...
//     hvt_gpio_init(1, 25);
//     hvt_gpio_out(1, 25, 0);
//     hvt_gpio_write(1, 25, 1);                                      // each HVT_OK, or why not
//
// A tender ends a guest that makes a call which it does not have. One that takes the devices of ours has their
// calls; whether it has those of a disk is in that device's features.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <shoal/hypercall/guest/hvt.h>

enum hvt_vendor_number {
  HVT_BLOCK_FLUSH = 0x200,    ///< hvt_range_call: what was written is on stable storage
  HVT_BLOCK_DISCARD = 0x201,  ///< hvt_range_call: these bytes are not needed any more

  // The papers' six calls, then one more. All take a hvt_gpio_call but the last.
  HVT_GPIO_INIT = 0x210,      ///< takes a line
  HVT_GPIO_FINALIZE = 0x211,  ///< gives it back
  HVT_GPIO_IN = 0x212,        ///< makes it an input; value: enum hvt_gpio_value
  HVT_GPIO_OUT = 0x213,       ///< makes it an output; value: enum hvt_gpio_value
  HVT_GPIO_READ = 0x214,      ///< of an input; value: out, 0 or 1
  HVT_GPIO_WRITE = 0x215,     ///< of an output; value: 0 or 1
  HVT_GPIO_WAIT = 0x216,      ///< hvt_gpio_wait_call

  HVT_I2C_TRANSFER = 0x220  ///< hvt_i2c_call
};

/// What a block device does beside reading and writing a block: bits of its entry in the manifest.
enum hvt_block_feature {
  HVT_BLOCK_MANY_BLOCKS = 1,  ///< hvt_block_read() and hvt_block_write() of several blocks
  HVT_BLOCK_CAN_FLUSH = 2,
  HVT_BLOCK_CAN_DISCARD = 4
};

/// What a chip does: bits of its entry in the manifest.
enum hvt_gpio_feature {
  HVT_GPIO_HAS_EDGES = 1,  ///< HVT_GPIO_WAIT, and the edges of enum hvt_gpio_value
  HVT_GPIO_HAS_BIAS = 2
};

/// How HVT_GPIO_IN and HVT_GPIO_OUT configure a line; 0 is what the papers' calls do. The rest has to be zero.
enum hvt_gpio_value {
  HVT_GPIO_RISING = 1,       ///< input: becomes an event
  HVT_GPIO_FALLING = 2,      ///< input: becomes an event
  HVT_GPIO_HIGH = 1,         ///< output: its first level
  HVT_GPIO_BIAS_SHIFT = 2,   ///< input: where the two bits of its bias are
  HVT_GPIO_ACTIVE_LOW = 16,  ///< levels are the inverse of the physical ones
  HVT_GPIO_BIAS_OFF = 1 << HVT_GPIO_BIAS_SHIFT,
  HVT_GPIO_PULL_UP = 2 << HVT_GPIO_BIAS_SHIFT,
  HVT_GPIO_PULL_DOWN = 3 << HVT_GPIO_BIAS_SHIFT
};

/// Of HVT_BLOCK_FLUSH, where offset and length are 0, and of HVT_BLOCK_DISCARD.
struct hvt_range_call {
  uint64_t handle;
  uint64_t offset;
  uint64_t length;
  uint32_t result;  ///< out
};

struct hvt_gpio_call {
  uint64_t handle;
  uint32_t line;
  uint32_t value;   ///< in, or out
  uint32_t result;  ///< out
};

struct hvt_gpio_wait_call {
  uint64_t handle;
  uint64_t timeout;  ///< nanoseconds from now
  uint64_t time;     ///< out: nanoseconds on the chip's clock
  uint32_t line;     ///< out
  uint32_t edge;     ///< out: HVT_GPIO_RISING or HVT_GPIO_FALLING
  uint32_t result;   ///< out: HVT_AGAIN when the time is over
};

/// Writes, then, after a repeated start, reads; one of the two may be empty.
struct hvt_i2c_call {
  uint64_t handle;
  uint64_t out;         ///< address of the bytes to write
  uint64_t in;          ///< address of where to put those that are read
  uint32_t out_length;  ///< at most 8192
  uint32_t in_length;   ///< at most 8192
  uint32_t address;     ///< seven bits
  uint32_t result;      ///< out
};

#ifdef HVT_CALL
/// Asks for a device that has HVT_BLOCK_CAN_FLUSH.
static inline enum hvt_result hvt_block_flush(uint64_t handle) {
  struct hvt_range_call asked = {handle, 0, 0, 0};
  HVT_CALL(HVT_BLOCK_FLUSH, &asked);
  return (enum hvt_result)asked.result;
}
/// Whole blocks, of a device that has HVT_BLOCK_CAN_DISCARD: what they hold is then unspecified.
static inline enum hvt_result hvt_block_discard(uint64_t handle, uint64_t offset, uint64_t length) {
  struct hvt_range_call asked = {handle, offset, length, 0};
  HVT_CALL(HVT_BLOCK_DISCARD, &asked);
  return (enum hvt_result)asked.result;
}

/// Any of the papers' six but reading.
static inline enum hvt_result hvt_gpio(uint32_t number, uint64_t handle, uint32_t line, uint32_t value) {
  struct hvt_gpio_call asked = {handle, line, value, 0};
  HVT_CALL(number, &asked);
  return (enum hvt_result)asked.result;
}
/// Takes a line: comes before all else that is done with it. HVT_AGAIN: somebody else has it.
static inline enum hvt_result hvt_gpio_init(uint64_t handle, uint32_t line) {
  return hvt_gpio(HVT_GPIO_INIT, handle, line, 0);
}
/// Gives a line back.
static inline enum hvt_result hvt_gpio_finalize(uint64_t handle, uint32_t line) {
  return hvt_gpio(HVT_GPIO_FINALIZE, handle, line, 0);
}
/// @param value  of enum hvt_gpio_value: edges, bias, HVT_GPIO_ACTIVE_LOW
static inline enum hvt_result hvt_gpio_in(uint64_t handle, uint32_t line, uint32_t value) {
  return hvt_gpio(HVT_GPIO_IN, handle, line, value);
}
/// @param value  of enum hvt_gpio_value: HVT_GPIO_HIGH, HVT_GPIO_ACTIVE_LOW
static inline enum hvt_result hvt_gpio_out(uint64_t handle, uint32_t line, uint32_t value) {
  return hvt_gpio(HVT_GPIO_OUT, handle, line, value);
}
/// Of an input. @param level  out: 0 or 1
static inline enum hvt_result hvt_gpio_read(uint64_t handle, uint32_t line, uint32_t* level) {
  struct hvt_gpio_call asked = {handle, line, 0, 0};
  HVT_CALL(HVT_GPIO_READ, &asked);
  *level = asked.value;
  return (enum hvt_result)asked.result;
}
/// Of an output. @param level  0 or 1
static inline enum hvt_result hvt_gpio_write(uint64_t handle, uint32_t line, uint32_t level) {
  return hvt_gpio(HVT_GPIO_WRITE, handle, line, level);
}
/// Waits for an edge of a line that hvt_gpio_in() was told to watch. @param event  only its outs matter
static inline enum hvt_result hvt_gpio_wait(uint64_t handle, uint64_t nanoseconds,
                                            struct hvt_gpio_wait_call* event) {
  event->handle = handle;
  event->timeout = nanoseconds;
  HVT_CALL(HVT_GPIO_WAIT, event);
  return (enum hvt_result)event->result;
}

/// Writes `out_length` bytes to a device on the bus, then reads `in_length`. HVT_FAILED: nobody answers.
static inline enum hvt_result hvt_i2c_transfer(uint64_t handle, uint32_t address, const void* out,
                                               uint32_t out_length, void* in, uint32_t in_length) {
  struct hvt_i2c_call asked = {handle, hvt_address(out), hvt_address(in), out_length, in_length, address, 0};
  HVT_CALL(HVT_I2C_TRANSFER, &asked);
  return (enum hvt_result)asked.result;
}
#endif
