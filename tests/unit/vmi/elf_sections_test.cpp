// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/elf_sections.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "elf_builder.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::elf_builder;

namespace {

elf_builder with_symbols(bool wide) {
  elf_builder out{wide};
  out.symbol("vmlinux.c", 0, elf_builder::of_file, elf_builder::absolute);
  out.symbol("", elf_builder::text, elf_builder::of_section, elf_builder::in_text);
  out.symbol("$x", elf_builder::text, elf_builder::local, elf_builder::in_text);
  out.symbol(".Lloop", elf_builder::text + 4, elf_builder::local, elf_builder::in_text);
  out.symbol("elsewhere", 0, elf_builder::object, elf_builder::nowhere);
  out.symbol("jiffies", elf_builder::data + 8, elf_builder::object, elf_builder::in_data);
  out.symbol("_text", elf_builder::text, elf_builder::function, elf_builder::in_text);
  out.symbol("helper", elf_builder::text + 16, 0x02, elf_builder::in_text);
  out.symbol("banner", elf_builder::constants, elf_builder::object, elf_builder::in_constants);
  out.symbol("counts", elf_builder::zeros + 16, elf_builder::object, elf_builder::in_zeros);
  out.symbol("size", 0x40, elf_builder::local, elf_builder::absolute);
  return out;
}

std::vector<std::byte> changed(std::vector<std::byte> bytes, std::size_t at, std::uint32_t number) {
  store_le(bytes.data() + at, number);
  return bytes;
}

}  // namespace

TEST_CASE("symbols of an ELF file are those that have a name and a place, with nm's letters") {
  for (const bool wide : {true, false}) {
    const std::vector<std::byte> bytes = with_symbols(wide).bytes();
    const auto file = elf_sections::parse(bytes);
    REQUIRE(file);
    CHECK(file->head().wide == wide);
    const auto symbols = file->symbols();
    REQUIRE(symbols);
    std::string seen;
    for (std::size_t i = 0; i < symbols->size(); ++i) {
      seen += (*symbols)[i].type + std::string{(*symbols)[i].name} + ' ';
    }
    CHECK(seen == "asize T_text thelper Rbanner Djiffies Bcounts ");
    CHECK(symbols->find("counts")->address == virtual_address{elf_builder::zeros + 16});
  }
}

TEST_CASE("bytes of an ELF file come by section and by address") {
  elf_builder builder{true};
  builder.types = {std::byte{1}, std::byte{2}};
  const std::vector<std::byte> bytes = builder.bytes();
  const auto file = elf_sections::parse(bytes);
  REQUIRE(file);
  CHECK(file->bytes(".BTF").size() == 2);
  CHECK(file->bytes(".bss").empty());
  CHECK(file->bytes(".none").empty());
  CHECK(as_text(file->at(elf_builder::constants + 6)).starts_with("version 6.1.0"));
  CHECK(file->at(elf_builder::constants + builder.text_of_constants.size()).empty());
  CHECK(file->at(elf_builder::zeros).empty());
  CHECK(file->at(0).empty());
  CHECK(file->at(~std::uint64_t{0}).empty());
}

TEST_CASE("an ELF file that is cut anywhere, or points out of itself, is an error and no crash") {
  for (const bool wide : {true, false}) {
    const std::vector<std::byte> bytes = with_symbols(wide).bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(elf_sections::parse(bytes_view{bytes}.first(size)));
    }
    const std::size_t step = wide ? 64 : 40;
    const std::size_t headers = bytes.size() - 9 * step;
    const auto with = [&](std::size_t section, std::size_t at, std::uint32_t number) {
      return elf_sections::parse(changed(bytes, headers + section * step + at, number));
    };
    CHECK(with(1, wide ? 24 : 16, 0xffff'ffff).error() == errc::truncated);  // where .text is
    CHECK(with(1, wide ? 36 : 20, 0xffff'ffff).error() ==
          errc::truncated);  // its size, or the upper half of it
    std::vector<std::byte> bad = changed(bytes, headers + 5 * step + (wide ? 40 : 24), 77);  // strings: none
    CHECK(elf_sections::parse(bad)->symbols().error() == errc::malformed);
    bad = changed(bytes, headers + 5 * step + (wide ? 40 : 24), 1);  // strings: in the code
    CHECK(elf_sections::parse(bad)->symbols().error() == errc::malformed);
    bad = changed(bytes, headers + 5 * step + 4, 1);  // stripped
    CHECK(elf_sections::parse(bad)->symbols().error() == errc::not_found);
  }
}

TEST_CASE("too long names are left out, and more sections than a kernel has are not read") {
  elf_builder builder{true};
  builder.symbol(std::string(max_symbol_name + 1, 'x'), elf_builder::text, elf_builder::function,
                 elf_builder::in_text);
  std::vector<std::byte> bytes = builder.bytes();
  REQUIRE(elf_sections::parse(bytes)->symbols());
  CHECK(elf_sections::parse(bytes)->symbols()->size() == 0);
  store_le(bytes.data() + 58, std::uint16_t{63});
  CHECK(elf_sections::parse(bytes).error() == errc::malformed);
  store_le(bytes.data() + 60, static_cast<std::uint16_t>(max_elf_sections + 1));
  CHECK(elf_sections::parse(bytes).error() == errc::limit_exceeded);
  bytes[5] = std::byte{2};
  CHECK(elf_sections::parse(bytes).error() == errc::unsupported);
  bytes[0] = std::byte{'M'};
  CHECK(elf_sections::parse(bytes).error() == errc::malformed);
}
