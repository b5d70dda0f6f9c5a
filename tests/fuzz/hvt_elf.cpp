// SPDX-License-Identifier: BSL-1.0
//
// A unikernel's file of any content: what the loader accepts is inside the memory, whole pages, never written
// and executed both, starts in its text, and is loaded without touching anything else; no more of the file than
// it says it needs is looked at; whoever looks at it then finds it as its file has it, and symbols lie in what
// it asks for. The first byte chooses machine and memory; when the second is odd the rest goes into the headers
// and tables of a file that is otherwise good.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/hypercall/program.hpp>
#include <shoal/vmi/image_memory.hpp>
#include <shoal/vmi/unikernel_check.hpp>

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

/// A good file with the input over its headers, notes, sections and symbols, from the program headers on.
std::vector<std::byte> mended(bytes_view input) {
  constexpr std::size_t headers = 5;
  constexpr std::size_t content = 64 + headers * 56;
  constexpr std::size_t sections = content + 0x120;
  constexpr std::size_t symbols = sections + std::size_t{3} * 64;
  constexpr std::size_t symbol_count = 5;
  constexpr std::size_t names = symbols + symbol_count * 24;
  constexpr std::size_t end = names + 16;
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
  put(40, sections, 8);
  put(58, 64, 2);
  put(60, 3, 2);
  const auto section = [&](std::size_t i, std::uint64_t type, std::uint64_t offset, std::uint64_t size) {
    put(sections + i * 64 + 4, type, 4);
    put(sections + i * 64 + 24, offset, 8);
    put(sections + i * 64 + 32, size, 8);
    put(sections + i * 64 + 40, 2, 4);
    put(sections + i * 64 + 56, 24, 8);
  };
  section(1, 2, symbols, symbol_count * 24);
  section(2, 3, names, 16);
  constexpr std::array<std::uint64_t, symbol_count> places{0, 0x100000, 0x101000, 0x102000, 0x102008};
  for (std::size_t i = 1; i < symbol_count; ++i) {
    put(symbols + i * 24, 2 * i, 4);
    put(symbols + i * 24 + 4, (i & 1) << 4, 1);
    put(symbols + i * 24 + 6, 1, 2);
    put(symbols + i * 24 + 8, places[i], 8);
    put(symbols + i * 24 + 16, 2 * i, 8);
    put(names + 2 * i, 'a' + i, 1);
  }
  // three bytes a change: where (twice), what to add
  for (std::size_t i = 0; i + 3 <= input.size(); i += 3) {
    const std::size_t at =
        std::to_integer<std::size_t>(input[i]) << 8 | std::to_integer<std::size_t>(input[i + 1]);
    std::byte& changed = file[at % end];
    changed =
        static_cast<std::byte>(std::to_integer<unsigned>(changed) + std::to_integer<unsigned>(input[i + 2]));
  }
  return file;
}

vmi::image_memory<vmi::bytes_source> seen_from_outside() {
  return *vmi::image_memory<vmi::bytes_source>::make(vmi::bytes_source{ram()}, vmi::raw_regions(ram_size));
}

/// Whatever a file says of its memory can be asked for, and looked at in a memory that has none of it.
void check_image(const vmi::unikernel_image& image) {
  const auto memory = seen_from_outside();
  for (const vmi::constant_area& each : image.constants()) {
    require(each.size != 0 && contains(vmi::max_unikernel, value(each.base), each.size));
    require(contains(each.size, each.before, each.bytes.size()));
    for (const vmi::physical_address at : {each.base, each.base + each.before, each.base + (each.size - 1)}) {
      const auto place = image.at(at);
      if (!place) continue;
      const vmi::unikernel_symbol& in = place->symbol;
      require(contains(vmi::max_unikernel, value(in.address), in.size) && value(at) >= value(in.address));
      require(in.size == 0 || place->offset < in.size);
      const result<vmi::unikernel_symbol> named = image.find(in.name);
      const bool cut = in.name.size() == vmi::max_symbol_name;
      require(cut || (named ? named->name == in.name : named.error() == errc::invalid_argument));
      const auto is = vmi::read_global(memory, in);
      require(!is || is->bytes().size() == in.size);
    }
  }
  // a page at a time, so that a file cannot ask for hours
  if (image.constants().size() < 8)
    require(vmi::check_unikernel(memory, image).size() <= 2 * vmi::max_findings);
}

void check(bytes_view file, architecture machine, std::uint64_t memory_size) {
  const result<vmi::unikernel_image> image = vmi::unikernel_image::parse(file);
  if (image) check_image(*image);
  const status_or<program> read = program::parse(file, machine, memory_size);
  constexpr std::size_t beginning = 512;
  const std::uint64_t needed = program::bytes_needed(file.first(std::min(file.size(), beginning)));
  const bytes_view part = file.first(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), needed)));
  require(program::parse(part, machine, memory_size).code == read.code);
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

  const auto fill = [&guest](int byte) {
    for (const protection& p : guest.protections()) {
      const std::uint64_t last = std::min<std::uint64_t>(p.end, ram_size);
      if (p.first < last) std::memset(ram().data() + p.first, byte, static_cast<std::size_t>(last - p.first));
    }
  };
  hal::guest_regions<1> memory;
  require(memory.add(hal::guest_address{0}, ram()) == status::ok);
  fill(0);
  const status loaded = guest.load(memory);
  require(loaded == status::ok || memory_size > ram_size);
  if (loaded == status::ok && image) require(vmi::check_unikernel(seen_from_outside(), *image).empty());
  // back to what it was, where the program may be; then nothing may be otherwise
  fill(0x5a);
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
