// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/object.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/kernel_list.hpp>

#include "synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;

namespace {

using task_struct = record<"task_struct", "pid", "comm", "mm", "tasks", "policy">;
using mm_struct = record<"mm_struct", "pgd">;

given_types layouts() {
  given_types types;
  types.add("task_struct", "pid", {16, 4, 0, 0});
  types.add("task_struct", "comm", {24, 16, 0, 0});
  types.add("task_struct", "mm", {40, 8, 0, 0});
  types.add("task_struct", "tasks", {48, 16, 0, 0});
  types.add("task_struct", "policy", {65, 1, 3, 4});
  types.add("mm_struct", "pgd", {8, 8, 0, 0});
  return types;
}

constexpr std::uint64_t first = 0xffff'8880'0000'0f00;

/// Tasks 0x200 apart, linked in a ring.
synthetic_space ring(std::size_t tasks) {
  synthetic_space space;
  const auto at = [&](std::size_t i) { return first + 0x200 * (i % tasks); };
  for (std::size_t i = 0; i < tasks; ++i) {
    space.bytes.put(at(i) + 16, static_cast<std::uint32_t>(i));
    space.bytes.text(at(i) + 24, "task/" + std::to_string(i));
    space.bytes.put(at(i) + 48, at(i + 1) + 48);
    space.bytes.put(at(i + 1) + 56, at(i) + 48);
    space.bytes.put(at(i) + 65, std::uint8_t{0x57});
  }
  return space;
}

struct walked {
  std::vector<std::uint64_t> nodes;
  walk_end end;
};

template <class Walk>
walked walk_all(Walk walk) {
  walked out;
  while (const status_or<virtual_address> node = walk.next()) out.nodes.push_back(value(*node));
  CHECK_FALSE(walk.next());
  out.end = walk.end();
  return out;
}

constexpr virtual_address head{first + 48};

/// A complete tree of nodes 1 .. 2^depth - 1, node n at 0x1000 + 32 n, with n's children by their order.
struct tree {
  synthetic_space space;
  static constexpr std::uint64_t root = 0x100;

  explicit tree(unsigned depth) {
    const std::uint64_t top = 1ull << (depth - 1);
    space.bytes.put(root, at(top));
    put(top, 0, top);
  }
  static std::uint64_t at(std::uint64_t n) { return 0x1000 + 32 * n; }

 private:
  void put(std::uint64_t n, std::uint64_t above, std::uint64_t span) {
    space.bytes.put(at(n), (above == 0 ? 0 : at(above)) | (n & 1));  // with a colour
    const std::uint64_t half = span / 2;
    space.bytes.put(at(n) + 8, half == 0 ? 0 : at(n + half));
    space.bytes.put(at(n) + 16, half == 0 ? 0 : at(n - half));
    if (half == 0) return;
    put(n - half, n, half);
    put(n + half, n, half);
  }
};

}  // namespace

TEST_CASE("fields are read by name, numbers, texts, bits and pointers") {
  synthetic_space space = ring(3);
  space.bytes.put(first + 40, std::uint64_t{0x7000});
  space.bytes.put(0x7008, std::uint64_t{0xabcd});
  const auto task = task_struct::resolve(layouts());
  const auto mm = mm_struct::resolve(layouts());
  REQUIRE(task);
  REQUIRE(mm);
  const object one{space, *task, virtual_address{first}};
  CHECK(one.number<"pid">().value == 0);
  CHECK(one.number<"policy">().value == 10);
  CHECK(one.number<"comm">().code == status::unsupported);
  std::array<char, 16> text{};
  CHECK(one.text<"comm">(text).value == "task/0");
  CHECK(one.text<"comm">(std::span{text}.first(3)).value == "tas");
  CHECK(one.pointer<"pid">().code == status::unsupported);
  const auto memory = one.follow<"mm">(*mm);
  REQUIRE(memory);
  CHECK(memory->pointer<"pgd">().value == virtual_address{0xabcd});
  const object two{space, *task, virtual_address{first + 0x200}};
  CHECK_FALSE(two.follow<"mm">(*mm));
  const object nowhere{space, *task, virtual_address{0x10}};
  CHECK(nowhere.number<"pid">().code == status::out_of_range);
  CHECK_FALSE(nowhere.follow<"mm">(*mm));
  CHECK(record<"task_struct", "cred">::resolve(layouts()).error() == errc::not_found);
}

