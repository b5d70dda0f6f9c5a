// SPDX-License-Identifier: BSL-1.0
//
// A unikernel with a disk and pins: reads all of its disk, blinks at each piece, and prints what cksum(1) says
// of it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
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
    guest::wanted_device{"disk", device_type::block}, guest::wanted_device{"pins", device_type::gpio});

namespace {

constexpr std::uint32_t button = 17;
constexpr std::uint32_t led = 25;
constexpr std::size_t many = 64u << 10;
alignas(4096) std::byte piece[many];

struct crc_table {
  std::uint32_t of[256]{};
  consteval crc_table() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t crc = i << 24;
      for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc >> 31 != 0 ? 0x04c1'1db7u : 0u);
      of[i] = crc;
    }
  }
};
constexpr crc_table rows;

/// The CRC of cksum(1).
class checksum {
 public:
  void add(bytes_view bytes) noexcept {
    for (const std::byte b : bytes) add(static_cast<std::uint32_t>(b));
    size_ += bytes.size();
  }
  std::uint32_t finish() noexcept {
    for (std::uint64_t left = size_; left != 0; left >>= 8) add(static_cast<std::uint32_t>(left & 0xff));
    return ~crc_;
  }

 private:
  void add(std::uint32_t byte) noexcept { crc_ = crc_ << 8 ^ rows.of[crc_ >> 24 ^ byte]; }

  std::uint32_t crc_ = 0;
  std::uint64_t size_ = 0;
};

int run(guest::machine<guest::hypercall_instruction>& here, const guest::start& found) {
  guest::disk disk{guest::hypercall_instruction{}, 1, found.device(1)};
  guest::pins pins{guest::hypercall_instruction{}, 2, found.device(2)};
  if (pins.request(button, {}) != status::ok) return 1;
  if (pins.request(led, {.direction = hal::gpio_direction::output}) != status::ok) return 1;
  const bool several = (disk.features() & block_feature::many_blocks) != 0;
  const std::uint64_t step = several ? many : disk.block_size();
  checksum sum;
  bool on = false;
  for (std::uint64_t at = 0; at < disk.capacity();) {
    const std::uint64_t left = disk.capacity() - at;
    const bytes_span bytes{piece, static_cast<std::size_t>(left < step ? left : step)};
    const status read = disk.read(at, bytes);
    if (read == status::busy) continue;
    if (read != status::ok) return 2;
    sum.add(bytes);
    const status_or<bool> pressed = pins.read(button);
    on = !on && !*pressed;
    if (!pressed || pins.write(led, on) != status::ok) return 3;
    at += bytes.size();
  }
  const std::uint32_t crc = sum.finish();
  print(here, crc, " "sv, disk.capacity());
  return pins.release(led) == status::ok && pins.release(button) == status::ok ? 0 : 4;
}

}  // namespace

extern "C" void unikernel_start(const boot_info* info) {
  guest::machine here{guest::hypercall_instruction{}};
  here.halt(run(here, guest::start{*info}));
}
