// SPDX-License-Identifier: BSL-1.0
//
// A unikernel's file of any content: what the loader accepts is inside the memory, whole pages, never written
// and executed both, starts in its text, and is loaded without touching anything else. The first byte chooses
// machine and memory; when the second is odd the rest goes into the program headers of a file that is otherwise
// good.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/hypercall/program.hpp>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

void require(bool truth) {
  if (!truth) std::abort();
}

constexpr std::size_t ram_size = 0x200000;

/// Memory that is 2 MiB to itself and larger to the program.
std::vector<std::byte>& ram() {
  static std::vector<std::byte> bytes(ram_size, std::byte{0x5a});
  return bytes;
}

/// A good file with the input over its headers and notes, from the program headers on.
std::vector<std::byte> mended(bytes_view input) {
  constexpr std::size_t headers = 5;
  constexpr std::size_t content = 64 + headers * 56;
  std::vector<std::byte> file(content + 0x400);
  const auto put = [&file](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) file[at + i] = static_cast<std::byte>(value >> 8 * i & 0xff);
  };
  put(0, 0x464c457f, 4);
  put(4, 0x010102, 3);
  put(16, 2, 2);
  put(18, 62, 2);
  put(20, 1, 4);
  put(24, 0x100000, 8);
  put(32, 64, 8);
  put(52, 64, 2);
  put(54, 56, 2);
  put(56, headers, 2);
  const auto header = [&](std::size_t i, std::uint64_t type, std::uint64_t flags, std::uint64_t offset,
                          std::uint64_t address, std::uint64_t size) {
    const std::size_t at = 64 + i * 56;
    put(at, type, 4);
    put(at + 4, flags, 4);
    put(at + 8, offset, 8);
    put(at + 16, address, 8);
    put(at + 32, size, 8);
    put(at + 40, size, 8);
    put(at + 48, 0x1000, 8);
  };
  header(0, 1, 1, content, 0x100000, 16);
  header(1, 1, 4, content, 0x101000, 64);
  header(2, 1, 6, content, 0x102000, 64);
  header(3, 4, 4, content + 0x40, 0, 36);
  header(4, 4, 4, content + 0x80, 0, 24 + 8 + 104);
  const auto note = [&](std::size_t at, std::uint64_t size, std::uint64_t type) {
    put(at, 6, 4);
    put(at + 4, size, 4);
    put(at + 8, type, 4);
    put(at + 12, 0x356f6c6f53, 8);
  };
  note(content + 0x40, 16, abi_note_type);
  put(content + 0x54, 1, 4);
  put(content + 0x58, 2, 4);
  note(content + 0x80, 4 + 8 + 104, manifest_note_type);
  put(content + 0x98, 1, 4);
  put(content + 0x9c, 1, 4);
  put(content + 0xa0 + 68, 0x40000000, 4);
  // three bytes a change: where (twice), what to add
  for (std::size_t i = 0; i + 3 <= input.size(); i += 3) {
    const std::size_t at =
        std::to_integer<std::size_t>(input[i]) << 8 | std::to_integer<std::size_t>(input[i + 1]);
    std::byte& changed = file[at % (content + 0x120)];
    changed =
        static_cast<std::byte>(std::to_integer<unsigned>(changed) + std::to_integer<unsigned>(input[i + 2]));
  }
  return file;
}

void check(bytes_view file, architecture machine, std::uint64_t memory_size) {
  const status_or<program> read = program::parse(file, machine, memory_size);
  if (!read) return;
  const program& guest = *read;
  std::uint64_t end = layout::program;
  bool starts_in_text = false;
  for (const protection& p : guest.protections()) {
    require(p.first >= end && p.first < p.end && p.end <= memory_size);
    require(p.first % layout::page == 0 && p.end % layout::page == 0);
    require(!(p.writable && p.executable));
    starts_in_text = starts_in_text || (p.executable && guest.entry() >= p.first && guest.entry() < p.end);
    end = p.end;
  }
  require(starts_in_text && guest.end() >= end && guest.end() <= memory_size);
  const status_or<manifest> again = manifest::parse(guest.devices().bytes());
  require(static_cast<bool>(again) && std::ranges::equal(again->bytes(), guest.devices().bytes()));
  require(guest.devices().devices().size() < manifest::max_entries);

  hal::guest_regions<1> memory;
  require(memory.add(hal::guest_address{0}, ram()) == status::ok);
  const status loaded = guest.load(memory);
  require(loaded == status::ok || memory_size > ram_size);
  // back to what it was, where the program may be; then nothing may be otherwise
  if (loaded == status::ok) {
    for (const protection& p : guest.protections()) {
      std::memset(ram().data() + p.first, 0x5a, static_cast<std::size_t>(p.end - p.first));
    }
  }
  static const std::vector<std::byte> untouched(ram_size, std::byte{0x5a});
  require(std::memcmp(ram().data(), untouched.data(), ram_size) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  const architecture machine = (data[0] & 1) != 0 ? architecture::aarch64 : architecture::x86_64;
  constexpr std::array<std::uint64_t, 4> sizes{ram_size, ram_size, 0x400000, layout::most};
  const std::uint64_t memory_size = sizes[data[0] >> 1 & 3];
  if ((data[1] & 1) == 0) {
    check(input.subspan(2), machine, memory_size);
  } else {
    check(mended(input.subspan(2)), architecture::x86_64, memory_size);
  }
  return 0;
}
