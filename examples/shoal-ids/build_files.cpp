// SPDX-License-Identifier: BSL-1.0
//
// What is wrong with a file that is not what it should be, and where the right one is.
#include "build_files.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/os/posix/mapping.hpp>

#include "../common/message.hpp"

using common::failure;
using shoal::vmi::kernel_file;

namespace {

constexpr const char* where_build_files_are =
    "it is in the folder where the kernel was built; Debian has it in the package linux-image-VERSION-dbg,\n"
    "  in /usr/lib/debug/boot";

shoal::posix::mapping map_build_file(const std::string& path) {
  shoal::result<shoal::posix::mapping> file = shoal::posix::mapping::open(path);
  if (file) return std::move(*file);
  throw failure{"cannot read " + path, file.error(), where_build_files_are};
}

kernel_file load_system_map(const std::string& path) {
  const shoal::posix::mapping file = map_build_file(path);
  const std::string_view text = shoal::as_text(file.bytes());
  if (shoal::vmi::is_system_map_stub(text)) {
    throw failure{path + " is a stub, which says that the real System.map is elsewhere", where_build_files_are};
  }
  shoal::result<kernel_file> read = shoal::vmi::read_system_map(text);
  if (read) return std::move(*read);
  if (text.starts_with("\177ELF")) throw failure{path + " is an ELF file", "say --vmlinux " + path};
  if (read.error() == shoal::errc::not_found) {
    throw failure{path + " does not say where a kernel has its data",
                  "/proc/kallsyms is a System.map only of kernels that have all symbols, and when root copies "
                  "it"};
  }
  throw failure{path + " is no System.map", read.error(), where_build_files_are};
}

/// Whether a file begins as one that is booted: of x86, 64-bit ARM, 32-bit ARM, or compressed.
bool is_booted(shoal::bytes_view file) {
  const auto has = [&](std::size_t at, std::string_view text) {
    return file.size() >= at && shoal::as_text(file.subspan(at)).starts_with(text);
  };
  using namespace std::string_view_literals;
  return has(0x202, "HdrS") || has(56, "ARM\x64") || has(36, "\x18\x28\x6f\x01"sv) || has(0, "MZ") ||
         has(0, "\x1f\x8b") ||
         has(0,
             "\xfd"sv
             "7zXZ") ||
         has(0, "\x28\xb5\x2f\xfd");
}

kernel_file load_vmlinux(const std::string& path) {
  const shoal::posix::mapping file = map_build_file(path);
  shoal::result<kernel_file> read = shoal::vmi::read_vmlinux(file.bytes());
  if (read) return std::move(*read);
  if (is_booted(file.bytes())) {
    throw failure{path + " is a kernel as it is booted, without symbols",
                  "name the vmlinux that it was made of: " + std::string{where_build_files_are}};
  }
  if (read.error() == shoal::errc::not_found) {
    throw failure{path + " has no symbols of a kernel: it was stripped, or is another program",
                  "name the vmlinux at the top of the kernel's build: " + std::string{where_build_files_are}};
  }
  throw failure{path + " is no vmlinux", read.error(), where_build_files_are};
}

}  // namespace

void add_build_files(CLI::App& app, build_files& files) {
  CLI::Option* const map = app.add_option(
      "--system-map", files.system_map, "the System.map of its kernel, where that does not carry all symbols");
  CLI::Option* const vmlinux =
      app.add_option("--vmlinux", files.vmlinux,
                     "the vmlinux of its kernel, uncompressed: symbols, and types where it has BTF");
  map->type_name("FILE");
  vmlinux->type_name("FILE")->excludes(map);
}

void read_build_files(build_files& files) {
  if (files.content || files.path().empty()) return;
  files.content = std::make_shared<const kernel_file>(files.vmlinux.empty() ? load_system_map(files.system_map)
                                                                            : load_vmlinux(files.vmlinux));
}
