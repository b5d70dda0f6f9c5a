// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/unikernel_check.hpp>
#include <shoal/vmi/unikernel_image.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/image_memory.hpp>

namespace {

using namespace shoal;
using namespace shoal::vmi;
using namespace std::string_view_literals;

std::string number(std::uint64_t value, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += i < 8 ? static_cast<char>(value >> 8 * i & 0xff) : '\0';
  return text;
}

struct segment {
  std::uint32_t flags = 4;
  std::uint64_t address = 0;
  std::string bytes;
  std::uint64_t memory_bytes = 0;  // 0: as many as there are bytes
  std::uint64_t alignment = 0x1000;
};
struct symbol {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  unsigned info = 0x11;  // a global object
  std::uint16_t section = 1;
};

/// A file with these, and the numbers of its tables as a test wants them.
struct elf {
  std::vector<segment> segments{{.flags = 5, .address = 0x100000, .bytes = std::string(0x1800, 'c')},
                                {.flags = 4, .address = 0x102000, .bytes = "constants"},
                                {.flags = 6, .address = 0x103000, .bytes = "data", .memory_bytes = 0x1000}};
  std::vector<symbol> symbols{{"start", 0x100000, 0x40, 0x12}, {"step", 0x100040, 0x100, 0x12},
                              {"table", 0x102000, 9, 0x11},    {"count", 0x103000, 4},
                              {"state", 0x103008, 12, 0x01},   {"label", 0x103020, 0, 0x10}};
  std::uint64_t symbols_size = 0;  // 0: as large as it is
  std::uint64_t entry_size = 24;
  std::uint32_t link = 2;
  std::string cut_names;  // at the end of the table of names

  [[nodiscard]] std::string text() const {
    std::string names(1, '\0');
    std::string table(24, '\0');
    for (const symbol& each : symbols) {
      table += number(names.size(), 4) + number(each.info, 1) + number(0, 1) + number(each.section, 2) +
               number(each.address, 8) + number(each.size, 8);
      names += each.name + '\0';
    }
    names += cut_names;
    std::string headers;
    std::string content;
    const std::size_t content_at = 64 + 56 * segments.size();
    for (const segment& each : segments) {
      headers += number(1, 4) + number(each.flags, 4) + number(content_at + content.size(), 8) +
                 number(each.address, 8) + number(each.address, 8) + number(each.bytes.size(), 8) +
                 number(each.memory_bytes == 0 ? each.bytes.size() : each.memory_bytes, 8) +
                 number(each.alignment, 8);
      content += each.bytes;
    }
    const std::size_t table_at = content_at + content.size();
    const std::size_t sections_at = table_at + table.size() + names.size();
    const auto section = [](std::uint32_t type, std::size_t at, std::uint64_t size, std::uint32_t to,
                            std::uint64_t entry) {
      return number(0, 4) + number(type, 4) + number(0, 16) + number(at, 8) + number(size, 8) + number(to, 4) +
             number(0, 12) + number(entry, 8);
    };
    const std::string sections =
        std::string(64, '\0') +
        section(2, table_at, symbols_size == 0 ? table.size() : symbols_size, link, entry_size) +
        section(3, table_at + table.size(), names.size(), 0, 0);
    return std::string("\177ELF\2\1\1", 7) + std::string(9, '\0') + number(2, 2) + number(62, 2) +
           number(1, 4) + number(0x100000, 8) + number(64, 8) + number(sections_at, 8) + number(0, 4) +
           number(64, 2) + number(56, 2) + number(segments.size(), 2) + number(64, 2) + number(3, 2) +
           number(2, 2) + headers + content + table + names + sections;
  }
};

/// A machine with a unikernel in it, and what its file says.
struct machine {
  std::string file;
  std::vector<std::byte> ram = std::vector<std::byte>(0x200000);
  result<unikernel_image> image = errc::failed;

