// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/aarch64_machine.hpp>
#include <shoal/hypercall/x86_64_machine.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "guest_model.hpp"

namespace {

using namespace guest_model;

/// What a processor makes of an address.
struct mapping {
  bool present = false;
  std::uint64_t address = 0;
  bool writable = false;
  bool executable = false;
  bool device = false;
};

/// Memory of which only the tables are there, however large the guest's is.
struct low_memory {
  std::vector<std::byte> bytes = std::vector<std::byte>(0x10000, std::byte{0xaa});
  hal::guest_regions<1> host;
  low_memory() { static_cast<void>(host.add(hal::guest_address{0}, bytes)); }
  std::uint64_t at(std::uint64_t address) const {
    return address + 8 <= bytes.size() ? load_le<std::uint64_t>(bytes.data() + address) : 0;
  }
};

/// Intel's manual, volume 3, section 4.5: four levels, no NX.
mapping walk_x86_64(const low_memory& memory, const x86_64_entry& state, std::uint64_t address) {
  constexpr std::uint64_t frame = 0x000f'ffff'ffff'f000;
  std::uint64_t table = state.cr3 & frame;
  bool writable = true;
  for (unsigned shift = 39;; shift -= 9) {
    const std::uint64_t entry = memory.at(table + 8 * (address >> shift & 511));
    if ((entry & 1) == 0) return {};
    if ((entry & 4) != 0) return {};  // nothing is the user's
    writable = writable && (entry & 2) != 0;
    if (shift == 12 || (shift == 21 && (entry & 0x80) != 0)) {
      const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
      return {true, (entry & frame & ~inside) | (address & inside), writable, true, (entry & 0x18) == 0x18};
    }
    table = entry & frame;
  }
}

/// Arm's manual, chapter D8: pages of 4 KiB, 40 bits of address start at level 0.
mapping walk_aarch64(const low_memory& memory, const aarch64_entry& state, std::uint64_t address) {
  constexpr std::uint64_t frame = 0x0000'ffff'ffff'f000;
  if (address >> 40 != 0) return {};
  std::uint64_t table = state.ttbr0_el1 & frame;
  for (unsigned level = 0;; ++level) {
    const unsigned shift = 39 - 9 * level;
    const std::uint64_t entry = memory.at(table + 8 * (address >> shift & 511));
    if ((entry & 1) == 0) return {};
    const bool second_bit = (entry & 2) != 0;  // a table, or at level 3 a page
    if (!second_bit || level == 3) {
      if (level == 0 || (level == 3 && !second_bit)) return {};
      if ((entry & 1u << 10) == 0) return {};  // accessing it would fault
      const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
      const std::uint64_t attribute = state.mair_el1 >> (8 * (entry >> 2 & 7)) & 0xff;
      return {true, (entry & frame & ~inside) | (address & inside), (entry >> 7 & 1) == 0,
              (entry >> 53 & 1) == 0, attribute != 0xff};
    }
    table = entry & frame;
  }
}

/// Addresses at which something changes, and some between.
std::vector<std::uint64_t> interesting(std::uint64_t size) {
  std::vector<std::uint64_t> all{0,       0x1000,   0xffff,   0x10000,  0x10038,
                                 0xfffff, 0x100000, 0x1fffff, 0x200000, size - 1};
  for (std::uint64_t at = 1; at < size; at += 37_MiB) all.push_back(at);
  return all;
}

template <class Walk>
void check_map(std::uint64_t size, bool low_is_executable, Walk walk) {
  for (const std::uint64_t at : interesting(size)) {
    CAPTURE(at);
    if (at >= size) continue;
    const mapping m = walk(at);
    CHECK(m.present == (at >= 0x10000));
    if (!m.present) continue;
    CHECK(m.address == at);
    CHECK(m.writable == (at >= 0x100000));
    CHECK(m.executable == (at >= 0x100000 || low_is_executable));
    CHECK_FALSE(m.device);
  }
  if (size < 4_GiB) CHECK_FALSE(walk(size).present);
}

TEST_CASE("x86-64 tables map memory one to one, and protect what is the tender's") {
  for (const std::uint64_t size : {2_MiB, 4_MiB, 512_MiB, 1_GiB + 2_MiB, 4_GiB}) {
    CAPTURE(size);
    low_memory memory;
    REQUIRE(write_x86_64_tables(memory.host, size) == status::ok);
    const x86_64_entry state = x86_64_entry_state(0x100000, size);
    check_map(size, true, [&](std::uint64_t at) { return walk_x86_64(memory, state, at); });
    CHECK_FALSE(walk_x86_64(memory, state, 4_GiB).present);
    CHECK_FALSE(walk_x86_64(memory, state, std::uint64_t{1} << 39).present);
  }
}

TEST_CASE("registers are mapped above all memory, where a guest asks for some") {
  for (const std::uint64_t size : {2_MiB, 4_GiB}) {
    CAPTURE(size);
    low_memory memory;
    REQUIRE(write_x86_64_tables(memory.host, size, true) == status::ok);
    const x86_64_entry x86 = x86_64_entry_state(0x100000, size);
    check_map(size, true, [&](std::uint64_t at) { return walk_x86_64(memory, x86, at); });
    low_memory other;
    REQUIRE(write_aarch64_tables(other.host, size) == status::ok);
    const aarch64_entry arm = aarch64_entry_state(0x100000, size);
    for (const std::uint64_t at : {register_layout::first, register_layout::end - 4}) {
      for (const mapping& m : {walk_x86_64(memory, x86, at), walk_aarch64(other, arm, at)}) {
        CHECK(m.present);
        CHECK(m.address == at);
        CHECK(m.writable);
        CHECK(m.device);
      }
    }
    for (const std::uint64_t at : {register_layout::first - 1, register_layout::end, 4_GiB, 5_GiB}) {
      CHECK_FALSE(walk_x86_64(memory, x86, at).present);
    }
  }
}

TEST_CASE("aarch64 tables do the same, with device memory for calls") {
  for (const std::uint64_t size : {2_MiB, 4_MiB, 512_MiB, 1_GiB + 2_MiB, 4_GiB}) {
    CAPTURE(size);
    low_memory memory;
    REQUIRE(write_aarch64_tables(memory.host, size) == status::ok);
    const aarch64_entry state = aarch64_entry_state(0x100000, size);
    check_map(size, false, [&](std::uint64_t at) { return walk_aarch64(memory, state, at); });
    const mapping calls = walk_aarch64(memory, state, mmio_base + 0x1000);
    CHECK(calls.present);
    CHECK(calls.address == mmio_base + 0x1000);
    CHECK(calls.writable);
    CHECK(calls.device);
    CHECK_FALSE(calls.executable);
    CHECK_FALSE(walk_aarch64(memory, state, 5_GiB).present);
  }
}

TEST_CASE("descriptors are what the segment registers hold") {
  low_memory memory;
  REQUIRE(write_x86_64_tables(memory.host, 2_MiB) == status::ok);
  CHECK(memory.at(0x1000) == 0);
  CHECK(memory.at(0x1008) == 0x00af'9900'0000'ffff);  // 64-bit code, execute only, accessed
  CHECK(memory.at(0x1010) == 0x00cf'9300'0000'ffff);  // data
  CHECK(memory.at(0x1018) == 0);
}

TEST_CASE("a guest starts where its program says, with its stack at the end of the memory") {
  const x86_64_entry x86 = x86_64_entry_state(0x101234, 64_MiB);
  CHECK(x86.rip == 0x101234);
  CHECK(x86.rsp == 64_MiB - 8);
  CHECK(x86.rdi == 0x10000);
  CHECK(x86.cr0 == (1u << 31 | 1u << 16 | 1u << 5 | 1u));
  CHECK(x86.cr4 == (1u << 10 | 1u << 9 | 1u << 5));
  CHECK(x86.efer == (1u << 10 | 1u << 8));
  const aarch64_entry arm = aarch64_entry_state(0x101234, 64_MiB);
  CHECK(arm.pc == 0x101234);
  CHECK(arm.sp_el1 == 64_MiB - 16);
  CHECK(arm.x0 == 0x10000);
  CHECK((arm.tcr_el1 & 63) == 24);  // 64 - 40
  CHECK((arm.pstate & 15) == 5);
}

TEST_CASE("no tables for a size that no guest can have, or outside of the memory") {
  low_memory memory;
  for (const std::uint64_t size : {std::uint64_t{0}, 1_MiB, 2_MiB + 4096, 4_GiB + 2_MiB}) {
    CHECK(write_x86_64_tables(memory.host, size) == status::invalid_argument);
    CHECK(write_aarch64_tables(memory.host, size) == status::invalid_argument);
  }
  hal::guest_regions<1> none;
  CHECK(write_x86_64_tables(none, 2_MiB) == status::out_of_range);
  CHECK(write_aarch64_tables(none, 2_MiB) == status::out_of_range);
}

}  // namespace
