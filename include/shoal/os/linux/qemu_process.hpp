// SPDX-License-Identifier: BSL-1.0
//
// qemu_process: where a running QEMU keeps its guest's RAM, by its process id or by the socket of its monitor
// (QMP).
//
//     const result<pid_t> pid = linux_os::qmp_process("/run/guest.qmp");
//     if (pid) const result<linux_os::qemu_ram> ram = linux_os::find_qemu_ram(*pid);
//
// Nothing is said on the monitor: who listens there is asked of the kernel. What QEMU was started with tells
// how much RAM there is and how its machine lays it out; memory that is plugged in later, and NUMA with several
// pieces of memory, are left out.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/un.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/vmi/image_memory.hpp>

namespace shoal::linux_os {

/// How a machine lays its RAM out.
enum class ram_layout : std::uint8_t {
  flat,  ///< from address 0 on, in one piece
  pc,    ///< QEMU's machine pc (i440fx): a hole below 4 GiB, where there is so much
  q35,   ///< QEMU's machine q35: likewise, a larger one
  virt,  ///< QEMU's machine virt of ARM: from 1 GiB on, in one piece
};

/// Where so much RAM is (QEMU's hw/i386/pc_piix.c, pc_q35.c, hw/arm/virt.c).
[[nodiscard]] inline std::vector<vmi::ram_region> ram_regions(ram_layout layout, std::uint64_t size) {
  if (layout == ram_layout::pc && size >= 0xe000'0000) return vmi::split_regions(size, 3_GiB);
  if (layout == ram_layout::q35 && size >= 0xb000'0000) return vmi::split_regions(size, 2_GiB);
  if (layout == ram_layout::virt) return vmi::raw_regions(size, vmi::physical_address{1_GiB});
  return vmi::raw_regions(size);
}

/// What QEMU's command line says.
struct qemu_arguments {
  std::uint64_t ram = std::uint64_t{128} << 20;  ///< in bytes; QEMU's default is 128 MiB
  ram_layout layout = ram_layout::pc;
};

namespace detail {

/// "512", "512M", "2G", with MiB where no unit is.
[[nodiscard]] inline std::optional<std::uint64_t> qemu_size(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > std::uint64_t{1} << 43) return std::nullopt;
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  if (unit == "K" || unit == "k") return number << 10;
  if (unit.empty() || unit == "M" || unit == "m") return number << 20;
  if (number > std::uint64_t{1} << 23) return std::nullopt;
  if (unit == "G" || unit == "g") return number << 30;
  if (unit == "T" || unit == "t") return number << 40;
  return std::nullopt;
}

/// The part of "value,key=other" that has this key, or the first when it has none.
[[nodiscard]] inline std::string_view qemu_option(std::string_view text, std::string_view key) noexcept {
  bool first = true;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos ? first : part.substr(0, equals) == key) {
      return part.substr(equals == std::string_view::npos ? 0 : equals + 1);
    }
    first = false;
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return {};
}

/// By the name of a machine, as "pc-q35-7.2".
[[nodiscard]] inline ram_layout qemu_layout(std::string_view type) noexcept {
  if (type.find("q35") != type.npos) return ram_layout::q35;
  return type.starts_with("virt") ? ram_layout::virt : ram_layout::pc;
}

}  // namespace detail

/// Reads a command line whose words end with zeros each, as /proc/PID/cmdline has it. malformed for a size that
/// is none.
[[nodiscard]] inline result<qemu_arguments> parse_qemu_arguments(std::string_view line) {
  qemu_arguments out;
  std::string_view option;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find('\0'));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (option == "m") {
      const auto size = detail::qemu_size(detail::qemu_option(word, "size"));
      if (!size) return errc::malformed;
      out.ram = *size;
    } else if (option == "machine" || option == "M") {
      const std::string_view type = detail::qemu_option(word, "type");
      if (!type.empty()) out.layout = detail::qemu_layout(type);
    }
    option = {};
    if (word.starts_with('-')) option = word.substr(word.starts_with("--") ? 2 : 1);
  }
  return out;
}