  explicit machine(const elf& of = {}) : file(of.text()), image(unikernel_image::parse(as_bytes(file))) {
    for (const segment& each : of.segments)
      std::memcpy(ram.data() + each.address, each.bytes.data(), each.bytes.size());
  }
  [[nodiscard]] image_memory<bytes_source> memory(std::size_t size = 0x200000) const {
    return *image_memory<bytes_source>::make(bytes_source{bytes_view{ram}.first(size)}, raw_regions(size));
  }
  [[nodiscard]] std::vector<finding> check() const { return check_unikernel(memory(), *image); }
};

std::error_code parsed(const elf& of) {
  const std::string file = of.text();
  const auto read = unikernel_image::parse(as_bytes(file));
  return read ? std::error_code{} : read.error();
}

TEST_CASE("nothing is found in a unikernel as its file has it") {
  machine here;
  REQUIRE(here.image);
  REQUIRE(here.image->constants().size() == 2);
  CHECK(here.image->constants()[0].executable);
  CHECK(here.image->constants()[0].size == 0x2000);
  CHECK_FALSE(here.image->constants()[1].executable);
  CHECK(here.image->symbol_count() == 6);
  CHECK(here.check().empty());
  here.ram[0x103000] = std::byte{1};  // a variable
  here.ram[0x1000ff - 0x1000] = std::byte{1};
  CHECK(here.check().empty());
}

TEST_CASE("changed text is told with the function and how far into it") {
  machine here;
  here.ram[0x100044] = std::byte{0xcc};
  here.ram[0x100050] = std::byte{0x90};
  const std::vector<finding> found = here.check();
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::code_changed);
  CHECK(value(found[0].where) == 0x100044);
  CHECK(found[0].subject == "step+0x4");
  CHECK(found[0].detail == "0x100044 is 0xcc, in the file 0x63; 1 more in this page are not the file's");
}

TEST_CASE("each page that changed is told, and constants apart from text") {
  machine here;
  here.ram[0x100000] = std::byte{0};
  here.ram[0x101000] = std::byte{0};
  here.ram[0x102008] = std::byte{'S'};
  const std::vector<finding> found = here.check();
  REQUIRE(found.size() == 3);
  CHECK(found[0].subject == "start");
  CHECK(found[1].subject == "0x101000");  // behind all functions
  CHECK(found[2].kind == finding_kind::constant_changed);
  CHECK(found[2].subject == "table+0x8");
  CHECK(found[2].detail == "0x102008 is 0x53, in the file 0x73");
}

TEST_CASE("code that is put behind the text, where its page is empty, is found") {
  machine here;
  here.ram[0x101fff] = std::byte{0xc3};
  const std::vector<finding> found = here.check();
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::code_changed);
  CHECK(found[0].detail == "0x101fff is 0xc3, in the file 0x0");
}

TEST_CASE("memory that is not there cannot be read, which is told once for each area") {
  machine here;
  std::vector<finding> found = check_unikernel(here.memory(0x101000), *here.image);
  REQUIRE(found.size() == 2);
  CHECK(found[0].kind == finding_kind::unreadable);
  CHECK(found[0].subject == "text");
  CHECK(found[0].detail == "there is no memory at 0x101000");
  CHECK(found[1].subject == "constants");
  // 4 GiB of zeros that a file may ask for are not looked for page by page
  elf large;
  large.segments = {{.flags = 4, .address = 0, .bytes = "x", .memory_bytes = 0x1'0000'0000}};
  const machine other{large};
  REQUIRE(other.image);
  found = check_unikernel(here.memory(0x1000), *other.image);
  REQUIRE(found.size() == 2);
  CHECK(found[1].kind == finding_kind::unreadable);
}

TEST_CASE("a global is read by its name, as a number where it is as large as one") {
  machine here;
  std::memcpy(here.ram.data() + 0x103000, "\xfe\xff\xff\xff", 4);
  std::memcpy(here.ram.data() + 0x103008, "0123456789ab", 12);
  const auto count = here.image->find("count");
  REQUIRE(count);
  const auto is = read_global(here.memory(), *count);
  REQUIRE(is);
  REQUIRE(is->is_number());
  CHECK(is->number() == 0xfffffffe);
  CHECK(is->signed_number() == -2);
  CHECK(is->text() == "4294967294");
  const auto state = here.image->find("state");
  REQUIRE(state);
  const auto bytes = read_global(here.memory(), *state);
  REQUIRE(bytes);
  CHECK_FALSE(bytes->is_number());
  CHECK(bytes->text() == "30 31 32 33 34 35 36 37 38 39 61 62");
  CHECK(read_global(here.memory(), *here.image->find("label")).code == status::unsupported);
  CHECK(read_global(here.memory(0x103002), *count).code == status::out_of_range);
  CHECK(read_global(here.memory(), {physical_address{0}, 65, "large"}).code == status::limit_exceeded);
  CHECK(here.image->find("coun").error() == errc::not_found);
  CHECK(here.image->find("count\0"sv).error() == errc::not_found);
  CHECK(here.image->find("").error() == errc::not_found);
}

