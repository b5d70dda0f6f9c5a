// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/find_linux.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/vmi/image_memory.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

using ram = image_memory<bytes_source>;

constexpr std::uint64_t base = 0x4000'0000;

/// 16 MiB of memory of a machine of ARM.
class machine {
 public:
  template <class T>
  void put(std::uint64_t address, T number) {
    store_le(bytes_.data() + static_cast<std::size_t>(address - base), number);
  }
  [[nodiscard]] ram memory() const {
    return *ram::make(bytes_source{bytes_}, raw_regions(bytes_.size(), physical_address{base}));
  }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(16 << 20);
};

found_kallsyms symbols(std::uint64_t begin, std::uint64_t end, std::uint64_t tokens) {
  found_kallsyms out;
  REQUIRE(out.tables.symbols.add(virtual_address{begin}, 'T', "_stext") == status::ok);
  REQUIRE(out.tables.symbols.add(virtual_address{end}, 'D', "_etext") == status::ok);
  out.tables.symbols.finish();
  out.tokens = physical_address{tokens};
  return out;
}

/// The first 16 MiB in sections from 3 GiB on.
void put_short_root(machine& m, std::uint64_t root) {
  for (std::uint32_t i = 0; i < 16; ++i)
    m.put(root + 4 * (0xc00 + i), (static_cast<std::uint32_t>(base) + (i << 20)) | 0x40e);
}

}  // namespace

TEST_CASE("of the tables of 32-bit ARM the kernel's own are taken, right before its code") {
  machine m;
  for (const std::uint64_t root : {0x4000'8000u, 0x4020'4000u, 0x4080'0000u}) put_short_root(m, root);
  const auto place =
      find_arm_kernel(m.memory(), symbols(0xc030'0000, 0xc060'0000, 0x4068'1234), pointer_width::four);
  REQUIRE(place);
  CHECK(place->format == paging::arm_short);
  CHECK(value(place->root) == 0x4020'4000);
  CHECK(value(place->text) == 0xc030'0000);
  CHECK(value(place->text_at) == 0x4030'0000);
}

TEST_CASE("long descriptors of 32-bit ARM are not taken for short ones") {
  machine m;
  // three levels: a root of four entries, then 2 MiB a step
  m.put(0x4020'3000 + 8 * 3, std::uint64_t{0x8000'0040'2070'03});
  for (std::uint64_t i = 0; i < 8; ++i) m.put(0x4020'7000 + 8 * i, (base + (i << 21)) | 0x711);
  // as sections, one entry of another table would hold text and symbols both, were the text so short
  m.put(0x40a0'0000 + 4 * 0xc04, std::uint32_t{0x4060'040e});
  const auto place =
      find_arm_kernel(m.memory(), symbols(0xc040'0000, 0xc060'0000, 0x4068'1234), pointer_width::four);
  REQUIRE(place);
  CHECK(place->format == paging::arm_long);
  CHECK(value(place->root) == 0x4020'3000);
  CHECK(value(place->text_at) == 0x4040'0000);
  const auto longer = symbols(0xc040'0000, 0xc080'0000, 0x4068'1234);
  CHECK_FALSE(find_arm_kernel(m.memory(), longer, pointer_width::four));
}

TEST_CASE("of the tables of 64-bit ARM those that map the most are taken") {
  machine m;
  constexpr std::uint64_t text = 0xffff'dbce'c880'0000;
  const auto put_root = [&](std::uint64_t root) {
    const std::uint64_t indices[3] = {text >> 39 & 511, text >> 30 & 511, text >> 21 & 511};
    m.put(root + 8 * indices[0], (root + 0x1000) | 3);
    m.put(root + 0x1000 + 8 * indices[1], (root + 0x2000) | 3);
    for (std::uint64_t i = 0; i < 4; ++i)
      m.put(root + 0x2000 + 8 * (indices[2] + i), (base + (i << 21)) | 0x701);
  };
  put_root(0x40c0'0000);  // of the boot
  put_root(0x40d0'0000);
  m.put(0x40d0'0000, std::uint64_t{0x40e0'0003});
  put_root(0x40e0'0000);
  const auto place =
      find_arm_kernel(m.memory(), symbols(text, text + 0x30'0000, 0x4048'1234), pointer_width::eight);
  REQUIRE(place);
  CHECK(place->format == paging::aarch64_4k_48);
  CHECK(value(place->root) == 0x40d0'0000);
}

TEST_CASE("memory without a kernel has none, and without both ends of the code none is looked for") {
  const machine m;
  CHECK(find_linux(m.memory()).error() == errc::not_found);
  found_kallsyms half;
  CHECK_FALSE(find_arm_kernel(m.memory(), half, pointer_width::eight));
}
