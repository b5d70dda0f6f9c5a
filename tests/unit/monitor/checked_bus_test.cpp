// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/checked_bus.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/hal/recording_i2c.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/monitor/rule_file.hpp>

namespace {

using namespace shoal::monitor;
using shoal::status;
using namespace shoal::hal;

/// Registers that count how often they were accessed.
struct counting_bus {
  std::array<std::uint64_t, 16> registers{};
  int accesses = 0;

  template <register_word T>
  T load(bus_address address) noexcept {
    ++accesses;
    return static_cast<T>(registers[static_cast<std::size_t>(address) / 4 % 16]);
  }
  template <register_word T>
  void store(bus_address address, T value) noexcept {
    ++accesses;
    registers[static_cast<std::size_t>(address) / 4 % 16] = value;
  }
  template <register_word T>
  T in(port_address port) noexcept {
    return load<T>(bus_address{static_cast<std::uint64_t>(port)});
  }
  template <register_word T>
  void out(port_address port, T value) noexcept {
    store<T>(bus_address{static_cast<std::uint64_t>(port)}, value);
  }
};

std::uint64_t no_time() noexcept {
  return 0;
}

std::vector<rule> rules(std::string_view text) {
  return parse_rules(text).rules;
}

using checked = checked_bus<counting_bus, rule_engine<>, std::uint64_t (*)() noexcept>;
static_assert(mmio_bus<checked>);
static_assert(port_bus<checked_port_bus<counting_bus, rule_engine<>, std::uint64_t (*)() noexcept>>);

}  // namespace

TEST_CASE("an access that is denied does not reach the device") {
  counting_bus hardware;
  rule_engine guard{
      rules("forbid a write 0x4 deny\nforbid b read 0x8 deny\nforbid c write 0xc value 1/1 deny")};
  checked bus{hardware, guard, no_time};
  hardware.registers[2] = 5;
  bus.store<std::uint32_t>(bus_address{4}, 1);
  CHECK(bus.load<std::uint32_t>(bus_address{8}) == 0xffff'ffff);
  CHECK(bus.load<std::uint8_t>(bus_address{8}) == 0xff);
  bus.store<std::uint32_t>(bus_address{12}, 3);
  CHECK(hardware.accesses == 0);
  CHECK(guard.alerts() == 4);
  bus.store<std::uint32_t>(bus_address{12}, 2);
  CHECK(hardware.registers[3] == 2);
  CHECK(bus.load<std::uint32_t>(bus_address{12}) == 2);
  CHECK(guard.alerts() == 4);
}

TEST_CASE("a value that may not be seen is not, though it was read; and a read counts once") {
  counting_bus hardware;
  rule_engine guard{rules("forbid a read 0x4 value 7 deny\nrate b read 0x4 limit 2 per 1s")};
  checked bus{hardware, guard, no_time};
  hardware.registers[1] = 7;
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 0xffff'ffff);
  hardware.registers[1] = 6;
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 6);
  CHECK(guard.alerts() == 1);
  (void)bus.load<std::uint32_t>(bus_address{4});
  CHECK(guard.alerts() == 2);
}

TEST_CASE("a rule that does not deny lets an access through") {
  counting_bus hardware;
  rule_engine guard{rules("forbid a write port:4")};
  checked_port_bus bus{hardware, guard, no_time};
  bus.out<std::uint8_t>(port_address{4}, 9);
  CHECK(hardware.registers[1] == 9);
  CHECK(bus.in<std::uint8_t>(port_address{4}) == 9);
  CHECK(guard.alerts() == 1);
}

