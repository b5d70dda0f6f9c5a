// SPDX-License-Identifier: BSL-1.0
//
// load FILE MOST DEVICE...: exits 0 when the file is a unikernel that the loader takes, with at most so many
// bytes of code, and that asks for exactly these devices. Prints its size.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <shoal/base/elf_file.hpp>
#include <shoal/hypercall/program.hpp>

using namespace shoal;
using namespace shoal::hypercall;

namespace {

/// Bytes of what is executed. @pre the loader takes the file
std::uint64_t code_of(bytes_view file) {
  const status_or<elf_file> read = elf_file::parse(file, elf_width::wide);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < read->head().segment_count; ++i) {
    const elf_segment one = read->segment(i);
    if (one.type == elf_segment::load && (one.flags & elf_segment::executable) != 0) bytes += one.memory_bytes;
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int before_devices = 3;
  std::uint64_t most = 0;
  if (argc < before_devices ||
      std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), most).ec != std::errc{}) {
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
#if defined(__aarch64__)
  constexpr architecture machine = architecture::aarch64;
#else
  constexpr architecture machine = architecture::x86_64;
#endif
  const status_or<program> guest = program::parse(as_bytes(text), machine, 4_MiB);
  if (!guest) {
    std::printf("%s: refused, status %d\n", argv[1], static_cast<int>(guest.code));
    return 1;
  }
  std::vector<std::byte> ram(static_cast<std::size_t>(4_MiB));
  hal::guest_regions<1> memory;
  if (memory.add(hal::guest_address{0}, ram) != status::ok || guest->load(memory) != status::ok) return 1;
  const auto devices = guest->devices().devices();
  bool right =
      devices.size() == static_cast<std::size_t>(argc - before_devices) && guest->protections().size() >= 2;
  for (std::size_t i = 0; right && i < devices.size(); ++i)
    right = devices[i].name_text() == argv[i + before_devices];
  const protection& first = guest->protections()[0];
  right = right && first.executable && !first.writable && !guest->protections()[1].executable;
  const std::uint64_t code = code_of(as_bytes(text));
  std::printf("%s: entry %#llx, ends %#llx, %zu devices, %llu bytes of code, at most %llu\n", argv[1],
              static_cast<unsigned long long>(guest->entry()), static_cast<unsigned long long>(guest->end()),
              devices.size(), static_cast<unsigned long long>(code), static_cast<unsigned long long>(most));
  return right && code <= most ? 0 : 1;
}
