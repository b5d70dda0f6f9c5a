// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/find_root.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/vmi/image_memory.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

using ram = image_memory<bytes_source>;

/// 4 MiB of memory at a base.
class machine {
 public:
  explicit machine(std::uint64_t base = 0) : base_(base), bytes_(4 << 20) {}

  void put(std::uint64_t address, std::uint64_t number) {
    store_le(bytes_.data() + static_cast<std::size_t>(address - base_), number);
  }
  [[nodiscard]] ram memory() const {
    return *ram::make(bytes_source{bytes_}, raw_regions(bytes_.size(), physical_address{base_}));
  }

 private:
  std::uint64_t base_;
  std::vector<std::byte> bytes_;
};

constexpr std::uint64_t table = 0x63;
constexpr std::uint64_t page2m = 0xe3;

/// A kernel on x86-64: its text 32 MiB above where the linker put it, its root at 0x10000, a process's at
/// 0x20000.
machine x86_kernel(bool five) {
  machine m;
  const std::uint64_t pud = 0x30000;
  std::uint64_t last = pud;
  if (five) {
    last = 0x40000;  // level4_kernel_pgt, with more than its last entry
    m.put(last + 8 * 511, pud | table);
    m.put(last + 8 * 508, 0x70000 | table);
  }
  m.put(0x10000 + 8 * 511, last | table);
  m.put(0x21'0000 + 8 * 511, last | table);
  m.put(0x21'0000 + 8 * 273, 0x60000 | table);
  m.put(0x20000 + 8 * 511, last | table);
  m.put(0x20000, 0x61000 | table);
  m.put(pud + 8 * 510, 0x50000 | table);
  m.put(pud + 8 * 511, 0x51000 | table);
  m.put(0x50000 + 8 * 24, 0x20'0000 | page2m);
  return m;
}

}  // namespace

TEST_CASE("a kernel on x86-64 is found by its tables, with four levels and with five") {
  for (const bool five : {false, true}) {
    const machine m = x86_kernel(five);
    const auto found = find_x86_kernels(m.memory());
    REQUIRE(found.size() == 1);
    CHECK(found[0].format == (five ? paging::x86_64_5 : paging::x86_64_4));
    CHECK(value(found[0].root) == 0x21'0000);
    CHECK(value(found[0].text) == 0xffff'ffff'8300'0000);
    CHECK(value(found[0].text_at) == 0x20'0000);
  }
}

TEST_CASE("memory without a kernel, or with tables of themselves, has none") {
  CHECK(find_x86_kernels(machine{}.memory()).empty());
  machine m;
  for (std::uint64_t at = 0; at < 0x10'0000; at += 4096) {
    for (std::uint64_t i = 0; i < 512; ++i) m.put(at + 8 * i, at | table);
  }
  CHECK(find_x86_kernels(m.memory()).empty());
  machine everywhere;
  for (std::uint64_t at = 0; at < 0x40'0000; at += 8) everywhere.put(at, 0xffff'ffff'f063);
  CHECK(find_x86_kernels(everywhere.memory()).empty());
}

TEST_CASE("a root is found by an address of the kernel and a place in its image") {
  using format = aarch64_paging<12, 48>;
  machine m{0x4000'0000};
  const std::uint64_t text = 0xffff'b0ae'3221'0000;
  std::uint64_t at = 0x4000'8000;
  for (const unsigned shift : {39u, 30u, 21u}) {
    const std::uint64_t next = at + 0x1000;
    m.put(at + 8 * (text >> shift & 511), next | 3);
    at = next;
  }
  for (std::uint64_t i = 0; i < 16; ++i)
    m.put(at + 8 * ((text >> 12 & 511) + i), (0x4020'0000 + 4096 * i) | 0x703);
  const auto roots = find_roots<format>(m.memory(), virtual_address{text}, physical_address{0x4020'8123});
  REQUIRE(roots.size() == 1);
  CHECK(value(roots[0]) == 0x4000'8000);
  CHECK(find_roots<format>(m.memory(), virtual_address{text}, physical_address{0x4021'0123}).empty());
  CHECK(find_roots<format>(m.memory(), virtual_address{text}, physical_address{0x401f'0000}).empty());
  CHECK(
      find_roots<format>(m.memory(), virtual_address{text + 0x10'0000}, physical_address{0x4020'8123}).empty());
}

TEST_CASE("roots are counted, not collected without end") {
  machine m;
  // every page maps itself at every level: all of them are roots for an address within themselves
  for (std::uint64_t at = 0; at < 0x40'0000; at += 4096) {
    m.put(at, at | 3);
    m.put(at + 8, 0x40'0003);
  }
  CHECK(
      find_roots<aarch64_paging<12, 48>>(m.memory(), virtual_address{0}, physical_address{0x40'0000}).size() <=
      max_roots);
}