TEST_CASE("GPIO calls that are denied fail and change nothing") {
  simulated_chip<8> chip;
  rule_engine guard{
      rules("forbid a request line:3 deny\nforbid b write line:2 value 1 deny\nforbid c read line:1 deny")};
  checked_gpio pins{chip, guard, no_time};
  static_assert(gpio_chip<decltype(pins)>);
  CHECK(pins.line_count() == 8);
  const gpio_config output{.direction = gpio_direction::output};
  CHECK(pins.request(3, output) == status::failed);
  REQUIRE(pins.request(2, output) == status::ok);
  CHECK(pins.write(2, true) == status::failed);
  CHECK(pins.write(2, false) == status::ok);
  CHECK(pins.read(2).value == false);
  REQUIRE(pins.request(1, {}) == status::ok);
  CHECK(pins.read(1).code == status::failed);
  CHECK(pins.release(1) == status::ok);
  CHECK(guard.alerts() == 3);
  if constexpr (can_gpio_lines<decltype(pins)>) {
    CHECK(pins.write_lines(0, 0b100, 0b100) == status::failed);
    CHECK(pins.write_lines(0, 0b100, 0b000) == status::ok);
    CHECK(pins.read_lines(0, 0b110).code == status::failed);
    CHECK(pins.read_lines(0, 0b100).value == 0);
  }
}

