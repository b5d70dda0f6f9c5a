// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/hidden_tasks.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;

namespace {

std::vector<finding> search(synthetic_kernel& kernel, const given_types& types = kernel_layouts()) {
  const auto layout = hidden_task_layout::resolve(types);
  REQUIRE(layout);
  const task_list all = read_tasks(kernel.space, layout->tasks, kernel.places.init_task);
  return find_hidden_tasks(kernel.space, *layout, kernel.places, all);
}

constexpr auto at = &synthetic_kernel::at;

// Before Linux 4.15 the pid table is a hash of struct upid, and a task's links to it are called otherwise.

constexpr std::uint64_t hash = synthetic_kernel::base + 0x70'0000;
constexpr std::uint64_t chain(std::size_t i) {
  return synthetic_kernel::pid(i) + 0x28;
}

given_types layouts_of_4_9() {
  const given_types newer = kernel_layouts();
  given_types types;
  for (const given_types::field& each : newer.fields()) {
    if (each.type == "pid_namespace" || each.type == "xa_node") continue;
    types.add(each.type, each.path == "pid_links" ? "pids" : each.path, each.layout);
  }
  types.add("upid", "nr", {0, 4, 0, 0});
  types.add("upid", "ns", {8, 8, 0, 0});
  types.add("upid", "pid_chain", {16, 16, 0, 0});
  types.add("pid", "numbers", {0x18, 32, 0, 0});
  return types;
}

/// Puts a struct upid first into its chain, of four.
void hash_number(synthetic_kernel& kernel, std::uint64_t node, std::uint64_t number, std::uint64_t owner) {
  const std::uint64_t head = hash + 8 * (number % 4);
  const std::uint64_t first = kernel.load(head);
  kernel.put(node - 16, number);
  kernel.put(node - 8, owner);
  kernel.put(node, first);
  kernel.put(node + 8, head);
  kernel.put(head, node);
  if (first != 0) kernel.put(first + 8, node);
}

/// Task 9 is a thread of process 4.
synthetic_kernel kernel_with_a_thread() {
  synthetic_kernel kernel{20};
  kernel.unlink(at(9) + 0x10);
  kernel.space.bytes.put(at(9) + 0x24, std::uint32_t{4});
  kernel.put(at(9) + 0x50, at(4));
  kernel.put(at(9) + 0xe0, synthetic_kernel::signal(4));
  kernel.ring({synthetic_kernel::signal(4) + 8, at(4) + 0xe8, at(9) + 0xe8});
  return kernel;
}

synthetic_kernel kernel_of_4_9(std::size_t tasks = 8) {
  synthetic_kernel kernel{tasks};
  for (std::size_t i = 0; i < 4; ++i) kernel.put(hash + 8 * i, 0);
  for (std::size_t i = 1; i < tasks; ++i) hash_number(kernel, chain(i), i, synthetic_kernel::pid_ns);
  kernel.places.pids.hash = virtual_address{hash};
  kernel.places.pids.hash_shift = 2;
  return kernel;
}

}  // namespace

TEST_CASE("nothing is hidden in a kernel where all is well") {
  synthetic_kernel kernel{40};
  CHECK(search(kernel).empty());
  // one that runs, one that waits, the idle task
  kernel.put(synthetic_kernel::queue + 8, at(7));
  kernel.ring({synthetic_kernel::queue + 0x20, at(7) + 0xd0, at(8) + 0xd0});
  CHECK(search(kernel).empty());
}

TEST_CASE("a task out of the list is found by each of the kernel's other records, and told once") {
  synthetic_kernel kernel;
  kernel.unlink(at(5) + 0x10);
  std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::hidden_task);
  CHECK(found[0].subject == "pid 5 (task5)");
  CHECK(found[0].detail == "in the pid table, but not in the list of tasks");
  CHECK(found[0].where == synthetic_kernel::task(5));

  kernel.put(synthetic_kernel::table + 8 + 8 * 5, 0);
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "a child of its parent, but not in the list of tasks");

  kernel.unlink(at(5) + 0x70);
  CHECK(search(kernel).empty());
  kernel.ring({synthetic_kernel::queue + 0x20, at(4) + 0xd0, at(5) + 0xd0});
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "waits for a processor, but not in the list of tasks");
  kernel.ring({synthetic_kernel::queue + 0x20});
  kernel.put(synthetic_kernel::queue + 8, at(5));
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "runs, but not in the list of tasks");
}

