// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/program.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "guest_model.hpp"

namespace {

using namespace guest_model;

status parse_file(const std::vector<std::byte>& file) {
  return program::parse(file, architecture::x86_64, ram::size).code;
}
status parse(const std::vector<piece>& pieces, std::uint64_t entry = 0x100000) {
  return parse_file(elf(entry, pieces));
}

/// The usual program with one piece that is otherwise.
template <class Change>
status with(std::size_t index, Change change) {
  std::vector<piece> pieces = usual_pieces();
  change(pieces[index]);
  return parse(pieces);
}

TEST_CASE("a program is loaded where it says, with zeroes behind its data") {
  const std::vector<std::byte> file = elf(0x100002, usual_pieces());
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  ram memory;
  std::fill(memory.bytes.begin(), memory.bytes.end(), std::byte{0xff});
  REQUIRE(guest->load(memory.host) == status::ok);
  CHECK(memory.text(0x100000, 5) == "text\xff");
  CHECK(memory.text(0x101000, 9) == "constants");
  CHECK(memory.text(0x102000, 5) == std::string("data\0", 5));
  CHECK(memory.bytes[0x1037ff] == std::byte{0});
  CHECK(memory.bytes[0x103800] == std::byte{0xff});
  CHECK(memory.bytes[0xfffff] == std::byte{0xff});
  CHECK(guest->entry() == 0x100002);
  CHECK(guest->end() == 0x104000);
}

TEST_CASE("of a file so much is needed as its segments have") {
  const std::vector<std::byte> file = elf(0x100000, usual_pieces());
  std::vector<std::byte> longer = file;
  longer.resize(file.size() + 100'000);
  const std::uint64_t needed = program::bytes_needed(bytes_view{longer}.first(400));
  CHECK(needed == file.size());
  const bytes_view part = bytes_view{longer}.first(static_cast<std::size_t>(needed));
  CHECK(program::parse(part, architecture::x86_64, ram::size));
  const bytes_view less = part.first(part.size() - 1);
  CHECK(program::parse(less, architecture::x86_64, ram::size).code == status::truncated);

  constexpr std::uint64_t all = ~std::uint64_t{0};
  CHECK(program::bytes_needed(bytes_view{longer}.first(64)) == all);  // without its table of segments
  CHECK(program::bytes_needed({}) == all);
  std::vector<piece> pieces = usual_pieces();
  std::vector<std::byte> wraps = elf(0x100000, pieces);
  store_le<std::uint64_t>(wraps.data() + 64 + 8, all);  // where its first segment is
  CHECK(program::bytes_needed(wraps) == all);
}

TEST_CASE("the loader reports protections of whole pages") {
  const std::vector<std::byte> file = elf(0x100000, usual_pieces());
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  REQUIRE(guest->protections().size() == 3);
  CHECK(guest->protections()[0] == protection{0x100000, 0x101000, false, true});
  CHECK(guest->protections()[1] == protection{0x101000, 0x102000, false, false});
  CHECK(guest->protections()[2] == protection{0x102000, 0x104000, true, false});
}

TEST_CASE("text and constants are read only to calls as well") {
  const std::vector<std::byte> file = elf(0x100000, usual_pieces());
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  ram memory;
  guest_ram seen{memory.bytes, guest->protections()};
  CHECK(readable(seen, 0x100000, 0x2000));
  CHECK_FALSE(writable(seen, 0x100000, 4));
  CHECK_FALSE(writable(seen, 0x101fff, 2));
  CHECK(writable(seen, 0x102000, 2));
  CHECK(writable(seen, 0x104000, ram::size - 0x104000));  // to the last byte
  CHECK_FALSE(writable(seen, 0x104000, ram::size - 0x104000 + 1));
  CHECK_FALSE(writable(seen, 0xfffff, 2));
  CHECK(readable(seen, 0x10000, 8));       // what it is told at the start
  CHECK_FALSE(readable(seen, 0xffff, 2));  // page tables
  CHECK_FALSE(readable(seen, 0x100000, ~std::uint64_t{0}));
  CHECK(readable(seen, ~std::uint64_t{0}, 0));
}

TEST_CASE("an argument may lie where any bytes of its size may") {
  ram memory;
  const std::array text{protection{0x100000, 0x101000, false, true}};
  const std::array gap{protection{0x110000, 0x111000, false, true},
                       protection{0x111000, 0x112000, true, false}};
  const std::array most{protection{0x100000, ram::size - 0x1000, false, true}};
  const std::array all{protection{0x100000, ram::size, false, true}};
  const bytes_span bytes = memory.bytes;
  for (const guest_ram& seen :
       {memory.guest, guest_ram{bytes, text}, guest_ram{bytes, gap}, guest_ram{bytes, most},
        guest_ram{bytes, all}, guest_ram{bytes.first(0x100030)}, guest_ram{bytes.first(0x100028)},
        guest_ram{bytes.first(0x100027)}, guest_ram{bytes.first(0x8000)}, guest_ram{bytes_span{}}}) {
    const auto same = [&seen](std::uint64_t at) {
      const bytes_span slot = writable_slot<40>(seen, at);
      const status_or<bytes_span> found = writable(seen, at, 40);
      return slot.empty() ? !found : found && slot.data() == found->data() && slot.size() == 40;
    };
    for (const std::uint64_t edge :
         {std::uint64_t{0}, std::uint64_t{0x8000}, layout::boot_info, layout::program, std::uint64_t{0x101000},
          std::uint64_t{0x110000}, std::uint64_t{0x111000}, ram::size - 0x1000, ram::size, 4_GiB}) {
      for (std::uint64_t at = edge - 128; at != edge + 128; ++at) {
        if (!same(at)) FAIL_CHECK("at ", at);
      }
    }
  }
  CHECK(writable_slot<40>(memory.guest, ram::size - 40).size() == 40);
  CHECK(writable_slot<40>(memory.guest, ram::size - 39).empty());
  CHECK(writable_slot<40>(memory.host, ram::size - 40).size() == 40);  // memory that knows no protections
  CHECK(writable_slot<40>(memory.host, ram::size - 39).empty());
}

TEST_CASE("devices come from the manifest in the file") {
  manifest wanted;
  REQUIRE(wanted.add("disk", device_type::block) == status::ok);
  const std::vector<std::byte> file = elf(0x100000, usual_pieces(wanted));
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  CHECK(guest->devices().find("disk", device_type::block) == 1);
}

TEST_CASE("a segment without bytes of the file may lie anywhere in the memory") {
  std::vector<piece> pieces = usual_pieces();
  pieces.push_back({.flags = 6, .address = 0x104010, .bytes = "", .memory_bytes = 0x2000, .alignment = 16});
  const std::vector<std::byte> file = elf(0x100000, pieces);
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  CHECK(guest->end() == 0x107000);
  CHECK(guest->protections().size() == 3);
  pieces.back().memory_bytes = ram::size - 0x104010 + 1;
  CHECK(parse(pieces) == status::out_of_range);
  pieces.back().memory_bytes = ~std::uint64_t{0};
  CHECK(parse(pieces) == status::out_of_range);
}

TEST_CASE("segments that break the rules are refused") {
  CHECK(with(0, [](piece&) {}) == status::ok);
  CHECK(with(0, [](piece& p) { p.flags = 3; }) == status::unsupported);  // W and X
  CHECK(with(0, [](piece& p) { p.address = 0xff000; }) == status::out_of_range);
  CHECK(with(0, [](piece& p) { p.alignment = 0x200000; }) == status::out_of_range);  // starts below, rounded
  CHECK(with(0, [](piece& p) { p.memory_bytes = 3; }) == status::malformed);
  CHECK(with(0, [](piece& p) { p.alignment = 0; }) == status::malformed);
  CHECK(with(0, [](piece& p) { p.alignment = 0x3000; }) == status::malformed);
  CHECK(with(0, [](piece& p) { p.alignment = 16; }) == status::malformed);  // ends inside a page
  CHECK(with(0, [](piece& p) { p.alignment = std::uint64_t{1} << 63; }) == status::malformed);
  CHECK(with(0, [](piece& p) { p.memory_bytes = 0x1001; }) == status::malformed);  // into the next
  CHECK(with(1, [](piece& p) { p.address = 0x100000; }) == status::malformed);
  CHECK(with(1, [](piece& p) { p.address = 0x110000; }) == status::malformed);  // not ascending
  CHECK(with(2, [](piece& p) { p.address = ram::size; }) == status::out_of_range);
  CHECK(with(2, [](piece& p) { p.address = ~std::uint64_t{0}; }) == status::out_of_range);
  CHECK(with(2, [](piece& p) { p.memory_bytes = ~std::uint64_t{0}; }) == status::out_of_range);
  CHECK(with(2, [](piece& p) { p.memory_bytes = ram::size - 0x102000 + 1; }) == status::out_of_range);
  CHECK(with(2, [](piece& p) { p.memory_bytes = ram::size - 0x102000; }) == status::ok);
  std::vector<piece> many;
  for (std::uint64_t i = 0; i < 17; ++i)
    many.push_back({.flags = 1, .address = 0x100000 + i * 0x1000, .bytes = "x"});
  CHECK(parse(many) == status::limit_exceeded);
  CHECK(parse(std::vector<piece>(65)) == status::limit_exceeded);
}

TEST_CASE("the first instruction is one of the program's") {
  CHECK(parse(usual_pieces(), 0x100003) == status::ok);
  CHECK(parse(usual_pieces(), 0x100004) == status::out_of_range);
  CHECK(parse(usual_pieces(), 0x101000) == status::out_of_range);  // not executable
  CHECK(parse(usual_pieces(), 0) == status::out_of_range);
  CHECK(parse(usual_pieces(), ~std::uint64_t{0}) == status::out_of_range);
}

TEST_CASE("both notes have to be there, once, and be for hvt") {
  CHECK(with(3, [](piece& p) { p = abi_piece(2); }) == status::unsupported);
  CHECK(with(3, [](piece& p) { p = abi_piece(1, 1); }) == status::unsupported);
  CHECK(with(3, [](piece& p) { p.type = 5; }) == status::unsupported);
  CHECK(with(4, [](piece& p) { p.type = 5; }) == status::unsupported);
  CHECK(with(4, [](piece& p) { p = abi_piece(); }) == status::malformed);
  CHECK(with(4, [](piece& p) { p.bytes.pop_back(); }) == status::truncated);
  CHECK(with(4, [](piece& p) { p.bytes[4] = '\0'; }) != status::ok);           // the descriptor is shorter
  CHECK(with(4, [](piece& p) { p.bytes[15] = 'X'; }) == status::unsupported);  // somebody else's note
  CHECK(with(4, [](piece& p) { p.bytes.resize(10); }) == status::unsupported);
  std::vector<piece> pieces = usual_pieces();
  pieces.insert(pieces.begin() + 3, {.type = 4, .address = 0, .bytes = std::string(40, '\1')});
  CHECK(parse(pieces) == status::ok);
}

TEST_CASE("a file is refused for another machine, and wherever it is cut") {
  const std::vector<std::byte> good = elf(0x100000, usual_pieces());
  REQUIRE(parse_file(good) == status::ok);
  CHECK(program::parse(good, architecture::aarch64, ram::size).code == status::unsupported);
  CHECK(program::parse(good, architecture::x86_64, ram::size + 1).code == status::invalid_argument);
  CHECK(program::parse(good, architecture::x86_64, 0).code == status::invalid_argument);
  CHECK(program::parse(good, architecture::x86_64, 4_GiB + 2_MiB).code == status::invalid_argument);
  CHECK(program::parse(good, architecture::x86_64, 4_GiB));
  CHECK(program::parse(elf(0x100000, usual_pieces(), architecture::aarch64), architecture::aarch64, ram::size));
  for (std::size_t n = 0; n < good.size(); ++n) {
    const status cut = parse_file({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)});
    CHECK(cut == status::truncated);
  }
  const auto byte = [&good](std::size_t at, unsigned value) {
    std::vector<std::byte> bad = good;
    bad[at] = static_cast<std::byte>(value);
    return parse_file(bad);
  };
  CHECK(byte(0, 0) == status::malformed);
  CHECK(byte(4, 1) == status::unsupported);   // 32 bits
  CHECK(byte(5, 2) == status::unsupported);   // big-endian
  CHECK(byte(16, 3) == status::unsupported);  // position independent
  CHECK(byte(20, 2) == status::malformed);
  CHECK(byte(39, 0xff) == status::truncated);  // the table of headers
  CHECK(byte(52, 63) == status::malformed);
  CHECK(byte(54, 55) == status::malformed);
  CHECK(byte(56, 0) == status::malformed);
}

TEST_CASE("a guest finds what it is told at the start") {
  manifest wanted;
  REQUIRE(wanted.add("disk", device_type::block) == status::ok);
  const std::vector<std::byte> file = elf(0x100000, usual_pieces(wanted));
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  ram memory;
  const boot_options options{.cycle_frequency = 2'000'000'000, .command_line = "--verbose x"};
  REQUIRE(write_boot_info(memory.host, *guest, guest->devices(), options) == status::ok);
  const auto info = memory.get<boot_info>(0x10000);
  CHECK(info.memory_size == ram::size);
  CHECK(info.kernel_end == 0x104000);
  CHECK(info.cycle_frequency == 2'000'000'000);
  CHECK(info.manifest == 0x10000 + 56);
  CHECK(info.command_line == 0x10000 + 56 + 8 + 2 * 104);
  CHECK(info.net_ring == 0);
  CHECK(memory.text(info.command_line, 12) == std::string("--verbose x\0", 12));
  CHECK(memory.text(info.manifest, guest->devices().bytes().size()) == as_text(guest->devices().bytes()));
  CHECK(write_boot_info(memory.host, *guest, manifest{}, {.command_line = std::string(8191, 'x')}) ==
        status::ok);
  CHECK(write_boot_info(memory.host, *guest, manifest{}, {.command_line = std::string(8192, 'x')}) ==
        status::limit_exceeded);
  CHECK(write_boot_info(memory.host, *guest, manifest{}, {.command_line = std::string_view{"a\0b", 3}}) ==
        status::invalid_argument);
}

TEST_CASE("memory that is smaller than was said is not written behind its end") {
  const std::vector<std::byte> file = elf(0x100000, usual_pieces());
  const status_or<program> guest = program::parse(file, architecture::x86_64, ram::size);
  REQUIRE(guest);
  std::vector<std::byte> small(0x103000);
  hal::guest_regions<1> memory;
  REQUIRE(memory.add(hal::guest_address{0}, small) == status::ok);
  CHECK(guest->load(memory) == status::out_of_range);
  CHECK(small[0x100000] == std::byte{0});
}

}  // namespace
