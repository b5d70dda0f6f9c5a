// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/gpio_device.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_chip.hpp>
#include <shoal/virtio/mmio_registers.hpp>

#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::ram;
using chip_type = hal::simulated_chip<8>;
using device_type = gpio_device<chip_type>;
static_assert(virtio::device<device_type>);
static_assert(hal::mmio_bus<mmio_registers<device_type, ram>>);

/// A device, its two queues, and a driver for them.
struct fixture {
  chip_type chip;
  std::shared_ptr<device_type> device;
  std::shared_ptr<ram> memory = std::make_shared<ram>();
  driver_model::queue requests{*memory, 8};
  driver_model::queue events{*memory, 8, ram::base + 0x40000};
  unsigned interrupts = 0;
  std::shared_ptr<queue_runner<device_type, ram>> runners[2];

  fixture() {
    chip.set_name(0, "led");
    chip.set_name(3, "button");
    device = std::make_shared<device_type>(chip);
    device->start(device->features());
    const queue_hooks hooks{.interrupt = [this](std::uint16_t) { ++interrupts; },
                            .again = [](std::uint16_t) {},
                            .broken = [](std::uint16_t) {},
                            .idle = [](std::uint16_t) {},
                            .start = [](task<>) {}};
    for (std::uint16_t i = 0; i < 2; ++i) {
      runners[i] = std::make_shared<queue_runner<device_type, ram>>(device, i, hooks);
      const auto& layout = i == 0 ? requests.layout() : events.layout();
      REQUIRE(runners[i]->enable(memory, layout, {}) == status::ok);
    }
  }

  /// Sends bytes and gives what came back, as long as it said.
  std::vector<std::byte> send(bytes_view request, std::size_t room = 2) {
    const std::array out{request};
    const std::array in{room};
    const auto at = requests.request(0, out, in);
    const std::uint16_t before = requests.used();
    runners[0]->run();
    poll();
    REQUIRE(requests.used() == static_cast<std::uint16_t>(before + 1));
    const std::byte* const answer = memory->at(at[0]);
    return {answer, answer + requests.used_at(before).written};
  }
  gpio_response ask(gpio_message type, std::uint16_t line, std::uint32_t value = 0) {
    const auto bytes = to_bytes(gpio_request{type, line, value});
    const auto answer = send(bytes);
    REQUIRE(answer.size() == 2);
    return {static_cast<gpio_status>(answer[0]), std::to_integer<std::uint8_t>(answer[1])};
  }
  bool does(gpio_message type, std::uint16_t line, std::uint32_t value = 0) {
    return ask(type, line, value).status == gpio_status::ok;
  }
  int value(std::uint16_t line) {
    const gpio_response r = ask(gpio_message::get_value, line);
    return r.status == gpio_status::ok ? r.value : -1;
  }
  void poll() {
    kept_return kept;
    while (device->next_return(kept)) runners[kept.queue]->give_back(kept);
  }
  /// Offers a buffer for the interrupt of a line; where its status will be.
  hal::guest_address wait(std::uint16_t line, std::uint16_t first) {
    std::array<std::byte, 2> number;
    store_le(number.data(), line);
    const std::array<bytes_view, 1> out{number};
    const std::array in{std::size_t{1}};
    const auto at = events.request(first, out, in)[0];
    *memory->at(at) = std::byte{0xee};
    runners[1]->run();
    return at;
  }
  std::uint8_t byte(hal::guest_address at) { return std::to_integer<std::uint8_t>(*memory->at(at)); }
};

TEST_CASE("a device says how many lines there are and what they are called") {
  fixture f;
  CHECK(f.device->id() == device_id::gpio);
  CHECK(f.device->queue_count() == 2);
  CHECK(f.device->features() == gpio_feature::irq);
  const bytes_view config = f.device->config();
  REQUIRE(config.size() == 8);
  CHECK(load_le<std::uint16_t>(config.data()) == 8);
  const std::uint32_t size = load_le<std::uint32_t>(config.data() + 4);
  const auto request = to_bytes(gpio_request{});
  const auto names = f.send(request, size + 1);
  REQUIRE(names.size() == size + 1);
  CHECK(names[0] == std::byte{0});
  CHECK(as_text(bytes_view{names}.subspan(1)) == std::string_view{"led\0\0\0button\0\0\0\0\0", 17});
}

