// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/elf_file.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace shoal;

/// Two segments and two sections; the second section is four bytes at 0x130.
class small_file {
 public:
  std::vector<std::byte> bytes = std::vector<std::byte>(0x134);

  small_file() {
    put(0, 0x464c457f, 4).put(4, 0x0102, 2);
    put(16, 2, 2).put(18, 62, 2).put(20, 1, 4).put(24, 0x100000, 8);
    put(32, 0x40, 8).put(40, 0xb0, 8).put(52, 64, 2).put(54, 56, 2).put(56, 2, 2).put(58, 64, 2).put(60, 2, 2);
    put(0x78, 1, 4).put(0x7c, 5, 4).put(0x80, 0x130, 8).put(0x88, 0x100000, 8);
    put(0x98, 4, 8).put(0xa0, 0x20, 8).put(0xa8, 0x1000, 8);
    put(0xf4, 3, 4).put(0x108, 0x130, 8).put(0x110, 4, 8);
    put(0x130, 0x21636261, 4);
  }
  small_file& put(std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::byte>(value >> 8 * i & 0xff);
    return *this;
  }
  [[nodiscard]] status parsed() const { return elf_file::parse(bytes, elf_width::wide).code; }
  [[nodiscard]] status second_section() const { return elf_file::parse(bytes)->section(1).code; }
};

TEST_CASE("segments and sections are those that the file has") {
  small_file file;
  const status_or<elf_file> read = elf_file::parse(file.bytes);
  REQUIRE(read);
  CHECK(read->head().type == elf_head::executable);
  CHECK(read->head().machine == 62);
  CHECK(read->head().entry == 0x100000);
  REQUIRE(read->head().segment_count == 2);
  const elf_segment text = read->segment(1);
  CHECK(text.type == elf_segment::load);
  CHECK((text.flags & elf_segment::executable) != 0);
  CHECK((text.flags & elf_segment::writable) == 0);
  CHECK(text.address == 0x100000);
  CHECK(text.memory_bytes == 0x20);
  CHECK(text.alignment == 0x1000);
  const status_or<elf_section> names = read->section(1);
  REQUIRE(names);
  CHECK(names->type == elf_section::strings);
  CHECK(as_text(*read->content(text)) == "abc!");
  CHECK(as_text(*read->content(*names)) == "abc!");
  CHECK(read->section(2).code == status::out_of_range);
}

TEST_CASE("tables that are not all in the file are refused") {
  CHECK(small_file{}.parsed() == status::ok);
  CHECK(small_file{}.put(32, 0x134 - 111, 8).parsed() == status::truncated);
  CHECK(small_file{}.put(32, ~std::uint64_t{0} - 55, 8).parsed() == status::truncated);
  CHECK(small_file{}.put(56, 65, 2).parsed() == status::limit_exceeded);
  CHECK(small_file{}.put(54, 32, 2).parsed() == status::malformed);
  CHECK(small_file{}.put(54, 32, 2).put(56, 0, 2).parsed() == status::ok);  // none need no size
  CHECK(small_file{}.put(4, 1, 1).parsed() == status::unsupported);
  CHECK(small_file{}.put(5, 2, 1).parsed() == status::unsupported);
  CHECK(small_file{}.put(0, 0, 1).parsed() == status::malformed);

  CHECK(small_file{}.second_section() == status::ok);
  CHECK(small_file{}.put(58, 40, 2).second_section() == status::malformed);
  CHECK(small_file{}.put(60, 0xffff, 2).second_section() == status::truncated);
  CHECK(small_file{}.put(40, ~std::uint64_t{0} - 127, 8).second_section() == status::truncated);
  CHECK(small_file{}.put(60, 0, 2).second_section() == status::out_of_range);
}

TEST_CASE("what lies behind the file's end is not given") {
  small_file file;
  const auto content = [&file] {
    const status_or<elf_file> read = elf_file::parse(file.bytes);
    return read->content(*read->section(1)).code;
  };
  CHECK(content() == status::ok);
  file.put(0x110, 5, 8);
  CHECK(content() == status::truncated);
  file.put(0x110, ~std::uint64_t{0}, 8);
  CHECK(content() == status::truncated);
  file.put(0x108, ~std::uint64_t{0}, 8);
  CHECK(content() == status::truncated);
}

TEST_CASE("entries of 32 bits have their fields elsewhere") {
  std::vector<std::byte> entry(64);
  for (std::size_t i = 0; i < entry.size(); ++i) entry[i] = static_cast<std::byte>(i);
  const auto word = [&](std::size_t at) { return load_le<std::uint32_t>(entry.data() + at); };
  const elf_segment segment = elf_segment::decode(entry, false);
  CHECK((segment.type == word(0) && segment.offset == word(4) && segment.address == word(8)));
  CHECK((segment.physical_address == word(12) && segment.file_bytes == word(16)));
  CHECK((segment.memory_bytes == word(20) && segment.flags == word(24) && segment.alignment == word(28)));
  const elf_section section = elf_section::decode(entry, false);
  CHECK((section.name == word(0) && section.type == word(4) && section.flags == word(8)));
  CHECK((section.address == word(12) && section.offset == word(16) && section.size == word(20)));
  CHECK((section.link == word(24) && section.info == word(28) && section.entry_size == word(36)));
  const elf_symbol symbol = elf_symbol::decode(entry, false);
  CHECK((symbol.name == word(0) && symbol.address == word(4) && symbol.size == word(8)));
  CHECK((symbol.kind == 12 && symbol.local && symbol.section == 0x0f0e));
}

}  // namespace
