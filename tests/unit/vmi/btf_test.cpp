// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/btf.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/field_layout.hpp>

#include "btf_builder.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::btf_builder;

namespace {

/// struct task_struct with a structure inside, one without a name, bitfields, a pointer to itself and an array.
btf_builder kernel() {
  btf_builder b;
  const auto u32 = b.integer("unsigned int", 4);                                                  // 1
  const auto chr = b.integer("char", 1);                                                          // 2
  const auto pid_t = b.add(btf_kind::type_definition, "pid_t", u32);                              // 3
  const auto const_pid = b.add(btf_kind::constant, "", pid_t);                                    // 4
  const auto comm = b.array(chr, 16);                                                             // 5
  const auto self = b.pointer(9);                                                                 // 6
  const auto inner = b.structure("sched_entity", 16, {{"load", u32, 0}, {"vruntime", u32, 64}});  // 7
  const auto both = b.structure("", 8, {{"pid", const_pid, 0}, {"tgid", pid_t, 32}}, false);      // 8
  b.structure("task_struct", 80,
              {{"se", inner, 64},
               {"", both, 256},
               {"comm", comm, 320},
               {"parent", self, 448},
               {"in_execve", u32, 515, 1},
               {"policy", u32, 516, 3}},
              true);  // 9
  b.add(btf_kind::enumeration, "state", 4, 1, false, {0, 7});
  b.add(btf_kind::forward, "nothing", 0);
  b.add(btf_kind::enumeration64, "wide", 8, 1, false, {0, 7, 0});
  return b;
}

}  // namespace

TEST_CASE("types are found by name and fields through structures without one") {
  const auto types = btf::parse(kernel().bytes());
  REQUIRE(types);
  CHECK(types->last_type() == 12);
  const auto task = types->find(btf_kind::structure, "task_struct");
  REQUIRE(task);
  CHECK(types->size(*task, 8) == 80);
  CHECK(types->field(*task, "tgid")->bit_offset == 288);
  CHECK(types->field(*task, "se.vruntime")->bit_offset == 128);
  CHECK(types->field(*task, "policy")->bits == 3);
  CHECK(types->name(types->target(types->field(*task, "parent")->type)) == "task_struct");
  CHECK(types->size(types->field(*task, "comm")->type, 8) == 16);
  CHECK_FALSE(types->field(*task, "tgi"));
  CHECK_FALSE(types->field(*task, "se.none"));
  CHECK_FALSE(types->field(*task, "policy.x"));
  CHECK_FALSE(types->field(*task, ""));
  CHECK_FALSE(types->field(99, "pid"));
  CHECK_FALSE(types->find(btf_kind::union_type, "task_struct"));
  CHECK(btf::size_of(kernel().bytes()) == kernel().bytes().size());
}

TEST_CASE("layouts say bytes, and bits where there are bits") {
  const auto types = btf::parse(kernel().bytes());
  REQUIRE(types);
  const btf_types layouts{*types, pointer_width::eight};
  CHECK(layouts.layout("task_struct", "pid") == field_layout{32, 4, 0, 0});
  CHECK(layouts.layout("task_struct", "comm") == field_layout{40, 16, 0, 0});
  CHECK(layouts.layout("task_struct", "parent") == field_layout{56, 8, 0, 0});
  CHECK(layouts.layout("task_struct", "in_execve") == field_layout{64, 1, 3, 1});
  CHECK_FALSE(layouts.layout("task_struct", "none"));
  CHECK_FALSE(layouts.layout("none", "pid"));
  const btf_types narrow{*types, pointer_width::four};
  CHECK(narrow.layout("task_struct", "parent")->size == 4);
}

TEST_CASE("a bitfield in the older form is known by its integer") {
  btf_builder b;
  const auto three = b.integer("three", 4, 3);
  b.structure("flags", 4, {{"mode", three, 5}});
  const auto types = btf::parse(b.bytes());
  REQUIRE(types);
  CHECK(btf_types{*types, pointer_width::eight}.layout("flags", "mode") == field_layout{0, 1, 5, 3});
}

TEST_CASE("types that lead in circles end") {
  btf_builder b;
  b.add(btf_kind::type_definition, "a", 2);
  b.add(btf_kind::constant, "", 1);
  b.structure("inside_itself", 8, {{"", 3, 0}, {"", 3, 0}, {"x", 1, 0}});
  b.array(4, 1);
  b.add(btf_kind::array, "", 0, 0, false, {5, 1, 0xffff'ffff});
  b.pointer(6);
  const auto types = btf::parse(b.bytes());
  REQUIRE(types);
  CHECK(types->resolve(1) == 0);
  CHECK_FALSE(types->size(1, 8));
  CHECK_FALSE(types->field(3, "y"));
  CHECK_FALSE(types->size(4, 8));
  CHECK_FALSE(types->size(5, 8));
  CHECK(types->target(6) == 6);
}

TEST_CASE("a name that many structures hide is not looked for without end") {
  btf_builder b;
  std::vector<btf_builder::member> members(300, {"", 0, 0});
  for (std::uint32_t i = 0; i < 20; ++i) {
    for (auto& each : members) each.type = i + 2;
    b.structure("", 8, members);
  }
  const auto types = btf::parse(b.bytes());
  REQUIRE(types);
  CHECK_FALSE(types->field(1, "x"));
}

TEST_CASE("what is cut, or no BTF, is refused") {
  const auto good = kernel().bytes();
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(btf::parse(bytes_view{good}.first(n)).error() == errc::truncated);
  const auto with = [&](std::size_t at, std::uint8_t byte) {
    auto bytes = good;
    bytes[at] = std::byte{byte};
    return btf::parse(bytes).error();
  };
  CHECK(with(0, 0) == errc::malformed);
  CHECK(with(2, 2) == errc::unsupported);
  CHECK(with(4, 23) == errc::malformed);
  CHECK(with(11, 0xff) == errc::truncated);
  CHECK(with(15, 0xff) == errc::truncated);
  CHECK(with(24 + 3, 0xff) == errc::malformed);    // a name outside of the names
  CHECK(with(24 + 7, 0x1f) == errc::unsupported);  // a kind that nobody knows
  CHECK(with(24 + 7, 0x00) == errc::unsupported);
  CHECK(with(good.size() - 1, 'x') == errc::malformed);
  btf_builder b;
  b.add(btf_kind::structure, "s", 8, 3);  // without its members
  CHECK(btf::parse(b.bytes()).error() == errc::truncated);
}