TEST_CASE("names that do not fit are an error, with every byte set") {
  fixture f;
  const auto request = to_bytes(gpio_request{});
  const auto names = f.send(request, 5);
  CHECK(names == std::vector<std::byte>{std::byte{1}, {}, {}, {}, {}});
}

TEST_CASE("a chip without names has none in the configuration") {
  chip_type chip;
  const device_type device{chip};
  CHECK(load_le<std::uint32_t>(device.config().data() + 4) == 0);
}

TEST_CASE("a driver moves lines of the chip") {
  fixture f;
  using enum gpio_message;
  CHECK(f.value(1) == -1);  // nobody has said what the line is
  CHECK(f.ask(get_direction, 1) == gpio_response{gpio_status::ok, 0});
  CHECK(f.does(set_direction, 1, 1));
  CHECK(f.ask(get_direction, 1) == gpio_response{gpio_status::ok, 1});
  CHECK(f.value(1) == 0);
  CHECK(f.does(set_value, 1, 1));
  CHECK(f.chip.level(1));
  CHECK(f.chip.is_output(1));
  CHECK(f.value(1) == 1);

  CHECK(f.does(set_direction, 2, 2));
  f.chip.drive(2, true);
  CHECK(f.value(2) == 1);

  CHECK(f.does(set_direction, 1, 0));
  CHECK_FALSE(f.chip.is_output(1));
  CHECK(f.chip.hold(1, true));  // it is free
}

TEST_CASE("a value that is set before the direction is what the line begins with") {
  fixture f;
  CHECK(f.does(gpio_message::set_value, 4, 1));
  CHECK_FALSE(f.chip.level(4));
  CHECK(f.does(gpio_message::set_direction, 4, 1));
  CHECK(f.chip.level(4));
  // and is forgotten with the direction
  CHECK(f.does(gpio_message::set_direction, 4, 0));
  CHECK(f.does(gpio_message::set_direction, 4, 1));
  CHECK_FALSE(f.chip.level(4));
}

TEST_CASE("nonsense is answered with an error") {
  fixture f;
  using enum gpio_message;
  CHECK_FALSE(f.does(get_value, 8));
  CHECK_FALSE(f.does(set_direction, 0xffff, 1));
  CHECK_FALSE(f.does(set_direction, 1, 3));
  CHECK_FALSE(f.does(set_value, 1, 2));
  CHECK_FALSE(f.does(irq_type, 1, 5));
  CHECK_FALSE(f.does(irq_type, 1, 0x10001));
  CHECK_FALSE(f.does(static_cast<gpio_message>(0), 1));
  CHECK_FALSE(f.does(static_cast<gpio_message>(7), 1));
  const auto whole = to_bytes(gpio_request{get_direction, 1, 0});
  CHECK(f.send(bytes_view{whole}.first(7)) == std::vector{std::byte{1}, std::byte{0}});
  const std::array<std::byte, 20> longer{std::byte{2}};
  CHECK(f.send(longer) == std::vector{std::byte{1}, std::byte{0}});
  f.chip.hold(5, true);
  CHECK_FALSE(f.does(set_direction, 5, 1));
  CHECK(f.ask(get_direction, 5) == gpio_response{gpio_status::ok, 0});
}

TEST_CASE("a request without room for an answer does no harm") {
  fixture f;
  const auto request = to_bytes(gpio_request{gpio_message::set_direction, 1, 1});
  CHECK(f.send(request, 1).size() == 1);
  const std::array<bytes_view, 1> out{request};
  f.requests.request(0, out, {});
  f.runners[0]->run();
  CHECK(f.requests.used_at(static_cast<std::uint16_t>(f.requests.used() - 1)).written == 0);
}

