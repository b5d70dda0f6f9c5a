// SPDX-License-Identifier: BSL-1.0
//
// Uses the buses and GPIO chips of hal/ as a guest without a standard library would.
#include <cstddef>
#include <cstdint>

#include <everything.hpp>

using namespace shoal::hal;
using shoal::status;

namespace {

// A volatile, so that the compiler cannot do it all by itself.
alignas(8) volatile std::uint32_t memory[64];

template <class Chip>
bool drives_a_line(Chip& chip, std::uint32_t line) noexcept {
  return chip.request(line, {.direction = gpio_direction::output, .active_low = true}) == status::ok &&
         chip.write(line, true) == status::ok && chip.release(line) == status::ok &&
         chip.request(chip.line_count(), {}) == status::out_of_range;
}

bool mapped_registers_are_what_is_stored() noexcept {
  bcm2835_chip chip{mapped_bus<fixed_range<0x3f20'0000, sizeof(memory)>>{{}, memory},
                    fixed_address<0x3f20'0000>{}};
  if (!drives_a_line(chip, 17)) return false;
  return memory[0x28 / 4] == 1u << 17 && memory[0x1c / 4] == 1u << 17;  // low, and before that high
}

bool registers_meet_their_models() noexcept {
  bcm2711_model pi;
  pl061_model arm;
  simulated_bus bus{placed{bus_address{0x1000}, pi}, placed{bus_address{0x2000}, arm}};
  bcm2711_chip first{bus, bus_address{0x1000}};
  pl061_chip second{bus, bus_address{0x2000}};
  if (!drives_a_line(first, 57) || !drives_a_line(second, 7)) return false;
  if (second.request(3, {.edges = gpio_edge::both}) != status::ok) return false;
  arm.drive(3, true);
  gpio_event event;
  return second.next_event(event) && event.line == 3 && event.edge == gpio_edge::rising;
}

bool simulated_lines_are_driven_and_seen() noexcept {
  simulated_chip<8> chip;
  chip.connect(2, 5);
  if (!drives_a_line(chip, 2) || chip.request(5, {.edges = gpio_edge::both}) != status::ok) return false;
  if (chip.request(2, {.direction = gpio_direction::output, .level = true}) != status::ok) return false;
  gpio_event event;
  return chip.read(5).value && chip.next_event(event) && event.line == 5;
}

bool i2c_registers_are_read() noexcept {
  i2c_registers<16> sensor;
  sensor[3] = std::byte{7};
  simulated_i2c bus{i2c_placed{i2c_address{0x76}, sensor}};
  const std::byte out[] = {std::byte{3}};
  std::byte in[1];
  return bus.transfer(i2c_address{0x76}, out, in) == status::ok && in[0] == std::byte{7};
}

}  // namespace

bool registers_and_lines_work() noexcept {
  return mapped_registers_are_what_is_stored() && registers_meet_their_models() &&
         simulated_lines_are_driven_and_seen() && i2c_registers_are_read();
}
