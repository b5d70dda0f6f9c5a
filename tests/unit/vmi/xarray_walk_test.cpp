// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/xarray_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/field_layout.hpp>

#include "synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;

namespace {

constexpr std::uint64_t shift_at = 0;
constexpr std::uint64_t offset_at = 1;
constexpr std::uint64_t parent_at = 8;
constexpr std::uint64_t slots_at = 16;
constexpr std::size_t max_slots = 10'000;

xarray_layout layout() {
  given_types types;
  types.add("xa_node", "shift", {shift_at, 1, 0, 0});
  types.add("xa_node", "offset", {offset_at, 1, 0, 0});
  types.add("xa_node", "parent", {parent_at, 8, 0, 0});
  types.add("xa_node", "slots", {slots_at, 64 * 8, 0, 0});
  const auto found = xarray_layout::resolve(types);
  REQUIRE(found);
  return *found;
}

/// A root of 64 steps of 64, and below its slots 0 and 3 a node each.
class tree {
 public:
  synthetic_space space;

  static constexpr std::uint64_t root = 0x1'0000;
  static constexpr std::uint64_t first = 0x1'1000;
  static constexpr std::uint64_t second = 0x1'2000;
  static constexpr std::uint64_t slot(std::uint64_t node, std::uint64_t i) { return node + slots_at + 8 * i; }

  tree() {
    add(root, 6, 0, 0);
    add(first, 0, 0, root);
    add(second, 0, 3, root);
    space.bytes.put(slot(first, 1), std::uint64_t{0x1000});
    space.bytes.put(slot(second, 63), std::uint64_t{0x2000});
    space.bytes.put(slot(second, 5), std::uint64_t{0x15});  // a value, and no pointer
  }

  void add(std::uint64_t node, std::uint8_t shift, std::uint8_t offset, std::uint64_t parent) {
    for (std::uint64_t i = 0; i < 64; ++i) space.bytes.put(slot(node, i), std::uint64_t{0});
    space.bytes.put(node + shift_at, shift);
    space.bytes.put(node + offset_at, offset);
    space.bytes.put(node + parent_at, parent);
    if (parent != 0) space.bytes.put(slot(parent, offset), node | 2);
  }

  std::vector<std::pair<std::uint64_t, std::uint64_t>> read(walk_end expected, std::uint64_t head = root | 2) {
    const xarray_layout fields = layout();
    xarray_walk walk{space, fields, virtual_address{head}, max_slots};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
    while (const auto each = walk.next()) out.emplace_back(each->index, value(each->pointer));
    CHECK(walk.end() == expected);
    return out;
  }
};

}  // namespace

TEST_CASE("pointers of an XArray are given by their index") {
  tree all;
  const auto found = all.read(walk_end::complete);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == std::pair<std::uint64_t, std::uint64_t>{1, 0x1000});
  CHECK(found[1] == std::pair<std::uint64_t, std::uint64_t>{3 * 64 + 63, 0x2000});
}

TEST_CASE("an XArray of one pointer, of none, and of one value has no node") {
  tree all;
  CHECK(all.read(walk_end::complete, 0x1000).size() == 1);
  CHECK(all.read(walk_end::complete, 0).empty());
  CHECK(all.read(walk_end::complete, 0x15).empty());
}

TEST_CASE("a node that does not say what its parent says is torn") {
  tree parent;
  parent.space.bytes.put(tree::second + parent_at, tree::first);
  CHECK(parent.read(walk_end::torn).size() == 1);
  tree offset;
  offset.space.bytes.put(tree::second + offset_at, std::uint8_t{4});
  CHECK(offset.read(walk_end::torn).size() == 1);
  tree shift;
  shift.space.bytes.put(tree::second + shift_at, std::uint8_t{6});
  CHECK(shift.read(walk_end::torn).size() == 1);
  tree head;
  head.space.bytes.put(tree::root + parent_at, tree::first);
  CHECK(head.read(walk_end::torn).empty());
  tree huge;
  huge.space.bytes.put(tree::root + shift_at, std::uint8_t{64});
  CHECK(huge.read(walk_end::torn).empty());
}

TEST_CASE("a node in all slots of another, and one that contains itself, end at once") {
  tree twice;
  for (std::uint64_t i = 0; i < 64; ++i) twice.space.bytes.put(tree::slot(tree::root, i), tree::first | 2);
  CHECK(twice.read(walk_end::torn).size() == 1);
  tree itself;
  itself.space.bytes.put(tree::slot(tree::root, 0), tree::root | 2);
  CHECK(itself.read(walk_end::torn).empty());
}

TEST_CASE("a node that is not there is unreadable") {
  tree all;
  all.space.bytes.put(tree::slot(tree::root, 3), std::uint64_t{0xdead'0002});
  CHECK(all.read(walk_end::unreadable).size() == 1);
}
