// SPDX-License-Identifier: BSL-1.0
//
// mapped_registers: registers of a device, mapped from /dev/mem, /dev/gpiomem or a UIO node.
//
//     result<linux_os::mapped_registers> gpio = linux_os::mapped_registers::gpiomem({bus_address{0x3f20'0000},
//     0x1000}); if (!gpio) std::cerr << linux_os::mapping_advice("/dev/gpiomem", gpio.error()) << '\n';
//     hal::bcm2835_chip chip{gpio->bus(), hal::bus_address{0x3f20'0000}};
//
// Whole pages are mapped, but the bus reaches the range that was asked for and no byte beside it. Leaves out
// interrupts of UIO.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/posix/mapped_pages.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// Unmapped when it goes; the node is closed at once.
class mapped_registers {
 public:
  /// No device has more bytes of registers.
  static constexpr std::uint64_t largest = 1_GiB;

  /// Physical memory, at the addresses of the range: /dev/mem, as root.
  [[nodiscard]] static result<mapped_registers> physical(hal::bus_range range,
                                                         const std::filesystem::path& node = "/dev/mem") {
    return map(node, static_cast<std::uint64_t>(range.base()), range);
  }
  /// A node that begins with the device's first register. @param range  where the device would be in physical
  /// memory
  [[nodiscard]] static result<mapped_registers> gpiomem(hal::bus_range range,
                                                        const std::filesystem::path& node = "/dev/gpiomem") {
    return map(node, 0, range);
  }
  /// One of the maps of a UIO device; its range is what the kernel says.
  /// @param classes  where the kernel says it
  /// Errors: those of files and nodes, errc::not_found when there is no such map, errc::malformed.
  [[nodiscard]] static result<mapped_registers> uio(const std::filesystem::path& node, unsigned index = 0,
                                                    const std::filesystem::path& classes = "/sys/class/uio") {
    const std::filesystem::path folder = classes / node.filename() / "maps" / ("map" + std::to_string(index));
    const result<std::uint64_t> address = number(folder / "addr");
    if (!address) return address.error();
    const result<std::uint64_t> size = number(folder / "size");
    if (!size) return size.error();
    // a device that does not begin at a page: the map begins at the page, and `offset` says where the device is
    const result<std::uint64_t> offset = number(folder / "offset");
    const std::uint64_t inside = offset ? *offset : *address % page_size();
    if (inside >= page_size() || *size > largest || inside > *size) return errc::malformed;
    const hal::bus_range range{hal::bus_address{*address - *address % page_size() + inside}, *size - inside};
    return map(node, index * page_size() + inside, range);
  }

  [[nodiscard]] hal::bus_range range() const noexcept { return range_; }
  /// Lives no longer than this; stays where it is when this is moved.
  [[nodiscard]] hal::mapped_bus<> bus() const noexcept { return {range_, pages_.bytes().data() + start_}; }

 private:
  mapped_registers(hal::bus_range range, posix::mapped_pages pages, std::size_t start) noexcept
      : range_(range), pages_(std::move(pages)), start_(start) {}

  [[nodiscard]] static std::uint64_t page_size() noexcept {
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }

  // Maps the pages that hold [offset, offset + range.size()) of a node.
  [[nodiscard]] static result<mapped_registers> map(const std::filesystem::path& node, std::uint64_t offset,
                                                    hal::bus_range range) {
    if (range.size() == 0 || range.size() > largest) return errc::invalid_argument;
    const std::uint64_t start = offset % page_size();
    const std::uint64_t first = offset - start;
    const std::uint64_t pages = (start + range.size() + page_size() - 1) / page_size();
    const auto size = static_cast<std::size_t>(pages * page_size());
    if (!contains(std::numeric_limits<off_t>::max(), first, size)) return errc::out_of_range;
    const result<posix::unique_fd> fd = open_node(node, O_RDWR | O_SYNC);  // O_SYNC: not through the cache
    if (!fd) return fd.error();
    result<posix::mapped_pages> memory = posix::mapped_pages::map(size, PROT_READ | PROT_WRITE, MAP_SHARED,
                                                                  fd->get(), static_cast<off_t>(first));
    if (!memory) return memory.error();
    return mapped_registers{range, std::move(*memory), static_cast<std::size_t>(start)};
  }

  // "0x0000000003f20000\n"
  [[nodiscard]] static result<std::uint64_t> number(const std::filesystem::path& file) {
    std::ifstream in{file};
    std::string text;
    if (!in || !std::getline(in, text)) return errc::not_found;
    if (!text.starts_with("0x")) return errc::malformed;
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, why] = std::from_chars(text.data() + 2, end, value, 16);
    if (why != std::errc{} || stop != end) return errc::malformed;
    return value;
  }

  hal::bus_range range_;
  posix::mapped_pages pages_;
  std::size_t start_;
};

/// What can be done about registers that could not be mapped, as one line for people.
[[nodiscard]] inline std::string mapping_next_step(const std::filesystem::path& node, std::error_code why) {
  const std::string name = node.string();
  const bool memory = name == "/dev/mem";
  if (why == std::errc::operation_not_permitted && memory) {
    return "the kernel keeps these registers for a driver of its own: unbind that driver, or boot with "
           "iomem=relaxed; opening it needs CAP_SYS_RAWIO";
  }
  if (why == std::errc::permission_denied && memory)
    return "run it as root; on a Raspberry Pi, /dev/gpiomem needs only the group gpio";
  if (why == std::errc::no_such_file_or_directory && memory)
    return "this kernel has no CONFIG_DEVMEM, or a container hides it";
  if (why == std::errc::no_such_file_or_directory && name.starts_with("/dev/gpiomem"))
    return "only Raspberry Pi's own kernel has it; elsewhere map /dev/mem as root, or use cdev:/dev/gpiochip0";
  if (why == errc::not_found || why == errc::malformed)
    return "ls /sys/class/uio/" + node.filename().string() + "/maps shows what can be mapped";
  if (why == std::errc::invalid_argument) return "the range is outside what the node maps";
  return next_step(node, why);
}

/// The same behind what failed, and of which node.
[[nodiscard]] inline std::string mapping_advice(const std::filesystem::path& node, std::error_code why) {
  return node.string() + ": " + why.message() + ": " + mapping_next_step(node, why);
}

}  // namespace shoal::linux_os
