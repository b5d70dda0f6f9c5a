// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/symbol_table.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <shoal/vmi/system_map.hpp>

using namespace shoal;
using namespace shoal::vmi;

TEST_CASE("symbols come by name and by address, whatever order they were added in") {
  symbol_table table;
  CHECK(table.add(virtual_address{0x3000}, 'D', "data") == status::ok);
  CHECK(table.add(virtual_address{0x1000}, 'T', "text") == status::ok);
  CHECK(table.add(virtual_address{0x1000}, 't', "alias") == status::ok);
  table.finish();
  REQUIRE(table.size() == 3);
  CHECK(table[0].name == "text");
  CHECK(table.find("data")->address == virtual_address{0x3000});
  CHECK_FALSE(table.find("dat"));
  const auto at = table.at(virtual_address{0x1fff});
  REQUIRE(at);
  CHECK(at->symbol.name == "alias");
  CHECK(at->offset == 0xfff);
  CHECK_FALSE(table.at(virtual_address{0xfff}));
  CHECK(table.at(virtual_address{~0ull})->symbol.name == "data");
  CHECK(table.add(virtual_address{0}, 'T', std::string(max_symbol_name + 1, 'x')) == status::limit_exceeded);
}

TEST_CASE("a System.map is read without modules") {
  const auto table = parse_system_map(
      "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\r\n\nffffffff82a1aa40 D init_task\n"
      "ffffffffc0001000 t helper\t[module]");
  REQUIRE(table);
  CHECK(table->size() == 3);
  CHECK(table->find("fixed_percpu_data")->address == virtual_address{0});
  CHECK(table->find("init_task")->address == virtual_address{0xffff'ffff'82a1'aa40});
}

TEST_CASE("a stub of a System.map, hidden addresses and other text are no symbols") {
  constexpr std::string_view stub =
      "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n";
  CHECK(is_system_map_stub(stub));
  CHECK_FALSE(is_system_map_stub("ffffffff81000000 T _text\n"));
  CHECK(parse_system_map(stub).error() == errc::malformed);
  CHECK(parse_system_map("0000000000000000 T _text\n").error() == errc::not_found);
  CHECK(parse_system_map("").error() == errc::not_found);
  CHECK(parse_system_map("xyz T _text\n").error() == errc::malformed);
  CHECK(parse_system_map("ffffffff81000000 T ").error() == errc::malformed);
  CHECK(parse_system_map("ffffffff81000000f T _text").error() == errc::malformed);
  CHECK(parse_system_map("ffffffff81000000 TT _text").error() == errc::malformed);
}
