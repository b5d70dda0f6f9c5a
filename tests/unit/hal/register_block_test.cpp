// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/register_block.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/device_register.hpp>
#include <shoal/hal/register_file.hpp>
#include <shoal/hal/simulated_bus.hpp>

using namespace shoal::hal;

namespace {

using control = device_register<0x00, access_rule::read_write>;
using enable = register_field<control, 0>;
using speed = register_field<control, 4, 3>;
enum class parity : std::uint8_t { none, odd, even };
using checked = register_field<control, 30, 2, parity>;
using state = device_register<0x04, access_rule::read_only>;
using ready = register_field<state, 31>;
using command = device_register<0x08, access_rule::write_only>;
using start = register_field<command, 1>;
using flags = device_register<0x0c, access_rule::write_one_to_clear>;
using overrun = register_field<flags, 2>;
using banks = device_register<0x10, access_rule::read_write, std::uint32_t, 2>;

constexpr bus_address base{0x1000};

using device = register_file<6>;
using block = register_block<simulated_bus<device>>;

static_assert(enable::mask == 1 && speed::mask == 0x70 && checked::mask == 0xc000'0000);
static_assert(register_field<control, 0, 32>::mask == 0xffff'ffff);
static_assert(register_field<device_register<0, access_rule::read_write, std::uint8_t>, 7>::mask == 0x80);
static_assert(register_field<device_register<0, access_rule::read_write, std::uint64_t>, 63>::mask >> 63 == 1);

// What the rules forbid is no call at all.
template <class R>
concept can_read = requires(block& b) { b.template read<R>(); };
template <class R>
concept can_write = requires(block& b) { b.template write<R>(0); };
template <class R>
concept can_change = requires(block& b) { b.template change<R>(1, 1); };
template <class R>
concept can_clear = requires(block& b) { b.template clear<R>(1); };
template <class F>
concept can_get = requires(block& b) { b.template get<F>(); };
template <class F>
concept can_put = requires(block& b) { b.put(F{}); };
template <class F>
concept can_set = requires(block& b) { b.set(F{}); };

static_assert(can_read<control> && can_write<control> && can_change<control> && !can_clear<control>);
static_assert(can_read<state> && !can_write<state> && !can_change<state> && !can_clear<state>);
static_assert(!can_read<command> && can_write<command> && !can_change<command> && !can_clear<command>);
static_assert(can_read<flags> && !can_write<flags> && !can_change<flags> && can_clear<flags>);
static_assert(can_get<enable> && can_put<enable> && can_set<enable>);
static_assert(can_get<ready> && !can_put<ready> && !can_set<ready>);
static_assert(!can_get<start> && can_put<start> && !can_set<start>);
static_assert(can_get<overrun> && !can_put<overrun> && !can_set<overrun>);
// fields of two registers are not one write
static_assert(requires(block& b) { b.put(enable{true}, speed{1}); });
template <class B>
concept can_mix = requires(B& b) { b.put(enable{true}, start{true}); };
static_assert(!can_mix<block>);

}  // namespace

TEST_CASE("put writes a register out of its fields, in one store, and cuts what does not fit") {
  device registers;
  block uart{simulated_bus{placed{base, registers}}, base};
  registers[0].value = 0xffff'ffff;
  uart.put(enable{true}, speed{0xd});
  CHECK(registers[0].value == 0x51);
  CHECK(registers[0].stores == 1);
  CHECK(registers[0].loads == 0);
  uart.put(start{true});
  CHECK(registers[2].value == 2);
}

TEST_CASE("set changes fields and leaves the rest, in one load and one store") {
  device registers;
  block uart{simulated_bus{placed{base, registers}}, base};
  registers[0].value = 0x00ff'ff00;
  uart.set(speed{5}, checked{parity::even});
  CHECK(registers[0].value == 0x80ff'ff50);
  CHECK(registers[0].loads == 1);
  CHECK(registers[0].stores == 1);
  CHECK(uart.get<checked>() == parity::even);
  CHECK(uart.get<speed>() == 5);
  CHECK_FALSE(uart.get<enable>());
}

TEST_CASE("clear stores the flags that are to go, and nothing is read") {
  device registers;
  block uart{simulated_bus{placed{base, registers}}, base};
  registers[3] = {.value = 0b1111, .writable = 0, .write_one_to_clear = 0xff};
  CHECK(uart.get<overrun>());
  uart.clear<flags>(overrun::mask);
  CHECK(registers[3].value == 0b1011);
  CHECK(registers[3].loads == 1);
}

TEST_CASE("registers in a row end where they end") {
  device registers;
  block uart{simulated_bus{placed{base, registers}}, base};
  uart.write<banks>(7, 1);
  CHECK(registers[5].value == 7);
  CHECK(uart.read<banks>(1) == 7);
  uart.write<banks>(9, 2);
  uart.change<banks>(1, 1, UINT32_MAX);
  uart.clear<flags>(1, 1);
  CHECK(uart.read<banks>(2) == 0xffff'ffff);
  CHECK(registers[4].stores == 0);
}

TEST_CASE("a script says what loads find, and an access of another width is none") {
  device registers;
  simulated_bus bus{placed{base, registers}};
  block uart{bus, base};
  CHECK(registers.script(1, 1));
  CHECK(registers.script(1, 0x8000'0000));
  CHECK(registers.script(0, 5));
  CHECK_FALSE(uart.get<ready>());
  CHECK(uart.get<ready>());
  CHECK(uart.get<ready>());
  CHECK(uart.read<control>() == 5);
  CHECK(bus.load<std::uint8_t>(base) == 0xff);
  bus.store<std::uint16_t>(base, 1);
  CHECK(registers[0].value == 5);
  for (std::size_t i = 0; i < device::longest_script; ++i) REQUIRE(registers.script(2, 0));
  CHECK_FALSE(registers.script(2, 0));
}
