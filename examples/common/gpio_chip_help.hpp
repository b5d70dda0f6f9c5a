// SPDX-License-Identifier: BSL-1.0
//
// How the chips of common/gpio_chips.hpp are named, for people: of --help and of mistakes.
#pragma once

#include <string_view>

namespace common {

inline constexpr std::string_view gpio_chip_help =
    "a GPIO chip is named by a URI:\n"
    "  cdev:/dev/gpiochip0                     a GPIO character device of Linux\n"
    "  sysfs:458, sysfs:pinctrl-bcm2835        /sys/class/gpio: by the chip's base, or what its driver calls "
    "it\n"
    "  bcm2835:/dev/gpiomem, bcm2711:...       registers of a Raspberry Pi 1 to 3, of a Pi 4; also "
    "bcm2835:0x3f200000\n"
    "  pl061:0x9030000                         registers of an ARM PL061, by /dev/mem\n"
    "  qtest:SOCKET?pl061=0x9030000            the same in QEMU (-qtest unix:SOCKET,server=on); also "
    "?bcm2835=...\n"
    "  sim:8, sim:8?names=led,key&wires=0-1    simulated, inside this program\n"
    "  sim:8?press=3/100ms                     with somebody who presses the switch at line 3 that often";

}  // namespace common
