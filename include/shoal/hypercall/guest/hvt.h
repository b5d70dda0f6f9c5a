// SPDX-License-Identifier: BSL-1.0
//
// hvt: the ABI of Solo5's hvt, version 2, for a unikernel in C11: numbers, structures, notes and calls. What
// abi.hpp, notes.hpp and machine.hpp are for C++. Of the guest. Freestanding.
//
//     HVT_UNIKERNEL(HVT_DEVICE("disk", HVT_DEVICE_BLOCK));          // once; its handle is 1
//     void unikernel_start(const struct hvt_boot_info* info) {
//       static unsigned char block[512];
//       if (hvt_block_read(1, 0, block, sizeof block) != HVT_OK) hvt_halt(1);
//       hvt_halt(0);
//     }
//
// Linked with hvt.ld, which lies beside this header. Who defines HVT_CALL(number, argument) before it makes the
// calls with that: so a guest's code is tested as an ordinary program. Leaves out the ring, and the calls of
// our own: see hvt_vendor.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

// ---- numbers

/// What a guest asks for.
enum hvt_number {
  HVT_WALLTIME = 1,
  HVT_PUTS = 2,
  HVT_POLL = 3,
  HVT_BLOCK_WRITE = 4,
  HVT_BLOCK_READ = 5,
  HVT_NET_WRITE = 6,
  HVT_NET_READ = 7,
  HVT_HALT = 8
};

/// How a call ended.
enum hvt_result {
  HVT_OK = 0,
  HVT_AGAIN = 1,    ///< nothing there yet, or the time is over
  HVT_INVALID = 2,  ///< the guest asked for what cannot be
  HVT_FAILED = 3    ///< the device says no
};

/// What a device is. A Solo5 tender knows the first two, and refuses who asks for another.
enum hvt_device_type {
  HVT_DEVICE_BLOCK = 1,
  HVT_DEVICE_NET = 2,
  HVT_DEVICE_GPIO = 0x20530001,
  HVT_DEVICE_I2C = 0x20530002,
  HVT_DEVICE_VIRTIO_GPIO = 0x20530010,   ///< lines as the registers of a virtio-gpio device
  HVT_DEVICE_BCM2835_GPIO = 0x20530011,  ///< lines as the GPIO registers of a BCM2835
  HVT_DEVICE_PL061_GPIO = 0x20530012,    ///< lines as the registers of a PL061
  HVT_DEVICE_NONE = 0x40000000           ///< what each manifest begins with
};

/// x86-64: `out` of 32 bits, the address of the argument, to this port plus the number.
#define HVT_PORT_BASE 0x500u
/// aarch64: a store of 32 bits to this address plus eight times the number.
#define HVT_MMIO_BASE UINT64_C(0x100000000)
/// Bytes of what halt can leave to the tender.
#define HVT_HALT_COOKIE_SIZE 512u
/// Bytes of the command line, with the zero byte.
#define HVT_COMMAND_LINE_SIZE 8192u
/// Entries of a manifest, with the first, which is no device.
#define HVT_MAX_ENTRIES 64u

// ---- arguments of calls: addresses are those of the guest, where memory maps one to one

struct hvt_walltime_call {
  uint64_t nanoseconds;  ///< out: since 1970-01-01 00:00 UTC
};

struct hvt_puts_call {
  uint64_t data;
  uint64_t length;
};

struct hvt_poll_call {
  uint64_t timeout;    ///< nanoseconds from now
  uint64_t ready_set;  ///< out: bit i for the device with handle i
  uint32_t ready;      ///< out: how many bits that are
};

/// Of HVT_BLOCK_READ and HVT_BLOCK_WRITE.
struct hvt_block_call {
  uint64_t handle;
  uint64_t offset;  ///< bytes
  uint64_t data;
  uint64_t length;
  uint32_t result;  ///< out
};

/// Of HVT_NET_READ and HVT_NET_WRITE.
struct hvt_net_call {
  uint64_t handle;
  uint64_t data;
  uint64_t length;  ///< of HVT_NET_READ also out: bytes of the frame
  uint32_t result;  ///< out
};

struct hvt_halt_call {
  uint64_t cookie;  ///< 0, or the address of HVT_HALT_COOKIE_SIZE bytes
  uint32_t status;  ///< what the tender exits with
};

// ---- boot

