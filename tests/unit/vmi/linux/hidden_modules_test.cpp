// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/hidden_modules.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;

namespace {

std::vector<finding> search(synthetic_kernel& kernel) {
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  constexpr virtual_address head{synthetic_kernel::module_head};
  return find_hidden_modules(kernel.space, *layout, kernel.modules, read_modules(kernel.space, *layout, head));
}

}  // namespace

TEST_CASE("a module out of the list is found in sysfs, by its code, and in memory, and told once") {
  synthetic_kernel kernel;
  CHECK(search(kernel).empty());
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
  kernel.modules.tree = {};
  found = search(kernel);
  REQUIRE(found.size() == 1);
  CHECK(found[0].subject == "module module1");
  CHECK(found[0].detail == "in memory, but not in the list of modules");
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

TEST_CASE("modules are found in memory by their data, and nothing else is") {
  synthetic_kernel kernel;
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  const auto scan = [&] { return scan_for_modules(kernel.space, *layout, kernel.modules.areas.at(0)); };
  REQUIRE(scan().modules.size() == 3);
  CHECK(scan().end == walk_end::complete);
  CHECK(scan().modules[1].name == "module1");
  // what points to the beginning of a module, and is not in it by its own account
  kernel.put(synthetic_kernel::module_code(0) + 0x100, synthetic_kernel::module_code(2));
  kernel.put(synthetic_kernel::module_code(0) + 0x200, synthetic_kernel::module_code(0));
  CHECK(scan().modules.size() == 3);
  kernel.space.bytes.put(synthetic_kernel::module(1) + 0x88, std::uint32_t{0x2000});
  CHECK(scan().modules.size() == 2);
  kernel.space.bytes.put(synthetic_kernel::module(1) + 0x88, std::uint32_t{0xcea4'6df4});
  CHECK(scan().modules.size() == 2);
  for (const std::uint32_t state : {1u, 2u, 3u, 0x1234u}) {  // COMING, GOING, UNFORMED, none
    kernel.space.bytes.put(synthetic_kernel::module(2), state);
    CHECK(scan().modules.size() == (state == 1 ? 2 : 1));
  }
  kernel.space.bytes.put(synthetic_kernel::module(2), std::uint32_t{0});
  kernel.space.bytes.text(synthetic_kernel::module(0) + 0x18, "\x01");
  CHECK(scan().modules.size() == 1);
}

TEST_CASE("an area of modules that is not there, too large or full of what looks like some is told") {
  synthetic_kernel kernel;
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  kernel_range& area = kernel.modules.areas.at(0);
  const auto ends = [&] { return scan_for_modules(kernel.space, *layout, area).end; };
  area.end = area.end + 4096;
  CHECK(ends() == walk_end::unreadable);
  area.end = area.begin + max_module_area + 4096;
  CHECK(ends() == walk_end::too_long);
  area = {area.end, area.begin};
  CHECK(ends() == walk_end::too_long);
  // each word of a page
  area = {virtual_address{synthetic_kernel::module_code(0)}, virtual_address{synthetic_kernel::module_code(1)}};
  for (std::uint64_t i = 0; i < 512; ++i)
    kernel.put(synthetic_kernel::module_code(0) + 8 * i, value(area.begin));
  CHECK(ends() == walk_end::complete);
}

TEST_CASE("holes of page tables are passed over by what one entry says") {
  synthetic_kernel kernel;
  struct paged {
    synthetic_kernel& kernel;
    std::size_t translated = 0;

    [[nodiscard]] status read(virtual_address address, bytes_span out) noexcept {
      return kernel.space.read(address, out);
    }
    [[nodiscard]] static pointer_width width() noexcept { return pointer_width::eight; }
    [[nodiscard]] translation translate(virtual_address address) noexcept {
      ++translated;
      const bool there = kernel.modules.areas.at(0).contains(address);
      return {there ? status::ok : status::out_of_range, static_cast<std::uint8_t>(there ? 12 : 21), {}, 0};
    }
  } space{kernel};
  const auto layout = module_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  const kernel_range wide{virtual_address{0xffff'ffff'a000'0000}, virtual_address{0xffff'ffff'ff00'0000}};
  const module_list all = scan_for_modules(space, *layout, wide);
  CHECK(all.end == walk_end::complete);
  CHECK(all.modules.size() == 3);
  CHECK(space.translated < 2000);
}