TEST_CASE("registers of a device are asked about by their addresses, in all widths") {
  struct counter {
    std::uint64_t size() const noexcept { return 16; }
    std::uint64_t load(std::uint64_t, std::uint8_t) noexcept { return ++reads; }
    void store(std::uint64_t, std::uint64_t value, std::uint8_t) noexcept { stored = value; }
    std::uint64_t reads = 0;
    std::uint64_t stored = 0;
  };
  rule_engine guard{rules("forbid a any 0x1008 deny\nforbid b read 0x1004 value 1/1 deny")};
  checked_model device{counter{}, guard, no_time, 0x1000};
  static_assert(device_model<decltype(device)>);
  CHECK(device.size() == 16);
  CHECK(device.load(8, 1) == 0xff);
  CHECK(device.load(8, 2) == 0xffff);
  CHECK(device.load(8, 4) == 0xffff'ffff);
  CHECK(device.load(8, 8) == ~std::uint64_t{0});
  CHECK(guard.alerts() == 4);
  CHECK(device.load(0, 4) == 1);  // the first that has reached it
  CHECK(device.load(4, 4) == 2);
  CHECK(device.load(4, 4) == 0xffff'ffff);
  device.store(8, 7, 4);
  CHECK(guard.alerts() == 6);
  device.store(0, 7, 4);
  CHECK(guard.alerts() == 6);
}

TEST_CASE("an edge that is denied is not told, and the one behind it is") {
  simulated_chip<8> chip;
  rule_engine guard{rules("forbid a read line:1 value 1 deny")};
  checked_gpio pins{chip, guard, no_time};
  REQUIRE(pins.request(1, {.edges = gpio_edge::both}) == status::ok);
  chip.drive(1, true);
  chip.drive(1, false);
  gpio_event event;
  REQUIRE(pins.next_event(event));
  CHECK(event.edge == gpio_edge::falling);
  CHECK_FALSE(pins.next_event(event));
  CHECK(guard.alerts() == 1);
}

TEST_CASE("a transfer of I2C that is denied fails and does not reach the device") {
  i2c_registers<256> device;
  device[1] = std::byte{0x11};
  simulated_i2c hardware{i2c_placed{i2c_address{0x50}, device}, i2c_placed{i2c_address{0x20}, device}};
  rule_engine guard{
      rules("forbid long write i2c:0x50 longer 1 deny\nforbid reg write i2c:0x50 value 9/0xff deny\n"
            "forbid far read i2c:0x50 longer 4 deny\nforbid seen read i2c:0x50 value 0x11/0xff deny\n"
            "allow known any i2c:0x50\nforbid others any i2c:* deny")};
  checked_i2c bus{hardware, guard, no_time};
  static_assert(i2c_bus<decltype(bus)>);
  const i2c_address known{0x50};
  std::array<std::byte, 5> in{};
  const std::array reg{std::byte{2}};
  const std::array bad{std::byte{9}};
  const std::array set{std::byte{2}, std::byte{7}};
  CHECK(bus.transfer(known, reg, shoal::bytes_span{in}.first(4)) == status::ok);
  CHECK(guard.alerts() == 0);
  CHECK(bus.transfer(known, set, {}) == status::failed);
  CHECK(device[2] == std::byte{0});
  CHECK(bus.transfer(known, set, in) == status::failed);
  CHECK(device[2] == std::byte{0});
  CHECK(guard.alerts() == 2);
  CHECK(bus.transfer(known, bad, shoal::bytes_span{in}.first(1)) == status::failed);
  CHECK(bus.transfer(known, reg, in) == status::failed);  // what it reads is too long: nothing is written
  CHECK(guard.alerts() == 4);
  CHECK(bus.transfer(i2c_address{0x20}, {}, in) == status::failed);
  CHECK(guard.alerts() == 5);

  // a value that may not be seen is not, though it was read
  const std::array to_secret{std::byte{1}};
  CHECK(bus.transfer(known, to_secret, shoal::bytes_span{in}.first(2)) == status::failed);
  CHECK(in[0] == std::byte{0xff});
  CHECK(in[1] == std::byte{0xff});
  CHECK(guard.alerts() == 6);

  // what is no transfer is nobody's, and nobody is asked
  CHECK(bus.transfer(i2c_address{0x78}, reg, {}) == status::invalid_argument);
  CHECK(guard.alerts() == 6);
}

TEST_CASE("a buffer that is written and read into is judged as it was written") {
  i2c_registers<256> device;
  device[3] = std::byte{5};
  simulated_i2c hardware{i2c_placed{i2c_address{0x50}, device}};
  rule_engine guard{rules("forbid a read i2c:0x50 value 0 deny")};
  checked_i2c bus{hardware, guard, no_time};
  std::array<std::byte, 1> both{std::byte{3}};
  CHECK(bus.transfer(i2c_address{0x50}, both, both) == status::ok);
  CHECK(both[0] == std::byte{5});
  CHECK(guard.alerts() == 0);
}

TEST_CASE("a recording of I2C breaks the rules that its transfers broke") {
  struct kept {
    std::vector<access_record>* records;
    void put(const access_record& seen) noexcept { records->push_back(seen); }
  };
  i2c_registers<256> device;
  device[7] = std::byte{0xaa};
  simulated_i2c hardware{i2c_placed{i2c_address{0x48}, device}};
  constexpr std::string_view text =
      "forbid a write i2c:0x48 longer 1\nforbid b read i2c:0x48 value 0xaa/0xff\n"
      "rate c any i2c:* limit 3 per 1s\nchatter d read i2c:0x48 limit 1 per 1s\nforbid e write i2c:0x49";
  rule_engine guard{rules(text)};
  std::vector<access_record> records;
  recording_i2c recorded{hardware, every_access{}, kept{&records}};
  checked_i2c bus{recorded, guard, no_time};
  const std::array<std::byte, 12> many{std::byte{6}, std::byte{0x55}};
  std::array<std::byte, 2> in{};
  const std::array from_6{std::byte{6}};
  const std::array from_7{std::byte{7}};
  CHECK(bus.transfer(i2c_address{0x48}, many, {}) == status::ok);
  device[7] = std::byte{0xaa};
  CHECK(bus.transfer(i2c_address{0x48}, from_6, in) == status::ok);
  CHECK(bus.transfer(i2c_address{0x48}, from_7, in) == status::ok);
  CHECK(bus.transfer(i2c_address{0x48}, from_6, in) == status::ok);
  CHECK(bus.transfer(i2c_address{0x49}, from_6, {}) == status::failed);  // nobody is there
  CHECK(guard.alerts() == 5);                                            // one of each
  CHECK(records.size() == 2 + 6 + 2);

  rule_engine later{rules(text)};
  for (const access_record& each : records) (void)later.check(0, each);
  CHECK(later.alerts() == guard.alerts());
}
