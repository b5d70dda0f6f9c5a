// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/missing_symbols.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "../btf_builder.hpp"
#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::btf_builder;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;
using shoal::vmi::tests::synthetic_space;

namespace {

/// An image of so many bytes, as a kernel_image has it.
struct synthetic_image {
  const synthetic_space& space;
  virtual_address begin;
  std::size_t size;

  template <class F>
  void each_piece(std::size_t, F&& f) const {
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at < size; at += 4096) {
      (void)space.bytes.copy(value(begin) + at, bytes_span{bytes}.subspan(at, 4096));
    }
    f(bytes_view{bytes}, begin);
  }
  template <class F>
  void find(std::string_view text, F&& f) const {
    each_piece(0, [&](bytes_view bytes, virtual_address from) {
      for (std::size_t at = 0; (at = as_text(bytes).find(text, at)) != std::string_view::npos; ++at) {
        if (!f(from + at)) return false;
      }
      return true;
    });
  }
};

constexpr std::uint64_t image_at = 0xffff'8000'0800'0000;

class kernel_with_image : public synthetic_kernel {
 public:
  kernel_with_image() {
    for (std::uint64_t at = 0; at < 0x4000; at += 4096) space.bytes.put(image_at + at, std::uint64_t{0});
  }
  [[nodiscard]] synthetic_image image() const { return {space, virtual_address{image_at}, 0x4000}; }
};

}  // namespace

TEST_CASE("the banner is the line with a number, and neither its template nor a copy in the log") {
  kernel_with_image kernel;
  CHECK_FALSE(find_banner(kernel.space, kernel.image()));
  kernel.space.bytes.text(image_at + 0x100, "Linux version 6.1.0 (gcc 12) # SMP\n");
  kernel.space.bytes.text(image_at + 0x200, "Linux version 6.1.0 (gcc 12) #1 SMP (2026)");
  kernel.space.bytes.text(image_at + 0x300, "Linux version %s (%s) %s\n");
  CHECK_FALSE(find_banner(kernel.space, kernel.image()));
  kernel.space.bytes.text(image_at + 0x700, "Linux version 6.1.0 (gcc 12) #1 SMP (2026)\n");
  const auto found = find_banner(kernel.space, kernel.image());
  REQUIRE(found);
  CHECK(value(*found) == image_at + 0x700);
  CHECK(read_banner(kernel.space, *found) == "Linux version 6.1.0 (gcc 12) #1 SMP (2026)");
}

TEST_CASE("types are found by their header and a name, and not where sizes lie") {
  btf_builder builder;
  const auto number = builder.integer("int", 4);
  builder.structure("task_struct", 4, {{"pid", number, 0}});
  const std::vector<std::byte> types = builder.bytes();
  kernel_with_image kernel;
  std::vector<std::byte> bad = types;
  store_le(bad.data() + 20, std::uint32_t{0xffff'0000});
  kernel.space.bytes.write(image_at + 0x100, bad);
  CHECK_FALSE(find_btf(kernel.space, kernel.image()));
  kernel.space.bytes.write(image_at + 0x800, types);
  const auto found = find_btf(kernel.space, kernel.image());
  REQUIRE(found);
  CHECK(value(found->begin) == image_at + 0x800);
  CHECK(found->size() == types.size());
}

TEST_CASE("the first task is the one that is its own leader") {
  kernel_with_image kernel;
  const auto layout = task_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  const std::size_t whole = 0x1000;
  const synthetic_image tasks{kernel.space, virtual_address{value(kernel.task(0)) / 4096 * 4096}, whole};
  // task 0 calls itself so, and so does a string, and another task
  kernel.space.bytes.text(kernel.at(3) + 0x28, "swapper/3");
  auto found = find_init_task(kernel.space, tasks, *layout);
  REQUIRE(found);
  CHECK(*found == kernel.task(0));
  kernel.put(kernel.at(0) + 0x50, kernel.at(1));
  CHECK_FALSE(find_init_task(kernel.space, tasks, *layout));
}

TEST_CASE("the list of modules is the one whose nodes are modules") {
  given_types types = kernel_layouts();
  types.add("module", "mkobj.mod", {0xa0, 8, 0, 0});
  kernel_with_image kernel;
  for (std::size_t i = 0; i < 3; ++i) kernel.put(kernel.module(i) + 0xa0, kernel.module(i));
  // a list of something else before it
  kernel.ring({image_at + 0x200, kernel.at(1) + 0x10});
  kernel.ring({image_at + 0x1230, kernel.module(2) + 8, kernel.module(1) + 8, kernel.module(0) + 8});
  const auto found = find_module_list(kernel.space, kernel.image(), types);
  REQUIRE(found);
  CHECK(value(*found) == image_at + 0x1230);
  kernel.put(kernel.module(2) + 0xa0, 0);
  CHECK_FALSE(find_module_list(kernel.space, kernel.image(), types));
}

TEST_CASE("the table of system calls is where three functions stand at their numbers") {
  symbol_table symbols;
  const std::uint64_t text = image_at + 0x10'0000;
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::string name = "__arm64_sys_call" + std::to_string(i);
    if (i == 63) name = "__arm64_sys_read";
    if (i == 64) name = "__arm64_sys_write";
    if (i == 172) name = "__arm64_sys_getpid";
    REQUIRE(symbols.add(virtual_address{text + 64 * i}, 'T', name) == status::ok);
  }
  symbols.finish();
  kernel_with_image kernel;
  kernel.put(image_at + 0x800, text + 0x2b00);  // somebody's pointer to a function
  CHECK_FALSE(find_system_calls(kernel.space, kernel.image(), symbols));
  for (std::uint64_t i = 0; i < 200; ++i) kernel.put(image_at + 0x1000 + 8 * i, text + 64 * i);
  kernel.put(image_at + 0x1000 + 0x5f0, 0xffff'8000'0000'1234);  // turned by an intruder
  const auto found = find_system_calls(kernel.space, kernel.image(), symbols);
  REQUIRE(found);
  CHECK(value(found->begin) == image_at + 0x1000);
  CHECK(found->size() == 8 * 200);
}
