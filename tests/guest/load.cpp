// SPDX-License-Identifier: BSL-1.0
//
// load FILE DEVICE...: exits 0 when the file is a unikernel that the loader takes and that asks for exactly
// these devices. Prints its size in memory.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <shoal/hypercall/program.hpp>

int main(int argc, char** argv) {
  using namespace shoal;
  using namespace shoal::hypercall;
  if (argc < 2) return 2;
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
  bool right = devices.size() == static_cast<std::size_t>(argc - 2) && guest->protections().size() >= 2;
  for (std::size_t i = 0; right && i < devices.size(); ++i) right = devices[i].name_text() == argv[i + 2];
  const protection& first = guest->protections()[0];
  right = right && first.executable && !first.writable && !guest->protections()[1].executable;
  std::printf("%s: entry %#llx, ends %#llx, %zu devices\n", argv[1],
              static_cast<unsigned long long>(guest->entry()), static_cast<unsigned long long>(guest->end()),
              devices.size());
  return right ? 0 : 1;
}
