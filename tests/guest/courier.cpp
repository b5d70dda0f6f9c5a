// SPDX-License-Identifier: BSL-1.0
//
// A unikernel with a disk, a network and lines, which does what its command line says, word by word: "read N"
// and "write N" (a block), "send PORT" (a datagram to 192.0.2.1), "receive" (one, from any port), "led N".
// Prints how each ended.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/hypercall/guest/disk.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/pins.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "text.hpp"

using namespace shoal;
using namespace shoal::hypercall;
using namespace std::string_view_literals;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices = guest::manifest_of(
    guest::wanted_device{"disk", device_type::block}, guest::wanted_device{"service", device_type::net},
    guest::wanted_device{"pins", device_type::gpio});

namespace {

constexpr guest::hypercall_instruction out;
constexpr std::uint32_t led = 25;
constexpr std::size_t udp_at = 34;  // behind Ethernet and IPv4
std::array<std::byte, 512> block;
std::array<std::byte, 1518> frame;

std::uint32_t move_frame(std::uint32_t number, std::size_t& length) {
  net_call asked{.handle = 2, .data = reinterpret_cast<std::uintptr_t>(frame.data()), .length = length};
  out.call(number, &asked);
  length = static_cast<std::size_t>(std::uint64_t{asked.length});
  return asked.result;
}

std::uint32_t send_to(std::uint16_t port) {
  constexpr std::array<unsigned char, udp_at> head{
      255, 255, 255, 255, 255, 255, 2, 0, 94, 0,  83, 1, 8,   0,        // Ethernet
      69,  0,   0,   28,  0,   0,   0, 0, 64, 17, 0,  0, 192, 0, 2, 2,  // IPv4, of 20 + 8 bytes
      192, 0,   2,   1};
  for (std::size_t i = 0; i < head.size(); ++i) frame[i] = static_cast<std::byte>(head[i]);
  store_be<std::uint16_t>(&frame[udp_at], 4000);
  store_be<std::uint16_t>(&frame[udp_at + 2], port);
  store_be<std::uint16_t>(&frame[udp_at + 4], 8);
  std::size_t length = udp_at + 8;
  return move_frame(number::net_write, length);
}

/// The port that it comes from.
std::uint64_t receive(guest::machine<guest::hypercall_instruction>& here) {
  while (true) {
    std::size_t length = frame.size();
    if (move_frame(number::net_read, length) == 0) return load_be<std::uint16_t>(&frame[udp_at]);
    here.wait(1'000'000);
  }
}

void run(guest::machine<guest::hypercall_instruction>& here, const guest::start& found) {
  guest::disk disk{guest::hypercall_instruction{}, 1, found.device(1)};
  guest::pins pins{guest::hypercall_instruction{}, 3, found.device(3)};
  const auto tell = [&here](std::string_view what, bool done) {
    print(here, what, done ? " done"sv : " refused"sv);
  };
  std::string_view line = found.command_line();
  while (!line.empty()) {
    const std::string_view what = next_word(line);
    if (what == "receive"sv) {
      print(here, "received from "sv, receive(here));
      continue;
    }
    const std::uint64_t number = next_number(line);
    if (what == "read"sv) tell(what, disk.read(number * block.size(), block) == status::ok);
    if (what == "write"sv) tell(what, disk.write(number * block.size(), block) == status::ok);
    if (what == "send"sv) tell(what, send_to(static_cast<std::uint16_t>(number)) == 0);
    if (what == "led"sv) {
      const status taken = pins.request(led, {.direction = hal::gpio_direction::output});
      tell(what, taken == status::ok && pins.write(led, number != 0) == status::ok);
    }
  }
}

}  // namespace

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  run(here, guest::start{*info});
  here.halt(0);
}