TEST_CASE("threads are not hidden while their process is listed, and lists them") {
  synthetic_kernel kernel = kernel_with_a_thread();
  CHECK(search(kernel).empty());
  kernel.unlink(at(9) + 0xe8);
  std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "pid 9 (task9)");
  CHECK(found[0].detail == "in the pid table, but not in the list of its process's threads");

  kernel = kernel_with_a_thread();
  kernel.unlink(at(4) + 0xe8);
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "pid 4 (task4)");
  CHECK(found[0].detail == "in the list of tasks, but not in the list of its process's threads");

  kernel = kernel_with_a_thread();
  kernel.unlink(at(4) + 0x10);
  found = search(kernel);
  REQUIRE(found.size() == 2);
  CHECK(found[1].detail == "in the pid table, but not in the list of tasks");
}

TEST_CASE("a process of its own is hidden though it stands among the threads of another") {
  synthetic_kernel kernel = kernel_with_a_thread();
  kernel.put(at(9) + 0x50, at(9));
  kernel.space.bytes.put(at(9) + 0x24, std::uint32_t{9});
  const std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "in the pid table, but not in the list of tasks");
}

TEST_CASE("threads behind a tear in their list are not hidden") {
  synthetic_kernel kernel = kernel_with_a_thread();
  kernel.put(at(9) + 0xf0, 0x10);
  const std::vector<finding> found = search(kernel);
  REQUIRE_FALSE(found.empty());
  for (const finding& each : found) {
    CHECK(each.kind == finding_kind::unreadable);
    CHECK(each.subject == "a list of threads");
  }
}

TEST_CASE("what is in a list and has no number is told: ps goes by numbers") {
  synthetic_kernel kernel = kernel_with_a_thread();
  kernel.put(synthetic_kernel::pid(7) + 0x10, 0);  // hlist_del
  std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "pid 7 (task7)");
  CHECK(found[0].detail == "in the list of tasks, but not in the pid table");
  kernel.put(synthetic_kernel::table + 8 + 8 * 9, 0);  // idr_remove
  found = search(kernel);
  REQUIRE(found.size() == 2);
  CHECK(found[1].subject == "pid 9 (task9)");
  CHECK(found[1].detail == "in the list of its process's threads, but not in the pid table");
  // a table that cannot be read to its end says nothing of who is missing
  kernel.put(synthetic_kernel::table + 8 + 8 * 8, 0xdead'0000);
  found = search(kernel);
  REQUIRE_FALSE(found.empty());
  for (const finding& each : found) CHECK(each.kind == finding_kind::unreadable);
}

TEST_CASE("the threads of a hidden process are found by its list alone") {
  synthetic_kernel kernel = kernel_with_a_thread();
  kernel.unlink(at(4) + 0x10);
  kernel.put(synthetic_kernel::table + 8 + 8 * 9, 0);
  const std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 2);
  CHECK(found[1].subject == "pid 9 (task9)");
  CHECK(found[1].detail == "a thread of a hidden process, but not in the list of tasks");
}

TEST_CASE("many heads that share one list are told, after bounded work") {
  synthetic_kernel kernel{60};
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < 60; ++i) all.push_back(synthetic_kernel::signal(i) + 8);
  kernel.ring(all);
  kernel.space.reads = 0;
  const std::vector<finding> found = search(kernel);
  CHECK(kernel.space.reads < 20'000);
  CHECK(std::ranges::any_of(found, [](const finding& each) {
    return each.subject == "a list of threads" && each.detail == "too long";
  }));
}

TEST_CASE("a child of a hidden task is found too") {
  synthetic_kernel kernel;
  for (const std::size_t i : {5u, 6u}) {
    kernel.unlink(at(i) + 0x10);
    kernel.put(synthetic_kernel::table + 8 + 8 * i, 0);
  }
  kernel.unlink(at(6) + 0x70);
  kernel.ring({at(5) + 0x60, at(6) + 0x70});
  CHECK(search(kernel).size() == 2);
}