TEST_CASE("a list is walked from its head around to it") {
  synthetic_space space = ring(65);
  const auto task = task_struct::resolve(layouts());
  REQUIRE(task);
  const walked all = walk_all(list_walk{space, head, 1000});
  CHECK(all.end == walk_end::complete);
  REQUIRE(all.nodes.size() == 64);
  const object last{space, *task, task->owner<"tasks">(virtual_address{all.nodes.back()})};
  CHECK(last.number<"pid">().value == 64);
  CHECK(walk_all(list_walk{space, head, 64}).end == walk_end::complete);
  const walked cut = walk_all(list_walk{space, head, 10});
  CHECK(cut.end == walk_end::too_long);
  CHECK(cut.nodes.size() == 10);
}

TEST_CASE("lists that are torn, cyclic or lead anywhere end and say how") {
  synthetic_space space = ring(8);
  const auto link = [](std::size_t i) { return first + 0x200 * i + 48; };
  space.bytes.put(link(4), link(2));  // a circle without the head
  walked all = walk_all(list_walk{space, head, 1000});
  CHECK(all.end == walk_end::torn);
  CHECK(all.nodes.size() == 4);
  space.bytes.put(link(4), link(4));  // itself
  CHECK(walk_all(list_walk{space, head, 1000}).nodes.size() == 4);
  for (const std::uint64_t anywhere :
       {std::uint64_t{0}, std::uint64_t{16}, ~std::uint64_t{0}, ~std::uint64_t{7}, std::uint64_t{1} << 63}) {
    space.bytes.put(link(4), anywhere);
    all = walk_all(list_walk{space, head, 1000});
    CHECK(all.end == walk_end::unreadable);
    CHECK(all.nodes.size() == 4);
  }
  // one unlinked halfway: its neighbours pass it, back and forth
  space = ring(8);
  space.bytes.put(link(3), link(5));
  CHECK(walk_all(list_walk{space, head, 1000}).end == walk_end::torn);
  space.bytes.put(link(5) + 8, link(3));
  all = walk_all(list_walk{space, head, 1000});
  CHECK(all.end == walk_end::complete);
  CHECK(all.nodes.size() == 6);
}

TEST_CASE("a tree is walked in its order") {
  for (const unsigned depth : {1u, 2u, 5u}) {
    tree made{depth};
    const walked all = walk_all(tree_walk{made.space, virtual_address{tree::root}, 1000});
    CHECK(all.end == walk_end::complete);
    REQUIRE(all.nodes.size() == (1u << depth) - 1);
    for (std::size_t i = 0; i < all.nodes.size(); ++i) CHECK(all.nodes[i] == tree::at(i + 1));
    CHECK(walk_all(tree_walk{made.space, virtual_address{tree::root}, all.nodes.size() - 1}).end ==
          walk_end::too_long);
  }
  synthetic_space empty;
  empty.bytes.put(0x100, std::uint64_t{0});
  CHECK(walk_all(tree_walk{empty, virtual_address{0x100}, 9}).end == walk_end::complete);
  CHECK(walk_all(tree_walk{empty, virtual_address{0x10'0000}, 9}).end == walk_end::unreadable);
}

TEST_CASE("trees with any pointer bent end after bounded work") {
  for (std::uint64_t node = 1; node < 16; ++node) {
    for (std::uint64_t link = 0; link < 3; ++link) {
      for (const std::uint64_t to : {std::uint64_t{0}, tree::at(node), tree::at(8), tree::at(1),
                                     ~std::uint64_t{0}, std::uint64_t{0x10000000}}) {
        tree made{4};
        made.space.bytes.put(tree::at(node) + 8 * link, to);
        made.space.reads = 0;
        const walked all = walk_all(tree_walk{made.space, virtual_address{tree::root}, 100});
        CHECK(all.end != walk_end::walking);
        CHECK(made.space.reads < 2000);
      }
    }
  }
}
