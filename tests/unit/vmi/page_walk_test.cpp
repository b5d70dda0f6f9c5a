// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/page_walk.hpp>

#include <cstdint>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/paging.hpp>

#include "synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_ram;

namespace {

// How each processor writes an entry, said once more and apart from the code under test.

std::uint64_t x86(bool page, bool last, std::uint64_t address) {
  return address | 0x8000'0000'0000'0063 | (page && !last ? 0x80u : 0u);
}
std::uint64_t riscv(bool page, bool, std::uint64_t address) {
  return address >> 2 | (page ? 0xcf : 0x01);
}
std::uint64_t arm_long(bool page, bool last, std::uint64_t address) {
  return address | 0x0040'0000'0000'0700 | (page && !last ? 1u : 3u);
}
std::uint64_t lpa2(bool page, bool last, std::uint64_t address) {
  return (address & 0x0003'ffff'ffff'ffff) | (address >> 50) << 8 | (page && !last ? 1u : 3u) | 1ull << 54;
}
std::uint64_t lpa(bool page, bool last, std::uint64_t address) {
  return (address & 0x0000'ffff'ffff'ffff) | (address >> 48) << 12 | (page && !last ? 1u : 3u) | 1ull << 54;
}

using encoder = std::uint64_t (*)(bool, bool, std::uint64_t);

template <class F>
class tables {
 public:
  explicit tables(encoder encode, std::uint64_t from) : encode_(encode), next_(from), root_(take()) {}

  /// Maps with a page at this level, counted from the root, making tables on the way.
  void map(std::uint64_t address, std::uint64_t to, std::size_t at_level) {
    std::uint64_t table = root_;
    for (std::size_t level = 0;; ++level) {
      const std::uint64_t slot = slot_of(table, level, address);
      const bool last = level == F::levels.size() - 1;
      if (level == at_level) {
        ram.bytes.put(slot, static_cast<typename F::entry_type>(encode_(true, last, to)));
        return;
      }
      if (made_.count(slot) == 0) {
        made_[slot] = take();
        ram.bytes.put(slot, static_cast<typename F::entry_type>(encode_(false, last, made_[slot])));
      }
      table = made_[slot];
    }
  }
  /// Writes an entry as it is into the root.
  void put_root(std::uint64_t address, std::uint64_t entry) {
    ram.bytes.put(slot_of(root_, 0, address), static_cast<typename F::entry_type>(entry));
  }

  [[nodiscard]] translation find(std::uint64_t address) const {
    return walk_pages<F>(ram, physical_address{root_}, virtual_address{address});
  }
  [[nodiscard]] std::uint64_t root() const { return root_; }

  synthetic_ram ram;

 private:
  std::uint64_t slot_of(std::uint64_t table, std::size_t level, std::uint64_t address) const {
    const paging_level here = F::levels[level];
    return table + ((address >> here.shift) & ((1ull << here.bits) - 1)) * sizeof(typename F::entry_type);
  }
  std::uint64_t take() {
    const std::uint64_t table = next_;
    for (std::uint64_t at = 0; at < 0x10000; at += 4096) ram.bytes.put(table + at, std::uint8_t{0});
    next_ += 0x10000;
    return table;
  }

  encoder encode_;
  std::uint64_t next_;
  std::uint64_t root_;
  std::map<std::uint64_t, std::uint64_t> made_;
};

/// Pages of each size at `first` and what follows, each found with all its bits, the addresses around it not.
template <class F>
void check_format(encoder encode, std::uint64_t tables_at, std::uint64_t first, std::uint64_t to,
                  std::vector<std::size_t> page_levels) {
  tables<F> made{encode, tables_at};
  const std::uint64_t apart = 1ull << F::levels[page_levels.front()].shift;
  std::uint64_t address = first;
  for (const std::size_t level : page_levels) {
    const unsigned shift = F::levels[level].shift;
    const std::uint64_t frame = to >> shift << shift;
    made.map(address, frame, level);
    const std::uint64_t inside = (1ull << shift) - 1;
    for (const std::uint64_t into : {std::uint64_t{0}, inside / 3, inside}) {
      const translation found = made.find(address + into);
      CHECK(found.code == status::ok);
      CHECK(value(found.address) == frame + into);
      CHECK(found.shift == shift);
    }
    made.ram.reads = 0;
    CHECK(made.find(address).code == status::ok);
    CHECK(made.ram.reads == level + 1);
    const translation hole = made.find(address + inside + 1);
    CHECK(hole.code == status::out_of_range);
    CHECK(hole.shift == shift);
    address += 2 * apart;
  }
  CHECK(walk_pages<F>(made.ram, physical_address{0x7'7777'0000}, virtual_address{first}).code ==
        status::malformed);
}

constexpr std::uint64_t high_tables = 0x000c'0000'0010'0000;  // 52 bits
constexpr std::uint64_t high_page = 0x000d'4321'8765'4000;

}  // namespace

TEST_CASE("x86-64 maps pages of 4 KiB, 2 MiB and 1 GiB by four levels and by five") {
  check_format<x86_64_paging<4>>(x86, high_tables, 0xffff'ffff'0000'0000, high_page, {1, 2, 3});
  check_format<x86_64_paging<4>>(x86, 0x1000, 0x0000'7ff0'0000'0000, 0x1234'5678'9000, {1, 2, 3});
  check_format<x86_64_paging<5>>(x86, high_tables, 0xff11'0000'0000'0000, high_page, {2, 3, 4});
  // the bit that selects a key for a large page is none of its address
  CHECK(x86_64_paging<4>::decode(2, 0x20'10e3).address == 0x20'0000);
}

TEST_CASE("x86-64 takes no address between the halves and no page of 512 GiB") {
  tables<x86_64_paging<4>> made{x86, 0x1000};
  made.map(0xffff'8000'0000'0000, 0x5000, 3);
  CHECK(made.find(0xffff'8000'0000'0000).code == status::ok);
  CHECK(made.find(0x0000'8000'0000'0000).code == status::out_of_range);
  made.put_root(0, 0x80 | 0x63);
  CHECK(made.find(0).code == status::out_of_range);
  CHECK(value(x86_64_paging<4>::root_of(0x8000'0000'1234'5abc)) == 0x1234'5000);
}

TEST_CASE("short descriptors map pages, large pages, sections and supersections") {
  using f = arm_short_paging;
  synthetic_ram ram;
  for (std::uint64_t at = 0x4000; at < 0x9000; at += 4096) ram.bytes.put(at, std::uint8_t{0});
  const auto find = [&](std::uint64_t address) {
    return walk_pages<f>(ram, physical_address{0x4000}, virtual_address{address});
  };
  ram.bytes.put(0x4000 + 4 * 0xc00, std::uint32_t{0x4010'040e});  // section
  ram.bytes.put(0x4000 + 4 * 0xc01, std::uint32_t{0x4020'040f});  // section that nobody executes
  for (std::uint64_t i = 0; i < 16; ++i) {  // supersection with high bits, said sixteen times
    ram.bytes.put(0x4000 + 4 * (0xc10 + i), std::uint32_t{0x8154'0402 | 0x0000'0060});
  }
  ram.bytes.put(0x4000 + 4 * 0x001, std::uint32_t{0x0000'8401});  // table in the middle of a page
  ram.bytes.put(0x8400 + 4 * 2, std::uint32_t{0x4567'847f});      // page
  ram.bytes.put(0x8400 + 4 * 16, std::uint32_t{0x4568'0475});     // large page
  CHECK(value(find(0xc000'1234).address) == 0x4010'1234);
  CHECK(value(find(0xc01f'ffff).address) == 0x402f'ffff);
  CHECK(value(find(0xc112'3456).address) == 0x35'8112'3456);
  CHECK(find(0xc112'3456).shift == 24);
  CHECK(value(find(0x0010'2abc).address) == 0x4567'8abc);
  CHECK(value(find(0x0011'0123).address) == 0x4568'0123);
  CHECK(find(0x0011'0123).shift == 16);
  CHECK(find(0x0010'3000).code == status::out_of_range);
  CHECK(find(0x0010'3000).shift == 12);
  CHECK(find(0x0020'0000).shift == 20);
  CHECK(find(0x1'c000'0000).code == status::out_of_range);
  CHECK(value(f::root_of(0x4020'406a)) == 0x4020'4000);
}

TEST_CASE("long descriptors of 32-bit ARM map 4 KiB, 2 MiB and 1 GiB") {
  check_format<arm_long_paging>(arm_long, 0x8'0000'0000, 0, 0xf'4321'8000, {0});
  check_format<arm_long_paging>(arm_long, 0x8'0000'0000, 0xc000'0000, 0xf'4321'8000, {1, 2});
  CHECK(value(arm_long_paging::root_of(0x008c'0000'4251'0340)) == 0x4251'0340);
}

TEST_CASE("AArch64 maps its pages and blocks with each size of page and width of address") {
  constexpr std::uint64_t page = 0xd123'4567'0000;
  check_format<aarch64_paging<12, 39>>(arm_long, 0x4000'0000, 0xffff'ff80'0000'0000, page, {0, 1, 2});
  check_format<aarch64_paging<12, 48>>(arm_long, 0x4000'0000, 0xffff'0000'0000'0000, page, {1, 2, 3});
  check_format<aarch64_paging<12, 48>>(arm_long, 0x4000'0000, 0x0000'aaaa'0000'0000, page, {1, 2, 3});
  check_format<aarch64_paging<14, 47>>(arm_long, 0x4000'0000, 0xffff'8000'0000'0000, page, {1, 2});
  check_format<aarch64_paging<14, 48>>(arm_long, 0x4000'0000, 0xffff'0000'0000'0000, page, {2, 3});
  check_format<aarch64_paging<16, 42>>(arm_long, 0x4000'0000, 0xffff'fc00'0000'0000, page, {0, 1});
  check_format<aarch64_paging<16, 48>>(arm_long, 0x4000'0000, 0xffff'0000'0000'0000, page, {1, 2});
}

TEST_CASE("AArch64 reaches 52 bits of physical and of virtual addresses") {
  check_format<aarch64_paging<12, 52>>(lpa2, high_tables, 0xfff0'0000'0000'0000, high_page, {1, 2, 3, 4});
  check_format<aarch64_paging<14, 52>>(lpa2, high_tables, 0xfff0'0000'0000'0000, high_page, {1, 2, 3});
  check_format<aarch64_paging<16, 52>>(lpa, high_tables, 0xfff0'0000'0000'0000, 0x000d'4321'8765'0000,
                                       {0, 1, 2});
  check_format<aarch64_paging<16, 48, true>>(lpa, high_tables, 0xffff'0000'0000'0000, 0x000d'4321'8765'0000,
                                             {1, 2});
  CHECK(value(aarch64_paging<16, 52>::root_of(0x0007'0000'4000'0034)) == 0x000d'0000'4000'0000);
  CHECK(value(aarch64_paging<12, 48>::root_of(0x0007'0000'4000'0001)) == 0x4000'0000);
}

TEST_CASE("AArch64 has no blocks above the largest nor pages that say block") {
  tables<aarch64_paging<12, 48>> made{arm_long, 0x4000'0000};
  made.map(0, 0x5000, 3);
  made.put_root(1ull << 40, 0x701);
  CHECK(made.find(0).code == status::ok);
  CHECK(made.find(1ull << 40).code == status::out_of_range);
  CHECK(aarch64_paging<12, 48>::decode(3, 0x5701).kind == entry_kind::absent);
  CHECK(aarch64_paging<14, 48>::decode(1, 0x701).kind == entry_kind::absent);
  CHECK(made.find(0x0001'0000'0000'0000).code == status::out_of_range);
}

TEST_CASE("RISC-V maps pages and superpages by three, four and five levels") {
  constexpr std::uint64_t page = 0x00ab'cdef'1234'5000;
  check_format<riscv_paging<3>>(riscv, 0x8000'0000, 0xffff'ffc0'0000'0000, page, {0, 1, 2});
  check_format<riscv_paging<4>>(riscv, 0x8000'0000, 0xffff'8000'0000'0000, page, {0, 1, 2, 3});
  check_format<riscv_paging<5>>(riscv, 0x8000'0000, 0xff00'0000'0000'0000, page, {0, 1, 2, 3, 4});
  CHECK(value(riscv_paging<3>::root_of(0x8000'1000'0008'1234)) == 0x8123'4000);
}

TEST_CASE(
    "RISC-V takes no misaligned superpage and no page that is written but not read, and knows 64 KiB runs") {
  using f = riscv_paging<3>;
  CHECK(f::decode(1, 0x1000u << 10 | 0xcf).kind == entry_kind::page);
  CHECK(f::decode(1, 0x1001u << 10 | 0xcf).kind == entry_kind::absent);
  CHECK(f::decode(2, 0x1001u << 10 | 0xc5).kind == entry_kind::absent);
  CHECK(f::decode(2, 0x1001u << 10 | 0x01).kind == entry_kind::absent);
  const page_entry run = f::decode(2, 1ull << 63 | 0x1008u << 10 | 0xcf);
  CHECK(run.shift == 16);
  CHECK(run.address == 0x100'0000);
  CHECK(f::decode(2, 1ull << 63 | 0x1004u << 10 | 0xcf).kind == entry_kind::absent);
}

TEST_CASE("tables that contain themselves end a walk after as many reads as there are levels") {
  const auto self_map = [](auto format, encoder encode) {
    using f = decltype(format);
    tables<f> made{encode, 0x10000};
    for (std::uint64_t i = 0; i < (1ull << f::levels[0].bits); ++i) {
      made.put_root(i << f::levels[0].shift, encode(false, false, made.root()));
    }
    made.ram.reads = 0;
    static_cast<void>(made.find(0));
    CHECK(made.ram.reads <= f::levels.size());
  };
  self_map(x86_64_paging<4>{}, x86);
  self_map(x86_64_paging<5>{}, x86);
  self_map(aarch64_paging<12, 48>{}, arm_long);
  self_map(riscv_paging<5>{}, riscv);
  // x86's famous self-map: the last entry of the root names the root, and the table can be read through itself
  tables<x86_64_paging<4>> made{x86, 0x10000};
  made.put_root(0xffff'ff80'0000'0000, x86(false, false, made.root()));
  CHECK(value(made.find(0xffff'ffff'ffff'f000).address) == made.root());
}

TEST_CASE("a format chosen while running walks as the one chosen when compiling") {
  tables<x86_64_paging<5>> made{x86, 0x10000};
  made.map(0xff11'0000'0000'0000, 0x7000, 4);
  CHECK(value(walk_pages(paging::x86_64_5, made.ram, physical_address{made.root()},
                         virtual_address{0xff11'0000'0000'0123})
                  .address) == 0x7123);
  for (int i = 0; i <= static_cast<int>(paging::riscv_sv57); ++i) {
    CHECK(with_format(static_cast<paging>(i), []<class F>(F) { return F::levels.size(); }) >= 2);
  }
}