TEST_CASE("numbers of every size are read with and without their sign") {
  machine here;
  std::memset(here.ram.data() + 0x103000, 0xff, 8);
  for (const std::uint64_t size : {1u, 2u, 4u, 8u}) {
    const auto is = read_global(here.memory(), {physical_address{0x103000}, size, "x"});
    REQUIRE(is);
    CHECK(is->number() == ~std::uint64_t{0} >> (64 - 8 * size));
    CHECK(is->signed_number() == -1);
  }
}

TEST_CASE("a name that several sources have is not guessed at, and a global goes before it") {
  elf of;
  of.symbols = {{"x", 0x103000, 4, 0x01}, {"y", 0x103004, 4, 0x01}, {"y", 0x103008, 4, 0x01},
                {"z", 0x103000, 4, 0x01}, {"z", 0x103010, 4, 0x11}, {"w", 0x103014, 4, 0x21}};
  const machine here{of};
  CHECK(here.image->find("x")->address == physical_address{0x103000});
  CHECK(here.image->find("y").error() == errc::invalid_argument);
  CHECK(here.image->find("z")->address == physical_address{0x103010});
  CHECK(here.image->find("w")->address == physical_address{0x103014});
}

TEST_CASE("an address belongs to the largest symbol at the nearest place, as far as it reaches") {
  elf of;
  of.symbols = {{"mark", 0x100000, 0, 0x10},
                {"start", 0x100000, 8, 0x12},
                {"end", 0x100010, 0, 0x10},
                {"file", 0x100020, 8, 0x04}};
  const machine here{of};
  const auto name = [&](std::uint64_t at) { return describe(*here.image, physical_address{at}); };
  CHECK(name(0xfffff) == "0xfffff");
  CHECK(name(0x100000) == "start");
  CHECK(name(0x100007) == "start+0x7");
  CHECK(name(0x100008) == "0x100008");
  CHECK(name(0x100020) == "end+0x10");  // the name of a source file is none of an address
}

TEST_CASE("a range of values is read with its signs") {
  CHECK(global_range::parse("0..100")->text() == "0..100");
  CHECK(global_range::parse("-2..-1")->text() == "-2..-1");
  CHECK(global_range::parse("7..7"));
  CHECK(global_range::parse("0..18446744073709551615")->most == ~std::uint64_t{0});
  CHECK(global_range::parse("-9223372036854775808..9223372036854775807"));
  for (const char* const text :
       {"", "..", "1", "1..", "..1", "2..1", "-1..-2", "1.5..2", "0..18446744073709551616", "0..-1", "1..2..3",
        " 1..2", "0x1..2", "-1..9223372036854775808", "+1..2"}) {
    CAPTURE(text);
    CHECK_FALSE(global_range::parse(text));
  }
}

TEST_CASE("a number outside of its range is found") {
  machine here;
  const unikernel_symbol count = *here.image->find("count");
  const auto check = [&](const char* range) {
    return check_global(here.memory(), count, *global_range::parse(range));
  };
  std::memset(here.ram.data() + 0x103000, 0, 4);
  CHECK_FALSE(check("0..0"));
  std::memset(here.ram.data() + 0x103000, 0xff, 4);
  CHECK_FALSE(check("-1..1"));
  CHECK_FALSE(check("0..4294967295"));
  const auto found = check("0..7");
  REQUIRE(found);
  CHECK(found->kind == finding_kind::global_outside);
  CHECK(value(found->where) == 0x103000);
  CHECK(found->subject == "count");
  CHECK(found->detail == "it is 4294967295, not in 0..7");
  CHECK(check("-9..-2")->detail == "it is -1, not in -9..-2");
  CHECK(check_global(here.memory(), *here.image->find("state"), *global_range::parse("0..1"))->kind ==
        finding_kind::unreadable);
  CHECK(check_global(here.memory(0x103000), count, *global_range::parse("0..1"))->kind ==
        finding_kind::unreadable);
}