TEST_CASE("records that are torn, cyclic or lead anywhere are told, after bounded work") {
  const std::vector<std::uint64_t> places{synthetic_kernel::pid_ns + 8,
                                          synthetic_kernel::table + 16,
                                          synthetic_kernel::queue + 8,
                                          synthetic_kernel::queue + 16,
                                          synthetic_kernel::queue + 32,
                                          at(3) + 0x10,
                                          at(3) + 0x18,
                                          at(3) + 0x60,
                                          at(3) + 0x70,
                                          at(3) + 0xe0,
                                          at(3) + 0xe8,
                                          synthetic_kernel::signal(3) + 8,
                                          synthetic_kernel::pid(3) + 0x10};
  for (const std::uint64_t place : places) {
    for (const std::uint64_t to :
         {std::uint64_t{0}, ~std::uint64_t{0}, at(0), at(3) + 0x10, synthetic_kernel::table | 2,
          synthetic_kernel::pid_ns, std::uint64_t{1} << 63}) {
      synthetic_kernel kernel;
      kernel.put(place, to);
      kernel.space.reads = 0;
      (void)search(kernel);
      CHECK(kernel.space.reads < 20'000);
    }
  }
  synthetic_kernel kernel;
  kernel.put(at(3) + 0x10, 0x10);
  const std::vector<finding> found = search(kernel);
  REQUIRE_FALSE(found.empty());
  CHECK(found[0].kind == finding_kind::unreadable);
  CHECK(found[0].subject == "the list of tasks");
}

TEST_CASE("before Linux 4.15 a hidden task is found in the hash of numbers") {
  synthetic_kernel kernel = kernel_of_4_9(40);
  CHECK(search(kernel, layouts_of_4_9()).empty());
  kernel.unlink(at(5) + 0x10);
  const std::vector<finding> found = search(kernel, layouts_of_4_9());
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "pid 5 (task5)");
  CHECK(found[0].detail == "in the pid table, but not in the list of tasks");
}

TEST_CASE("a container's number for a task is passed over in the hash, and what follows it is not") {
  synthetic_kernel kernel = kernel_of_4_9();
  // not in a struct pid of its own: taken for one it would lead to a task that is none
  constexpr std::uint64_t inner = hash + 0x400;
  kernel.put(inner - 0x28 + 0x10, 0x1234);
  hash_number(kernel, inner, 1, synthetic_kernel::pid_ns + 0x800);
  CHECK(search(kernel, layouts_of_4_9()).empty());
  kernel.unlink(at(5) + 0x10);
  CHECK(search(kernel, layouts_of_4_9()).size() == 1);
}

TEST_CASE("a hash of numbers that is torn, cyclic, missing or too large is told, after bounded work") {
  const auto is_told = [](synthetic_kernel& kernel) {
    kernel.space.reads = 0;
    const std::vector<finding> found = search(kernel, layouts_of_4_9());
    CHECK(kernel.space.reads < 20'000);
    return !found.empty() && found[0].kind == finding_kind::unreadable && found[0].subject == "the pid table";
  };
  for (const std::uint64_t to : {~std::uint64_t{0}, std::uint64_t{8}, chain(3), chain(7), chain(2), hash}) {
    for (const std::uint64_t place : {hash + 24, chain(3)}) {
      synthetic_kernel kernel = kernel_of_4_9();
      if (kernel.load(place) == to) continue;
      kernel.put(place, to);
      CHECK(is_told(kernel));
    }
  }
  synthetic_kernel kernel = kernel_of_4_9();
  kernel.places.pids.hash_shift = 13;
  CHECK(is_told(kernel));
  kernel.places.pids.hash_shift = ~std::uint64_t{0};
  CHECK(is_told(kernel));
  kernel.places.pids.hash_shift = 12;  // its chains end where memory does
  CHECK(is_told(kernel));
  kernel.places.pids.hash = {};
  CHECK(is_told(kernel));
}