TEST_CASE("an edge comes to whoever waits for it") {
  fixture f;
  using enum gpio_message;
  REQUIRE(f.does(set_direction, 3, 2));
  REQUIRE(f.does(irq_type, 3, 1));
  const auto first = f.wait(3, 0);
  CHECK(f.events.used() == 0);
  f.chip.drive(3, true);
  f.poll();
  CHECK(f.events.used() == 1);
  CHECK(f.events.used_at(0) == driver_model::used_entry{0, 1});
  CHECK(f.byte(first) == 1);

  // latched while nobody waits, once
  f.chip.drive(3, false);
  f.chip.drive(3, true);
  f.chip.drive(3, false);
  f.chip.drive(3, true);
  f.poll();
  CHECK(f.events.used() == 1);
  const auto second = f.wait(3, 2);
  CHECK(f.events.used() == 2);
  CHECK(f.byte(second) == 1);
  const auto third = f.wait(3, 4);
  CHECK(f.events.used() == 2);

  // no interrupt any more: the one that waits comes back empty
  REQUIRE(f.does(irq_type, 3, 0));
  CHECK(f.events.used() == 3);
  CHECK(f.byte(third) == 0);
  f.chip.drive(3, false);
  f.chip.drive(3, true);
  f.poll();
  CHECK(f.events.used() == 3);
}

TEST_CASE("a level interrupt is due for as long as the level is there") {
  fixture f;
  using enum gpio_message;
  REQUIRE(f.does(set_direction, 3, 2));
  REQUIRE(f.does(irq_type, 3, 4));
  const auto first = f.wait(3, 0);
  CHECK(f.events.used() == 0);
  f.chip.drive(3, true);
  f.poll();
  CHECK(f.byte(first) == 1);
  f.wait(3, 2);
  CHECK(f.events.used() == 2);
  f.chip.drive(3, false);
  f.wait(3, 4);
  CHECK(f.events.used() == 2);
}

TEST_CASE("buffers for interrupts that cannot come are given back at once") {
  fixture f;
  REQUIRE(f.does(gpio_message::set_direction, 3, 2));
  CHECK(f.byte(f.wait(3, 0)) == 0);  // no type was set
  CHECK(f.byte(f.wait(8, 2)) == 0);  // no such line
  REQUIRE(f.does(gpio_message::irq_type, 3, 3));
  const auto waits = f.wait(3, 4);
  CHECK(f.byte(waits) == 0xee);
  CHECK(f.byte(f.wait(3, 6)) == 0);  // another one waits already
  CHECK(f.events.used() == 3);
  // an output has no interrupts
  REQUIRE(f.does(gpio_message::set_direction, 4, 1));
  CHECK_FALSE(f.does(gpio_message::irq_type, 4, 1));
}

TEST_CASE("a chip without events offers no interrupts") {
  chip_type chip{hal::manual_clock{}, {.bias = true}};
  device_type device{chip};
  CHECK(device.features() == 0);
  CHECK(device.queue_count() == 2);
}

TEST_CASE("a driver that has not accepted interrupts gets none") {
  fixture f;
  CHECK(f.device->sends_events());
  f.device->start(0);
  CHECK_FALSE(f.device->sends_events());
  REQUIRE(f.does(gpio_message::set_direction, 3, 2));
  CHECK_FALSE(f.does(gpio_message::irq_type, 3, 1));
  CHECK(f.byte(f.wait(3, 0)) == 0);
}

TEST_CASE("a reset gives the lines back") {
  fixture f;
  REQUIRE(f.does(gpio_message::set_direction, 1, 1));
  REQUIRE(f.does(gpio_message::set_direction, 3, 2));
  REQUIRE(f.does(gpio_message::irq_type, 3, 3));
  f.wait(3, 0);
  f.device->reset();
  CHECK(f.chip.hold(1, true));
  CHECK(f.chip.hold(3, true));
  f.poll();
  CHECK(f.events.used() == 0);
}

}  // namespace
