// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/module_list.hpp>

#include <vector>

#include <doctest/doctest.h>

#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;

namespace {

constexpr virtual_address head{synthetic_kernel::module_head};

std::vector<finding> search(synthetic_kernel& kernel) {
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  return find_hidden_modules(kernel.space, *layout, kernel.modules, read_modules(kernel.space, *layout, head));
}

}  // namespace

TEST_CASE("modules are read with their names and where their code is") {
  synthetic_kernel kernel;
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  const module_list all = read_modules(kernel.space, *layout, head);
  CHECK(all.end == walk_end::complete);
  REQUIRE(all.modules.size() == 3);
  CHECK(all.modules[1].name == "module1");
  CHECK(all.modules[1].size == 0x3000);
  CHECK(all.owner(virtual_address{synthetic_kernel::module_code(1) + 0x2fff}) == &all.modules[1]);
  CHECK(all.owner(virtual_address{synthetic_kernel::module_code(1) + 0x3000}) == nullptr);
  CHECK(all.owner(virtual_address{}) == nullptr);
  CHECK(search(kernel).empty());
}

TEST_CASE("the layout of 6.4 and later names pieces of a module's code") {
  const given_types old = kernel_layouts();
  given_types types;
  for (const given_types::field& each : old.fields()) {
    if (each.path != "core_layout.base" && each.path != "core_layout.size")
      types.add(each.type, each.path, each.layout);
  }
  CHECK_FALSE(module_layout::resolve(types));
  types.add("module", "mem", {0x70, 7 * 0x20, 0, 0});
  types.add("module_memory", "base", {0x10, 8, 0, 0});
  types.add("module_memory", "size", {0x18, 4, 0, 0});
  const auto layout = module_layout::resolve(types);
  REQUIRE(layout);
  synthetic_kernel kernel;
  const module_list all = read_modules(kernel.space, *layout, head);
  REQUIRE(all.modules.size() == 3);
  CHECK(value(all.modules[2].base) == synthetic_kernel::module_code(2));
  CHECK(all.modules[2].size == 0x3000);
}

TEST_CASE("a module out of the list is found in sysfs and by its code, and told once") {
  synthetic_kernel kernel;
  kernel.unlink(synthetic_kernel::module(1) + 8);
  std::vector<finding> found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == finding_kind::hidden_module);
  CHECK(found[0].subject == "module module1");
  CHECK(found[0].detail == "in sysfs, but not in the list of modules");
  kernel.unlink(synthetic_kernel::module_kobject(1) + 8);
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].detail == "in the tree of modules' code, but not in the list of modules");
  kernel.modules = {};
  CHECK(search(kernel).empty());
}

TEST_CASE("records of modules that are torn or lead anywhere are told") {
  for (const std::uint64_t place : {synthetic_kernel::module(1) + 8, synthetic_kernel::module_kobject(1) + 8,
                                    synthetic_kernel::tree + 8, synthetic_kernel::module_node(1) + 16}) {
    synthetic_kernel kernel;
    kernel.put(place, 0x10);
    const std::vector<finding> found = search(kernel);
    REQUIRE_FALSE(found.empty());
    CHECK(found.back().kind == finding_kind::unreadable);
  }
  synthetic_kernel kernel;
  kernel.put(synthetic_kernel::module_kobject(1) + 0x40, 0xdead'0000);
  CHECK(search(kernel).at(0).kind == finding_kind::unreadable);
}