/// A line of /proc/PID/maps.
struct process_mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t inode = 0;  ///< 0: no file
  dev_t device = 0;
};

/// Nothing for what is no such line.
[[nodiscard]] inline std::optional<process_mapping> parse_mapping(std::string_view line) noexcept {
  // 7f1c00000000-7f1c20000000 rw-s 00000000 00:01 1234 /memfd:memory (deleted)
  process_mapping out;
  std::uint64_t offset = 0;
  std::uint64_t major_number = 0;
  std::uint64_t minor_number = 0;
  const auto take = [&](std::uint64_t& number, int base, char behind) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, base);
    if (error != std::errc{} || end == line.data() + line.size() || *end != behind) return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
  };
  if (!take(out.begin, 16, '-') || !take(out.end, 16, ' ') || line.size() < 5) return std::nullopt;
  line.remove_prefix(5);
  if (!take(offset, 16, ' ') || !take(major_number, 16, ':') || !take(minor_number, 16, ' '))
    return std::nullopt;
  if (!take(out.inode, 10, ' ') || out.end <= out.begin) return std::nullopt;
  out.device = makedev(static_cast<unsigned>(major_number), static_cast<unsigned>(minor_number));
  return out;
}

/// The RAM of a guest.
struct qemu_ram {
  std::vector<vmi::ram_region> regions;  ///< offsets count from the beginning of file or memory
  std::filesystem::path file;            ///< that can be mapped; empty when QEMU keeps it to itself
  std::uint64_t address = 0;             ///< where it is in QEMU's memory
  std::uint64_t size = 0;
};

/// The file that a process has open as this device and inode, by its name under /proc. Empty when it has none.
[[nodiscard]] inline std::filesystem::path open_file_of(pid_t pid, dev_t device, std::uint64_t inode) {
  std::error_code error;
  const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (auto each = std::filesystem::directory_iterator{folder, error};
       !error && each != std::filesystem::directory_iterator{}; each.increment(error)) {
    struct stat status{};
    if (::stat(each->path().c_str(), &status) == 0 && status.st_ino == inode && status.st_dev == device) {
      return each->path();
    }
  }
  return {};
}

/// Finds it. What open(2) says of the process's files in /proc; not_found when no mapping has the size of the
/// RAM; malformed for a command line that is not QEMU's.
[[nodiscard]] inline result<qemu_ram> find_qemu_ram(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream words{folder + "/cmdline", std::ios::binary};
  std::ifstream maps{folder + "/maps"};
  if (!words || !maps) return posix::last_error();
  const std::string line{std::istreambuf_iterator<char>{words}, {}};
  const result<qemu_arguments> arguments = parse_qemu_arguments(line);
  if (!arguments) return arguments.error();
  std::optional<process_mapping> found;
  for (std::string text; std::getline(maps, text);) {
    const std::optional<process_mapping> each = parse_mapping(text);
    if (!each || each->end - each->begin != arguments->ram) continue;
    if (!found || (found->inode == 0 && each->inode != 0)) found = each;
  }
  if (!found) return errc::not_found;
  qemu_ram out;
  out.regions = ram_regions(arguments->layout, arguments->ram);
  out.address = found->begin;
  out.size = arguments->ram;
  if (found->inode != 0) out.file = open_file_of(pid, found->device, found->inode);
  return out;
}

/// The process that listens on a socket. What connect(2) says; resource_unavailable_try_again when it has not
/// taken those that came before for five seconds; errc::invalid_argument for a path of more than 107 bytes.
[[nodiscard]] inline result<pid_t> qmp_process(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return errc::invalid_argument;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  // QEMU lets one wait: of another the kernel says so at once, or never when it is to block
  const posix::unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return posix::last_error();
  constexpr int tries = 100;
  for (int i = 1; ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0; ++i) {
    if (errno != EAGAIN || i == tries) return posix::last_error();
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return posix::last_error();
  return peer.pid;
}

}  // namespace shoal::linux_os
