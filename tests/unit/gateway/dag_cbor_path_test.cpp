// SPDX-License-Identifier: BSL-1.0
#include <shoal/gateway/dag_cbor_path.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::cid;
using shoal::errc;
using shoal::gateway::find_in_dag_cbor;

const cid target = *cid::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");

/// {"a": {"b": [1, [2, {"x": 3}], LINK]}, "c": LINK, "d": 4}
std::vector<std::byte> document() {
  std::vector<std::byte> block;
  shoal::vector_output out{block};
  shoal::cbor::writer writer{out};
  writer.map(3);
  writer.text("a");
  writer.map(1);
  writer.text("b");
  writer.array(3);
  writer.unsigned_integer(1);
  writer.array(2);
  writer.unsigned_integer(2);
  writer.map(1);
  writer.text("x");
  writer.unsigned_integer(3);
  write_dag_cbor_link(writer, target);
  writer.text("c");
  write_dag_cbor_link(writer, target);
  writer.text("d");
  writer.unsigned_integer(4);
  return block;
}

TEST_CASE("a path leads through maps and arrays to a link") {
  const auto block = document();
  const std::vector<std::string> deep{"a", "b", "2", "rest"};
  const auto far = find_in_dag_cbor(block, deep);
  REQUIRE(far.has_value());
  CHECK(far->used == 3);
  CHECK(far->link == target);
  const std::vector<std::string> flat{"c"};
  const auto near_by = find_in_dag_cbor(block, flat);
  REQUIRE(near_by.has_value());
  CHECK(near_by->used == 1);
  CHECK(near_by->link == target);
}

TEST_CASE("a path may end inside the block") {
  const auto block = document();
  for (const std::vector<std::string>& path :
       {std::vector<std::string>{"a"}, {"a", "b"}, {"a", "b", "1", "1", "x"}, {"d"}}) {
    const auto place = find_in_dag_cbor(block, path);
    REQUIRE(place.has_value());
    CHECK(place->used == path.size());
    CHECK_FALSE(place->link);
  }
}

TEST_CASE("a path that leads nowhere is not found") {
  const auto block = document();
  for (const std::vector<std::string>& path : {std::vector<std::string>{"b"},
                                               {"a", "c"},
                                               {"a", "b", "3"},
                                               {"a", "b", "x"},
                                               {"a", "b", "-1"},
                                               {"d", "x"}}) {
    CHECK(find_in_dag_cbor(block, path).error() == errc::not_found);
  }
}

TEST_CASE("a block that is cut off is noticed") {
  const auto block = document();
  const std::vector<std::string> path{"d"};
  for (std::size_t size = 0; size < block.size(); ++size) {
    CHECK_FALSE(find_in_dag_cbor(shoal::bytes_view{block}.first(size), path).has_value());
  }
}

}  // namespace