TEST_CASE("segments that no loader would take are refused") {
  CHECK_FALSE(parsed({}));
  const auto with = [](std::size_t i, auto change) {
    elf of;
    change(of.segments[i]);
    return parsed(of);
  };
  CHECK(with(1, [](segment& s) { s.address = 0x101000; }) == errc::malformed);  // on the text's second page
  CHECK(with(1, [](segment& s) { s.address = 0x90000; }) == errc::malformed);   // descends
  CHECK(with(2, [](segment& s) { s.alignment = 0x4000; }) == errc::malformed);  // begins on the constants' page
  CHECK(with(0, [](segment& s) { s.alignment = 0; }) == errc::malformed);
  CHECK(with(0, [](segment& s) { s.alignment = std::uint64_t{1} << 63; }) == errc::malformed);
  CHECK(with(0, [](segment& s) { s.memory_bytes = 1; }) == errc::malformed);
  CHECK(with(2, [](segment& s) { s.memory_bytes = 4_GiB; }) == errc::out_of_range);
  CHECK(with(2, [](segment& s) { s.memory_bytes = ~std::uint64_t{0}; }) == errc::out_of_range);
  CHECK(with(2, [](segment& s) { s.address = ~std::uint64_t{0}; }) == errc::out_of_range);
}

TEST_CASE("hostile tables of symbols are refused, or their symbols left out") {
  const auto with = [](auto change) {
    elf of;
    change(of);
    return parsed(of);
  };
  CHECK(with([](elf& f) { f.symbols_size = 1ull << 32; }) == errc::truncated);
  CHECK(with([](elf& f) { f.symbols_size = ~std::uint64_t{0}; }) == errc::truncated);
  CHECK(with([](elf& f) { f.entry_size = 0; }) == errc::malformed);
  CHECK(with([](elf& f) { f.link = 1; }) == errc::malformed);
  CHECK(with([](elf& f) { f.link = 0xffffffff; }) == errc::malformed);
  CHECK_FALSE(with([](elf& f) { f.symbols.clear(); }));

  elf of;
  of.symbols = {{"outside", 0x200000, 4},
                {"before", 0xfffff, 4},
                {"across", 0x103ffd, 4},
                {"wraps", ~std::uint64_t{0}, 2},
                {"huge", 0x103000, 1ull << 63},
                {"elsewhere", 0x103000, 4, 0x11, 0},
                {"absolute", 0x103000, 4, 0x11, 0xfff1},
                {"thread", 0x103000, 4, 0x16},
                {"", 0x103000, 4}};
  of.cut_names = "last";  // without an end
  const machine here{of};
  REQUIRE(here.image);
  CHECK(here.image->symbol_count() == 0);
  CHECK_FALSE(here.image->at(physical_address{0x103000}));
}

TEST_CASE("a name without an end, and one of any length, end where the file does") {
  elf of;
  of.symbols = {{std::string(2000, 'n'), 0x103000, 4}};
  std::string file = of.text();
  const auto image = unikernel_image::parse(as_bytes(file));
  REQUIRE(image);
  CHECK(image->find(std::string(2000, 'n'))->name.size() == max_symbol_name);
  CHECK_FALSE(image->find(std::string(1999, 'n')));
}

TEST_CASE("a file is refused wherever it is cut") {
  elf of;
  of.segments[0].bytes.resize(64);
  const std::string good = of.text();
  REQUIRE(unikernel_image::parse(as_bytes(good)));
  for (std::size_t n = 0; n < good.size(); ++n) {
    const std::string cut = good.substr(0, n);
    CHECK(unikernel_image::parse(as_bytes(cut)).error() == errc::truncated);
  }
  std::string stripped = good;
  stripped[60] = '\0';  // no sections
  const auto image = unikernel_image::parse(as_bytes(stripped));
  REQUIRE(image);
  CHECK(image->constants().size() == 2);
  CHECK(image->symbol_count() == 0);
}

}  // namespace
