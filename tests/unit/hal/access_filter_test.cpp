// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/access_filter.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>

using namespace shoal::hal;

namespace {

constexpr access_record at(std::uint64_t address, std::uint8_t width = 4,
                           shoal::hal::access what = access::load, std::uint64_t value = 0) {
  access_record record;
  record.address = address;
  record.value = value;
  record.what = what;
  record.width = width;
  return record;
}

}  // namespace

TEST_CASE("a range wants what touches it with any byte") {
  constexpr address_range range{bus_address{0x100}, 8};
  static_assert(range.wants(at(0x100)) && range.wants(at(0x104)));
  CHECK(range.wants(at(0x107, 1)));
  CHECK_FALSE(range.wants(at(0x108, 1)));
  CHECK_FALSE(range.wants(at(0xff, 1)));
  CHECK(range.wants(at(0xfc, 8)));
  CHECK_FALSE(range.wants(at(0xf8, 8)));
  CHECK(range.wants(at(0xfd, 4)));
  CHECK_FALSE(range.wants(at(~std::uint64_t{0}, 1)));
  CHECK_FALSE(address_range{0x100, 0}.wants(at(0x100)));
  CHECK_FALSE(address_range{0x100, 0}.wants(at(0xfe)));
}

TEST_CASE("a range may begin at nothing and end at everything") {
  constexpr address_range first{0, 4};
  CHECK(first.wants(at(0, 1)));
  CHECK(first.wants(at(3, 8)));
  CHECK_FALSE(first.wants(at(4, 8)));
  constexpr address_range last{~std::uint64_t{0} - 3, 4};
  CHECK(last.wants(at(~std::uint64_t{0}, 1)));
  CHECK_FALSE(last.wants(at(0, 1)));
}

TEST_CASE("a line has no bytes and is one address") {
  CHECK(address_range{5, 1}.wants(at(5, 0, access::line_set)));
  CHECK_FALSE(address_range{5, 1}.wants(at(4, 0, access::line_set)));
  CHECK(address_range{5, 1}.wants(at(2, 4, access::lines_set)));
  CHECK_FALSE(address_range{5, 1}.wants(at(2, 3, access::lines_set)));
}

TEST_CASE("kinds are chosen one by one, or as reads and writes") {
  for (const shoal::hal::access what : {access::load, access::in, access::line_get, access::lines_get}) {
    CHECK(reads.wants(at(0, 1, what)));
    CHECK_FALSE(writes.wants(at(0, 1, what)));
  }
  for (const shoal::hal::access what : {access::store, access::out, access::line_set, access::line_request,
                                        access::line_release, access::lines_set}) {
    CHECK(writes.wants(at(0, 1, what)));
    CHECK(is_write(what));
    CHECK_FALSE(reads.wants(at(0, 1, what)));
  }
  CHECK_FALSE(reads.wants(at(0, 0, access::lost)));
  CHECK_FALSE(writes.wants(at(0, 0, access::lost)));
  CHECK(access_kinds{access::lost, access::line_event}.wants(at(0, 0, access::line_event)));
  CHECK_FALSE(access_kinds{}.wants(at(0)));
}

TEST_CASE("a value is compared under a mask") {
  constexpr value_bits command{0xf0, 0x3f};
  CHECK(command.wants(at(0, 1, access::out, 0x30)));
  CHECK(command.wants(at(0, 1, access::out, 0x3e)));
  CHECK_FALSE(command.wants(at(0, 1, access::out, 0x20)));
  CHECK(value_bits{0, 7}.wants(at(0)));
}

TEST_CASE("filters are made of filters") {
  constexpr any_of chosen{address_range{0x40, 4}, all_of{writes, address_range{0x70, 2}, value_bits{0xff, 11}}};
  CHECK(chosen.wants(at(0x41, 1)));
  CHECK(chosen.wants(at(0x70, 1, access::out, 11)));
  CHECK_FALSE(chosen.wants(at(0x70, 1, access::out, 12)));
  CHECK_FALSE(chosen.wants(at(0x70, 1, access::in, 11)));
  constexpr none_of others{chosen};
  CHECK_FALSE(others.wants(at(0x41, 1)));
  CHECK(others.wants(at(0x80, 1)));
  CHECK(all_of<>{}.wants(at(0)));
  CHECK_FALSE(any_of<>{}.wants(at(0)));
  CHECK(none_of<>{}.wants(at(0)));
}

TEST_CASE("a window goes where its BAR goes, and its filter sees offsets") {
  bar_window bar{bus_address{0xfebc'0000}, 0x20000, any_of{address_range{0x8, 4}, address_range{0x1fffc, 4}}};
  CHECK(bar.wants(at(0xfebc'0008)));
  CHECK(bar.wants(at(0xfebd'fffc)));
  CHECK_FALSE(bar.wants(at(0xfebc'000c)));
  CHECK_FALSE(bar.wants(at(0x8)));
  bar.move_to(bus_address{0xe000'0000});
  CHECK_FALSE(bar.wants(at(0xfebc'0008)));
  CHECK(bar.wants(at(0xe000'0008)));
  bar.disable();
  CHECK_FALSE(bar.wants(at(0xe000'0008)));
  bar.move_to(port_address{0xc000});
  CHECK(bar.wants(at(0xc008, 1, access::in)));
  CHECK_FALSE(bar.wants(at(0xbff8, 4)));
}
