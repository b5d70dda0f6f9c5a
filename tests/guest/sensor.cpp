// SPDX-License-Identifier: BSL-1.0
//
// A unikernel with an I2C bus: prints register 0 of the device at 0x50, writes one more to register 1, and
// prints that as the device gives it back.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/hypercall/guest/bus.hpp>
#include <shoal/hypercall/guest/machine.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/guest/start.hpp>

#include "text.hpp"

using namespace shoal;
using namespace shoal::hypercall;
using namespace std::string_view_literals;

[[gnu::section(".note.solo5.abi"), gnu::used]] constexpr guest::abi_section abi;
[[gnu::section(".note.solo5.manifest"), gnu::used]] constexpr auto devices =
    guest::manifest_of(guest::wanted_device{"sensors", device_type::i2c});

namespace {

constexpr hal::i2c_address device{0x50};

int run(guest::machine<guest::hypercall_instruction>& here) {
  guest::bus sensors{guest::hypercall_instruction{}, 1};
  const auto show = [&](std::byte reg) -> status_or<std::byte> {
    const std::array out{reg};
    std::array<std::byte, 1> in{};
    if (const status s = sensors.transfer(device, out, in); s != status::ok) return s;
    here.write(decimal{std::to_integer<std::uint32_t>(in[0])}.text());
    here.write("\n"sv);
    return in[0];
  };
  const status_or<std::byte> value = show(std::byte{0});
  if (!value) return 1;
  const std::array more{std::byte{1}, static_cast<std::byte>(std::to_integer<unsigned>(*value) + 1)};
  if (sensors.transfer(device, more, {}) != status::ok) return 2;
  return show(std::byte{1}) ? 0 : 3;
}

}  // namespace

extern "C" void unikernel_start(const boot_info*) {
  guest::machine here{guest::hypercall_instruction{}};
  here.halt(run(here));
}
