// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/elf_core.hpp>
#include <shoal/vmi/lime.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::vmi;

namespace {

struct load {
  std::uint32_t type;
  std::uint64_t address;
  std::vector<std::uint8_t> bytes;
};

std::vector<std::byte> make_core(const std::vector<load>& loads, bool wide, bool counted_in_section = false) {
  const std::size_t head = wide ? 64 : 52;
  const std::size_t entry = wide ? 56 : 32;
  const std::size_t table = head + 64;  // a section behind the head
  std::vector<std::byte> core(table + entry * loads.size());
  const auto put = [&](std::size_t at, auto number) { store_le(core.data() + at, number); };
  const auto put_word = [&](std::size_t at, std::uint64_t number) {
    wide ? put(at, number) : put(at, static_cast<std::uint32_t>(number));
  };
  put(0, std::uint32_t{0x464c'457f});
  core[4] = wide ? std::byte{2} : std::byte{1};
  core[5] = std::byte{1};
  put(16, std::uint16_t{4});
  put(18, std::uint16_t{62});
  put_word(wide ? 32 : 28, table);
  put_word(wide ? 40 : 32, head);
  put(wide ? 54 : 42, static_cast<std::uint16_t>(entry));
  put(wide ? 56 : 44, counted_in_section ? std::uint16_t{0xffff} : static_cast<std::uint16_t>(loads.size()));
  if (counted_in_section) put(head + (wide ? 44 : 28), static_cast<std::uint32_t>(loads.size()));
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const std::size_t at = table + entry * i;
    put(at, loads[i].type);
    put_word(at + (wide ? 8 : 4), core.size());
    put_word(at + (wide ? 24 : 12), loads[i].address);
    put_word(at + (wide ? 32 : 16), loads[i].bytes.size());
    for (const std::uint8_t each : loads[i].bytes) core.push_back(static_cast<std::byte>(each));
  }
  return core;
}

void append_lime(std::vector<std::byte>& dump, std::uint64_t first, std::uint64_t last, std::size_t bytes) {
  std::vector<std::byte> head(32);
  store_le(head.data(), lime_magic);
  store_le(head.data() + 4, std::uint32_t{1});
  store_le(head.data() + 8, first);
  store_le(head.data() + 16, last);
  dump.insert(dump.end(), head.begin(), head.end());
  dump.insert(dump.end(), bytes, std::byte{0x5a});
}

}  // namespace

TEST_CASE("an ELF core gives its pieces of memory, its machine and its notes") {
  for (const bool wide : {true, false}) {
    for (const bool in_section : {false, true}) {
      const auto bytes =
          make_core({{4, 0, {9, 9}}, {1, 0x1000, {1, 2, 3, 4}}, {1, 0x2000, {5, 6}}}, wide, in_section);
      const bytes_source source{bytes};
      const auto core = read_elf_core(source);
      REQUIRE(core);
      CHECK(core->machine == 62);
      CHECK(core->notes_size == 2);
      REQUIRE(core->regions.size() == 2);
      const auto memory = image_memory<bytes_source>::make(source, core->regions);
      REQUIRE(memory);
      CHECK(read_number<std::uint32_t>(*memory, physical_address{0x1000}).value == 0x0403'0201);
      CHECK(read_number<std::uint16_t>(*memory, physical_address{0x2000}).value == 0x0605);
    }
  }
}

TEST_CASE("a core whose end is missing gives the pieces that are there and counts the others") {
  auto bytes = make_core({{1, 0x1000, {1, 2, 3, 4}}, {1, 0x2000, {5, 6}}}, true);
  bytes.pop_back();
  const auto core = read_elf_core(bytes_source{bytes});
  REQUIRE(core);
  CHECK(core->regions.size() == 1);
  CHECK(core->missing == 1);
}

TEST_CASE("what is no core of this kind is refused") {
  const auto good = make_core({{1, 0x1000, {1}}}, true);
  for (std::size_t n = 0; n < 64 + 64 + 56; ++n) {
    CHECK(read_elf_core(bytes_source{bytes_view{good}.first(n)}).error() == errc::truncated);
  }
  auto bytes = good;
  bytes[0] = std::byte{0};
  CHECK(read_elf_core(bytes_source{bytes}).error() == errc::malformed);
  bytes = good;
  bytes[5] = std::byte{2};
  CHECK(read_elf_core(bytes_source{bytes}).error() == errc::unsupported);
  bytes = good;
  bytes[16] = std::byte{2};
  CHECK(read_elf_core(bytes_source{bytes}).error() == errc::unsupported);
  bytes = good;
  store_le(bytes.data() + 56, std::uint16_t{0xfffe});
  CHECK(read_elf_core(bytes_source{bytes}).error() == errc::limit_exceeded);
  bytes = good;
  store_le(bytes.data() + 32, ~std::uint64_t{0});
  CHECK(read_elf_core(bytes_source{bytes}).error() == errc::truncated);
}

TEST_CASE("a LiME dump gives its pieces, and of a cut one what is there") {
  std::vector<std::byte> dump;
  append_lime(dump, 0x1000, 0x100f, 16);
  append_lime(dump, 0x1'0000'0000, 0x1'0000'0007, 8);
  auto read = read_lime(bytes_source{dump});
  REQUIRE(read);
  CHECK_FALSE(read->cut);
  REQUIRE(read->regions.size() == 2);
  CHECK(read->regions[1] == ram_region{physical_address{0x1'0000'0000}, 80, 8});
  dump.resize(dump.size() - 3);
  read = read_lime(bytes_source{dump});
  REQUIRE(read);
  CHECK(read->cut);
  CHECK(read->regions[1].size == 5);
}

TEST_CASE("a LiME dump with heads that cannot be is refused") {
  CHECK(read_lime(bytes_source{{}}).error() == errc::truncated);
  std::vector<std::byte> dump;
  append_lime(dump, 0x1000, 0xfff, 0);
  CHECK(read_lime(bytes_source{dump}).error() == errc::malformed);
  dump.clear();
  append_lime(dump, 0, ~std::uint64_t{0}, 0);
  CHECK(read_lime(bytes_source{dump}).error() == errc::malformed);
  dump.clear();
  append_lime(dump, 0, 3, 4);
  dump.insert(dump.end(), 5, std::byte{0});
  CHECK(read_lime(bytes_source{dump}).error() == errc::truncated);
  dump.insert(dump.end(), 40, std::byte{0});
  CHECK(read_lime(bytes_source{dump}).error() == errc::malformed);
  dump.clear();
  for (std::uint64_t i = 0; i <= max_regions; ++i) append_lime(dump, i, i, 1);
  CHECK(read_lime(bytes_source{dump}).error() == errc::limit_exceeded);
}
