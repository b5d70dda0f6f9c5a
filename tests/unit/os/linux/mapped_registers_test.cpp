// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/mapped_registers.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

#include <unistd.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>

#include "../../temporary_folder.hpp"

using shoal::errc;
using shoal::hal::bus_address;
using shoal::hal::bus_range;
using shoal::linux_os::mapped_registers;
using shoal::linux_os::mapping_advice;

namespace {

const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));

// A file in the place of a node: its pages are as good.
struct node {
  temporary_folder folder;
  std::filesystem::path path = folder / "node";
  explicit node(std::uint64_t pages) {
    std::ofstream{path}.put('\0');
    std::filesystem::resize_file(path, pages * page);
  }
  [[nodiscard]] std::uint8_t at(std::uint64_t offset) const {
    std::ifstream in{path, std::ios::binary};
    in.seekg(static_cast<std::streamoff>(offset));
    return static_cast<std::uint8_t>(in.get());
  }
};

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path} << text;
}

}  // namespace

TEST_CASE("physical memory is mapped at the addresses that were asked for, in the middle of a page too") {
  const node memory{4};
  const bus_address base{2 * page + 0x100};
  auto mapped = mapped_registers::physical({base, 0x10}, memory.path);
  REQUIRE(mapped);
  auto bus = mapped->bus();
  bus.store<std::uint8_t>(base + 4, 0xab);
  CHECK(memory.at(2 * page + 0x104) == 0xab);
  // the page is there, but was not asked for
  bus.store<std::uint8_t>(base + 0x10, 1);
  CHECK(memory.at(2 * page + 0x110) == 0);
  CHECK(bus.load<std::uint32_t>(bus_address{2 * page}) == 0xffff'ffff);
}

TEST_CASE("a range may cross pages, and the mapping may move") {
  const node memory{4};
  const bus_address base{page - 8};
  auto mapped = mapped_registers::physical({base, 16}, memory.path);
  REQUIRE(mapped);
  auto bus = mapped->bus();
  const mapped_registers moved = std::move(*mapped);
  bus.store<std::uint32_t>(base + 12, 0x7f);
  CHECK(moved.bus().load<std::uint32_t>(base + 12) == 0x7f);
  CHECK(moved.range().size() == 16);
}

TEST_CASE("a device's own node begins with its first register, whatever its address is") {
  const node memory{1};
  const bus_range range{bus_address{0x3f20'0000}, 0x100};
  const auto mapped = mapped_registers::gpiomem(range, memory.path);
  REQUIRE(mapped);
  mapped->bus().store<std::uint8_t>(bus_address{0x3f20'001c}, 9);
  CHECK(memory.at(0x1c) == 9);
}

TEST_CASE("a UIO device has the range that the kernel says, at any place in its page") {
  const node memory{3};
  const std::filesystem::path classes = memory.folder / "class";
  const std::filesystem::path map = classes / "node/maps/map1";
  write_text(map / "addr", "0x0000000003f20000\n");
  write_text(map / "size", "0x1000\n");
  CHECK(mapped_registers::uio(memory.path, 0, classes).error() == errc::not_found);
  {
    const auto whole = mapped_registers::uio(memory.path, 1, classes);
    REQUIRE(whole);
    CHECK(whole->range().base() == bus_address{0x03f2'0000});
    CHECK(whole->range().size() == 0x1000);
    whole->bus().store<std::uint8_t>(bus_address{0x03f2'0004}, 5);
    CHECK(memory.at(page + 4) == 5);
  }
  write_text(map / "offset", "0x80\n");
  const auto part = mapped_registers::uio(memory.path, 1, classes);
  REQUIRE(part);
  CHECK(part->range().base() == bus_address{0x03f2'0080});
  CHECK(part->range().size() == 0xf80);
  part->bus().store<std::uint8_t>(bus_address{0x03f2'0080}, 6);
  CHECK(memory.at(page + 0x80) == 6);

  for (const std::string_view bad :
       {"", "4096\n", "0x\n", "0xg\n", "0x1000 \n", "0x11112222333344445\n", "0x40000001\n"}) {
    CAPTURE(bad);
    write_text(map / "size", bad);
    CHECK_FALSE(mapped_registers::uio(memory.path, 1, classes));
  }
  write_text(map / "size", "0x1000\n");
  write_text(map / "offset", "0x10000000\n");
  CHECK(mapped_registers::uio(memory.path, 1, classes).error() == errc::malformed);
}

TEST_CASE("a range that cannot be is refused before anything is opened") {
  CHECK(mapped_registers::physical({}, "/none").error() == errc::invalid_argument);
  CHECK(mapped_registers::physical({bus_address{UINT64_MAX - 3}, 8}, "/none").error() ==
        errc::invalid_argument);
  CHECK(mapped_registers::physical({bus_address{0}, mapped_registers::largest + 1}, "/none").error() ==
        errc::invalid_argument);
  CHECK(mapped_registers::physical({bus_address{UINT64_MAX - 31}, 16}, "/none").error() == errc::out_of_range);
}

TEST_CASE("what failed, of which node, and what to do is one line") {
  const auto missing = mapped_registers::physical({bus_address{0}, 4}, "/none/mem");
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == std::errc::no_such_file_or_directory);
  const auto advice = [](const char* path, std::errc why) {
    return mapping_advice(path, std::make_error_code(why));
  };
  CHECK(advice("/dev/gpiomem", std::errc::no_such_file_or_directory).starts_with("/dev/gpiomem: No such file"));
  CHECK(advice("/dev/mem", std::errc::operation_not_permitted).find("iomem=relaxed") != std::string::npos);
  CHECK(advice("/dev/mem", std::errc::permission_denied).find("root") != std::string::npos);
  CHECK(advice("/dev/uio0", std::errc::permission_denied).find("group") != std::string::npos);
  CHECK(mapping_advice("/dev/uio0", make_error_code(errc::not_found)).find("/sys/class/uio/uio0/maps") !=
        std::string::npos);
}
