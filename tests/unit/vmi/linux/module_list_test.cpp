// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/module_list.hpp>

#include <doctest/doctest.h>

#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;

namespace {

constexpr virtual_address head{synthetic_kernel::module_head};

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
  CHECK_FALSE(module_layout::resolve(types));
  types.add("module_memory", "mtn", {0x20, 56, 0, 0});
  const auto layout = module_layout::resolve(types);
  REQUIRE(layout);
  synthetic_kernel kernel;
  const module_list all = read_modules(kernel.space, *layout, head);
  REQUIRE(all.modules.size() == 3);
  CHECK(value(all.modules[2].base) == synthetic_kernel::module_code(2));
  CHECK(all.modules[2].size == 0x3000);
  CHECK(layout->data_base.offset == 0x80 + 0x58);
  CHECK(layout->data_size.offset == 0x88 + 0x58);
}