/// What the guest's first argument points to.
struct hvt_boot_info {
  uint64_t memory_size;
  uint64_t kernel_end;       ///< the first page behind what was loaded
  uint64_t cycle_frequency;  ///< Hz: of the TSC, or of the generic timer
  uint64_t command_line;     ///< see hvt_command_line()
  uint64_t manifest;         ///< see hvt_device()
  uint32_t host_features;
  uint32_t guest_features;
  uint64_t net_ring;  ///< 0: there is none
};

struct hvt_block_properties {
  uint64_t capacity;  ///< bytes
  uint16_t block_size;
  uint16_t padding;
  uint32_t features;  ///< enum hvt_block_feature; a Solo5 tender leaves it zero
};
struct hvt_net_properties {
  uint8_t mac[6];
  uint16_t mtu;
};
struct hvt_gpio_properties {
  uint32_t lines;
  uint32_t features;  ///< enum hvt_gpio_feature
};
/// Of a device that a guest reaches by loads and stores.
struct hvt_register_properties {
  uint64_t address;
  uint32_t size;
  uint32_t padding;
};

/// A device, as it lies in the file and, filled in by the tender, in the guest's memory.
struct hvt_manifest_entry {
  char name[68];  ///< the last is always zero
  uint32_t type;  ///< enum hvt_device_type
  union {
    struct hvt_block_properties block;
    struct hvt_net_properties net;
    struct hvt_gpio_properties gpio;
    struct hvt_register_properties registers;
  } is;              ///< by type
  uint64_t backing;  ///< private to a tender
  uint8_t attached;
  uint8_t padding[7];
};

struct hvt_manifest_header {
  uint32_t version;
  uint32_t count;  ///< of the entries that follow
};

// ---- notes

enum hvt_note_type { HVT_NOTE_ABI = 0x31494241, HVT_NOTE_MANIFEST = 0x3154464d };

/// What comes before the content of a note.
struct hvt_note_header {
  uint32_t name_size;
  uint32_t size;  ///< of the content
  uint32_t type;  ///< enum hvt_note_type
  char name[8];
};

struct hvt_abi_section {
  struct hvt_note_header header;
  uint32_t target;
  uint32_t version;
  uint32_t reserved[2];
};

#ifndef __cplusplus  // whose notes are in notes.hpp
/// Ends with hvt_halt(). The stack is as after a call.
void unikernel_start(const struct hvt_boot_info* info);

/// A device for HVT_UNIKERNEL(): a literal of 1 to 67 bytes, and an enum hvt_device_type.
#define HVT_DEVICE(called, kind)                                                                 \
  {.name = called, .type = (kind) + 0 * sizeof(struct {                                          \
                                      _Static_assert(sizeof(called) > 1 && sizeof(called) <= 68, \
                                                     "a device's name has 1 to 67 bytes");       \
                                      int unused;                                                \
                                    })}

/// Both notes: makes the program a unikernel that wants these devices, with the handles 1, 2 and so on. Once,
/// at file scope; HVT_UNIKERNEL(); for none.
#define HVT_UNIKERNEL(...)                                                                                   \
  enum {                                                                                                     \
    hvt_entry_count = sizeof((struct hvt_manifest_entry[]){{.type = HVT_DEVICE_NONE}, __VA_ARGS__}) /        \
                      sizeof(struct hvt_manifest_entry)                                                      \
  };                                                                                                         \
  _Static_assert(hvt_entry_count <= HVT_MAX_ENTRIES, "a manifest has at most 63 devices");                   \
  static const struct hvt_abi_section hvt_abi __attribute__((section(".note.solo5.abi"), used,               \
                                                             aligned(4))) = {                                \
      .header = {6, sizeof(struct hvt_abi_section) - sizeof(struct hvt_note_header), HVT_NOTE_ABI, "Solo5"}, \
      .target = 1,                                                                                           \
      .version = 2};                                                                                         \
  static const struct {                                                                                      \
    struct hvt_note_header header;                                                                           \
    uint32_t padding;                                                                                        \
    struct hvt_manifest_header manifest;                                                                     \
    struct hvt_manifest_entry entries[hvt_entry_count];                                                      \
  } hvt_manifest __attribute__((section(".note.solo5.manifest"), used, aligned(8))) = {                      \
      .header = {6, sizeof hvt_manifest - sizeof(struct hvt_note_header), HVT_NOTE_MANIFEST, "Solo5"},       \
      .manifest = {1, hvt_entry_count},                                                                      \
      .entries = {{.type = HVT_DEVICE_NONE}, __VA_ARGS__}}
#endif

