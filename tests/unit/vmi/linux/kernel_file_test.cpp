// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/kernel_file.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../btf_builder.hpp"
#include "../elf_builder.hpp"
#include "../synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::elf_builder;
using shoal::vmi::tests::synthetic_space;
using shoal::vmi::tests::synthetic_symbols;

namespace {

constexpr std::string_view banner = "Linux version 6.1.0 (gcc 12) #1 SMP (2026)";
constexpr std::string_view system_map =
    "0000000000000000 D runqueues\nffffffff81000000 T _text\nffffffff81000040 T do_one\nffffffff81000080 t "
    "do_two\n"
    "ffffffff82000000 D linux_proc_banner\nffffffff82000100 D linux_banner\n";
constexpr std::uint64_t slide = 0x1200'0000;

/// A kernel in memory, moved by `slide`.
class moved_kernel {
 public:
  synthetic_space space;
  symbol_table known = synthetic_symbols({{0xffff'ffff'8100'0000 + slide, "_text"},
                                          {0xffff'ffff'8100'0040 + slide, "do_one"},
                                          {0xffff'ffff'8100'0080 + slide, "do_two"}});
  /// Where there is the text of a banner.
  std::vector<std::uint64_t> banners;

  moved_kernel() {
    space.bytes.text(0xffff'ffff'8200'0000 + slide, "%s version %s (debian) %s\n");
    // such as are in a log, and of a template
    put_banner(0xffff'ffff'8180'0100 + slide, std::string{banner});
    put_banner(0xffff'ffff'8190'0000 + slide, std::string{banner} + '\n');
    put_banner(0xffff'ffff'8200'0100 + slide, std::string{banner} + '\n');
  }
  void put_banner(std::uint64_t at, const std::string& text) {
    space.bytes.text(at, std::string(max_banner, '\0'));
    space.bytes.text(at, text);
    banners.push_back(at);
  }
  template <class F>
  void find(std::string_view, F&& f) const {
    for (const std::uint64_t each : banners) {
      if (!f(virtual_address{each})) return;
    }
  }
  [[nodiscard]] std::optional<std::uint64_t> slide_of(const kernel_file& file) {
    return find_slide(space, *this, known, file);
  }
};

elf_builder vmlinux(bool wide) {
  elf_builder out{wide};
  out.text_of_constants = std::string{banner} + '\n' + '\0' + "%s version %s";
  out.symbol("_text", elf_builder::text, elf_builder::function, elf_builder::in_text);
  out.symbol("linux_banner", elf_builder::constants, elf_builder::object, elf_builder::in_constants);
  out.symbol("linux_proc_banner", elf_builder::constants + banner.size() + 2, elf_builder::object,
             elf_builder::in_constants);
  return out;
}

}  // namespace

TEST_CASE("how far a kernel was moved is told by its banner, and by nothing that only looks like it") {
  const auto file = read_system_map(system_map);
  REQUIRE(file);
  CHECK(file->banner.empty());
  moved_kernel kernel;
  CHECK(kernel.slide_of(*file) == slide);
  kernel.known = {};  // has no symbols of its own
  CHECK(kernel.slide_of(*file) == slide);
  kernel.space.bytes.text(0xffff'ffff'8200'0000 + slide, "%s:");
  CHECK_FALSE(kernel.slide_of(*file));
}

TEST_CASE("a file of another build is told by the kernel's own functions") {
  auto file = read_system_map(system_map);
  REQUIRE(file);
  moved_kernel kernel;
  kernel.known = synthetic_symbols({{0xffff'ffff'8100'0000 + slide, "_text"},
                                    {0xffff'ffff'8100'0050 + slide, "do_one"},
                                    {0xffff'ffff'8100'0080 + slide, "do_three"}});
  CHECK_FALSE(kernel.slide_of(*file));
}

TEST_CASE("a file of another build is told by its banner") {
  auto file = read_system_map(system_map);
  REQUIRE(file);
  moved_kernel kernel;
  file->banner = banner;
  CHECK(kernel.slide_of(*file) == slide);
  file->banner = "Linux version 6.1.0 (gcc 12) #2 SMP (2026)";
  CHECK_FALSE(kernel.slide_of(*file));
}

TEST_CASE("what KASLR does not move stays where it is") {
  auto file = read_system_map(system_map);
  REQUIRE(file);
  file->symbols.move(first_moved(file->symbols), slide);
  CHECK(file->symbols.find("runqueues")->address == virtual_address{0});
  CHECK(file->symbols.find("linux_banner")->address == virtual_address{0xffff'ffff'8200'0100 + slide});
}

TEST_CASE("a vmlinux gives symbols, its banner and its types") {
  for (const bool wide : {true, false}) {
    elf_builder builder = vmlinux(wide);
    auto file = read_vmlinux(builder.bytes());
    REQUIRE(file);
    CHECK(file->banner == banner);
    CHECK_FALSE(file->types);
    tests::btf_builder types;
    types.structure("task_struct", 4, {{"pid", types.integer("int", 4), 0}});
    builder.types = types.bytes();
    file = read_vmlinux(builder.bytes());
    REQUIRE(file);
    REQUIRE(file->types);
    CHECK(file->types->find(btf_kind::structure, "task_struct"));
    builder.types.resize(40);
    CHECK_FALSE(read_vmlinux(builder.bytes()));
  }
}

TEST_CASE("what is no kernel with symbols of its data is refused") {
  CHECK(read_system_map("ffffffff81000000 T _text\n").error() == errc::not_found);
  elf_builder program{true};
  program.symbol("main", elf_builder::text, elf_builder::function, elf_builder::in_text);
  CHECK(read_vmlinux(program.bytes()).error() == errc::not_found);
  CHECK(read_vmlinux(as_bytes(std::string_view{"MZ, as a kernel begins that is booted, compressed as it is, "
                                               "and then some more"}))
            .error() == errc::malformed);
}
