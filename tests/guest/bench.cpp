// SPDX-License-Identifier: BSL-1.0
//
// Makes the same call again and again, for measurements of a tender: "puts N", "read N BYTES" (of its disk,
// from its beginning, over and over), "write N BYTES". Lines have lines.cpp.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/hypercall/guest/disk.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "text.hpp"

using namespace shoal;
using namespace shoal::hypercall;
using namespace std::string_view_literals;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    guest::manifest_of(guest::wanted_device{"disk", device_type::block});

namespace {

constexpr std::size_t most = 1u << 20;
alignas(4096) std::byte data[most];

int run(const guest::start& found) {
  guest::machine here{guest::hypercall_instruction{}};
  guest::disk disk{guest::hypercall_instruction{}, 1, found.device(1)};
  std::string_view line = found.command_line();
  const std::string_view what = next_word(line);
  const std::uint64_t count = next_number(line);
  const auto bytes = static_cast<std::size_t>(next_number(line));
  if (bytes > most || bytes > disk.capacity()) return 1;
  const bytes_span piece{data, bytes};
  std::uint64_t at = 0;
  status done = status::ok;
  for (std::uint64_t i = 0; i < count && done == status::ok; ++i) {
    if (what == "puts"sv) here.write("a line of text, of the length that such lines have\n"sv);
    if (what == "read"sv) done = disk.read(at, piece);
    if (what == "write"sv) done = disk.write(at, piece);
    at = at + 2 * bytes <= disk.capacity() ? at + bytes : 0;
  }
  return done == status::ok ? 0 : 2;
}

}  // namespace

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  here.halt(run(guest::start{*info}));
}
