// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/address_space.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/image_memory.hpp>

#include "synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_ram;

namespace {

constexpr std::uint64_t base = 0xffff'8880'0000'0000;

/// Pages at base and base + 4096 lie apart in memory; the one behind them is mapped to nothing that is RAM.
synthetic_ram two_pages() {
  synthetic_ram ram;
  ram.bytes.put(0x1000 + 8 * 273, std::uint64_t{0x2003});
  ram.bytes.put(0x2000, std::uint64_t{0x3003});
  ram.bytes.put(0x3000, std::uint64_t{0x4003});
  ram.bytes.put(0x4000, std::uint64_t{0x9003});
  ram.bytes.put(0x4008, std::uint64_t{0x7003});
  ram.bytes.put(0x4010, std::uint64_t{0xffff'f003});
  ram.bytes.put(0x4018, std::uint64_t{0});
  ram.bytes.put(0x9ffc, std::uint32_t{0x4433'2211});
  ram.bytes.put(0x7000, std::uint32_t{0x8877'6655});
  return ram;
}

}  // namespace

TEST_CASE("a read that straddles pages takes each part from where it is") {
  const synthetic_ram ram = two_pages();
  address_space space{ram, paging::x86_64_4, physical_address{0x1000}};
  CHECK(read_number<std::uint64_t>(space, virtual_address{base + 0xffc}).value == 0x8877'6655'4433'2211);
  CHECK(read_number<std::uint8_t>(space, virtual_address{base + 0xfff}).value == 0x44);
  CHECK(read_pointer(space, virtual_address{base + 0xffc}).value == virtual_address{0x8877'6655'4433'2211});
  CHECK(read_number<std::uint32_t>(space, virtual_address{base + 0x1ffe}).code == status::out_of_range);
  CHECK(read_number<std::uint32_t>(space, virtual_address{base + 0x3000}).code == status::out_of_range);
  CHECK(read_number<std::uint32_t>(space, virtual_address{~0ull}).code == status::out_of_range);
  CHECK(space.read(virtual_address{0}, {}) == status::ok);
}

TEST_CASE("tables on both sides of a hole in an image, and at its very end, are walked as those in one piece") {
  // 0x3000 bytes of RAM, a hole, and what is behind it at 4 GiB; the root is the last page below the hole.
  std::vector<std::byte> file(0x7000);
  const auto put = [&](std::size_t at, std::uint64_t entry) {
    store_le(std::span{file}.subspan(at).data(), entry);
  };
  put(0x2000 + 8 * 511, 0x1'0000'0003);      // the last entry before the hole: table 0x3000 of the file
  put(0x3000 + 8 * 511, 0x1000 | 3);         // back below it
  put(0x1000, 0x1'0000'1000 | 3);            // and up
  put(0x4000 + 8 * 511, 0x1'0000'3000 | 3);  // the last page of all
  put(0x4000, 0x3000 | 3);                   // a page in the hole
  put(0x1008, 0x3000 | 3);                   // a table in the hole
  put(0x6ff8, 0x8877'6655'4433'2211);
  const auto memory =
      image_memory<bytes_source>::make(bytes_source{file}, split_regions(file.size(), 0x3000, 4_GiB));
  REQUIRE(memory);
  address_space space{*memory, paging::x86_64_4, physical_address{0x2000}};
  constexpr std::uint64_t there = 0xffff'ffff'c000'0000;
  CHECK(read_number<std::uint64_t>(space, virtual_address{there + 0x1f'fff8}).value == 0x8877'6655'4433'2211);
  CHECK(read_number<std::uint64_t>(space, virtual_address{there}).code == status::out_of_range);
  CHECK(space.translate(virtual_address{there}).code == status::ok);
  const translation lost = space.translate(virtual_address{there + 0x20'0000});
  CHECK(lost.code == status::malformed);
  CHECK(lost.shift == 12);
  CHECK(lost.entry == (0x3000 | 3));
  const translation absent = space.translate(virtual_address{there + 0x40'0000});
  CHECK(absent.code == status::out_of_range);
  CHECK(absent.shift == 21);
  // a root in the hole, and one whose last entry is cut off by the end of memory
  const auto from = [&](std::uint64_t root) {
    return walk_pages<x86_64_paging<4>>(*memory, physical_address{root}, virtual_address{there}).code;
  };
  CHECK(from(0x3000) == status::malformed);
  CHECK(from(0x1'0000'3001) == status::malformed);
}

TEST_CASE("a cache saves the walk until it is told to forget") {
  synthetic_ram ram = two_pages();
  address_space<synthetic_ram, direct_translation_cache<4>> space{ram, paging::x86_64_4,
                                                                  physical_address{0x1000}};
  const auto read = [&] { return read_number<std::uint32_t>(space, virtual_address{base + 0x1000}).value; };
  CHECK(read() == 0x8877'6655);
  ram.reads = 0;
  CHECK(read() == 0x8877'6655);
  CHECK(ram.reads == 1);
  ram.bytes.put(0x4008, std::uint64_t{0x9003});
  CHECK(read() == 0x8877'6655);
  space.forget();
  CHECK(read() == 0);
}

TEST_CASE("a cache tells pages that share a slot apart, and forgets however often it is told") {
  direct_translation_cache<2> cache;
  std::uint64_t frame = 0;
  CHECK_FALSE(cache.find(0, frame));
  cache.keep(2, 7);
  CHECK(cache.find(2, frame));
  CHECK(frame == 7);
  CHECK_FALSE(cache.find(0, frame));
  cache.keep(0, 8);
  CHECK_FALSE(cache.find(2, frame));
  for (int i = 0; i < 9000; ++i) {
    cache.forget();
    REQUIRE_FALSE(cache.find(0, frame));
  }
}

TEST_CASE("a batch reads what is mapped, also across pages, and says what is not") {
  const synthetic_ram ram = two_pages();
  address_space space{ram, paging::x86_64_4, physical_address{0x1000}};
  std::array<std::array<std::byte, 4>, 70> out{};
  std::array<virtual_read, 70> reads{};
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const std::uint64_t into = i % 3 == 0 ? 0xffc : i % 3 == 1 ? 0xffe : 0x3000;
    reads[i] = {virtual_address{base + into}, out[i], status::failed};
  }
  space.read_batch(reads);
  for (std::size_t i = 0; i < reads.size(); ++i) {
    CHECK(reads[i].code == (i % 3 == 2 ? status::out_of_range : status::ok));
    if (i % 3 == 0) CHECK(load_le<std::uint32_t>(out[i].data()) == 0x4433'2211);
    if (i % 3 == 1) CHECK(load_le<std::uint32_t>(out[i].data()) == 0x6655'4433);
  }
}

TEST_CASE("pointers of a 32-bit guest have four bytes") {
  synthetic_ram ram;
  ram.bytes.put(0x4000 + 4 * 0xc00, std::uint32_t{0x0000'040e});
  ram.bytes.put(0x5000, std::uint64_t{0xdead'beef'c000'1234});
  address_space space{ram, paging::arm_short, physical_address{0x4000}};
  CHECK(space.width() == pointer_width::four);
  CHECK(read_pointer(space, virtual_address{0xc000'5000}).value == virtual_address{0xc000'1234});
}