// ---- calls

#if !defined(HVT_CALL) && (defined(__x86_64__) || defined(__aarch64__))
#define HVT_CALL hvt_instruction

/// What leaves the processor for the tender. @param argument  below 4 GiB; has its results afterwards
static inline void hvt_instruction(uint32_t number, void* argument) {
  const uint32_t address = (uint32_t)(uintptr_t)argument;
#if defined(__x86_64__)
  const uint16_t port = (uint16_t)(HVT_PORT_BASE + number);
  __asm__ volatile("outl %0, %1" : : "a"(address), "d"(port) : "memory");
#else
  const uint64_t where = HVT_MMIO_BASE + 8 * (uint64_t)number;
  __asm__ volatile("str %w0, [%1]" : : "rZ"(address), "r"(where) : "memory");
#endif
}
#endif

#ifdef HVT_CALL
/// An address as the host wants it.
static inline uint64_t hvt_address(const void* pointer) {
  return (uint64_t)(uintptr_t)pointer;
}

/// Prints.
static inline void hvt_write(const void* text, size_t length) {
  struct hvt_puts_call asked = {hvt_address(text), length};
  HVT_CALL(HVT_PUTS, &asked);
}
/// Prints what ends with a zero byte.
static inline void hvt_puts(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  hvt_write(text, length);
}
/// Nanoseconds since 1970-01-01 00:00 UTC.
static inline uint64_t hvt_walltime(void) {
  struct hvt_walltime_call asked = {0};
  HVT_CALL(HVT_WALLTIME, &asked);
  return asked.nanoseconds;
}
/// Waits until a device has something, or the time is over: which have, bit i for handle i.
static inline uint64_t hvt_poll(uint64_t nanoseconds) {
  struct hvt_poll_call asked = {nanoseconds, 0, 0};
  HVT_CALL(HVT_POLL, &asked);
  return asked.ready_set;
}
/// Whole blocks; one, unless the device has HVT_BLOCK_MANY_BLOCKS. @param offset  bytes
static inline enum hvt_result hvt_block_read(uint64_t handle, uint64_t offset, void* data, size_t length) {
  struct hvt_block_call asked = {handle, offset, hvt_address(data), length, 0};
  HVT_CALL(HVT_BLOCK_READ, &asked);
  return (enum hvt_result)asked.result;
}
/// As hvt_block_read().
static inline enum hvt_result hvt_block_write(uint64_t handle, uint64_t offset, const void* data,
                                              size_t length) {
  struct hvt_block_call asked = {handle, offset, hvt_address(data), length, 0};
  HVT_CALL(HVT_BLOCK_WRITE, &asked);
  return (enum hvt_result)asked.result;
}
/// HVT_AGAIN when there is no frame. @param length  in: room; out: bytes of the frame
static inline enum hvt_result hvt_net_read(uint64_t handle, void* frame, size_t* length) {
  struct hvt_net_call asked = {handle, hvt_address(frame), *length, 0};
  HVT_CALL(HVT_NET_READ, &asked);
  *length = (size_t)asked.length;
  return (enum hvt_result)asked.result;
}
static inline enum hvt_result hvt_net_write(uint64_t handle, const void* frame, size_t length) {
  struct hvt_net_call asked = {handle, hvt_address(frame), length, 0};
  HVT_CALL(HVT_NET_WRITE, &asked);
  return (enum hvt_result)asked.result;
}
/// Ends the guest: returns only in a test. @param status  what the tender exits with
static inline void hvt_halt(int32_t status) {
  struct hvt_halt_call asked = {0, (uint32_t)status};
  HVT_CALL(HVT_HALT, &asked);
}
#endif

// ---- what the tender has filled in

/// What lies at an address of the guest.
static inline const void* hvt_at(uint64_t address) {
  const uintptr_t number = (uintptr_t)address;
  const void* pointer;
  __builtin_memcpy((void*)&pointer, &number, sizeof pointer);
  return pointer;
}
/// @param handle  of a device in the unikernel's manifest, from 1 on
static inline const struct hvt_manifest_entry* hvt_device(const struct hvt_boot_info* info, uint64_t handle) {
  const uint64_t entries = info->manifest + sizeof(struct hvt_manifest_header);
  return (const struct hvt_manifest_entry*)hvt_at(entries) + handle;
}
/// Ends with a zero byte.
static inline const char* hvt_command_line(const struct hvt_boot_info* info) {
  return (const char*)hvt_at(info->command_line);
}
