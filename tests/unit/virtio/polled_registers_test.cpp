// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/polled_registers.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_bus.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/virtio/gpio_device.hpp>
#include <shoal/virtio/gpio_driver.hpp>

#include "../../guest/follow_switch.hpp"
#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::ram;
using chip_type = hal::simulated_chip<32>;
using enum mmio_register;

struct fixture {
  chip_type chip;
  std::shared_ptr<ram> memory = std::make_shared<ram>();
  polled_registers<gpio_device<chip_type>, ram> registers{std::make_shared<gpio_device<chip_type>>(chip),
                                                          memory};
  hal::simulated_bus<decltype(registers)> bus{hal::placed{hal::bus_address{0}, registers}};

  std::uint32_t get(mmio_register at) {
    return bus.load<std::uint32_t>(hal::bus_address{static_cast<std::uint64_t>(at)});
  }
  void set(mmio_register at, std::uint64_t value) {
    bus.store<std::uint32_t>(hal::bus_address{static_cast<std::uint64_t>(at)},
                             static_cast<std::uint32_t>(value));
  }
  /// A driver that takes the device with these features and places one queue.
  void take(std::uint32_t features, std::uint32_t index, const queue_layout& layout) {
    set(mmio_register::status, 1 | 2);
    set(driver_features, features);
    set(driver_features_select, 1);
    set(driver_features, 1);  // version_1
    set(mmio_register::status, 1 | 2 | 8);
    set(queue_select, index);
    set(mmio_register::queue_size, layout.size);
    set(queue_descriptors_low, static_cast<std::uint64_t>(layout.descriptors));
    set(queue_available_low, static_cast<std::uint64_t>(layout.available));
    set(queue_used_low, static_cast<std::uint64_t>(layout.used));
    set(queue_ready, 1);
    set(mmio_register::status, 1 | 2 | 8 | 4);
    REQUIRE(get(mmio_register::status) == 15);
  }
};
static_assert(hal::device_model<decltype(fixture::registers)>);

}  // namespace

TEST_CASE_FIXTURE(fixture, "the papers' program runs over a device that is polled") {
  constexpr std::uint64_t at = static_cast<std::uint64_t>(ram::base) + 0x1000;
  gpio_driver_memory& shared = *new (memory->at(hal::guest_address{at})) gpio_driver_memory;
  gpio_driver driver{bus, hal::bus_address{0}, shared, at};
  REQUIRE(driver.start() == status::ok);
  CHECK(follow_switch(driver, [&] { chip.drive(switch_line, !chip.level(switch_line)); }) == 0);
}

TEST_CASE_FIXTURE(fixture, "as many requests as a queue holds are answered when their store ends") {
  driver_model::queue queue{*memory, 256};
  take(0, gpio_queue::requests, queue.layout());
  const auto ask = to_bytes(gpio_request{.type = gpio_message::get_direction, .line = 1, .value = 0});
  const std::array<bytes_view, 1> out{bytes_view{ask}};
  const std::array<std::size_t, 1> in{2};
  static_cast<void>(queue.request(0, out, in));
  for (int i = 1; i < 256; ++i) queue.offer(0);  // the same chain again and again
  set(queue_notify, gpio_queue::requests);
  CHECK(queue.used() == 256);
  set(queue_notify, gpio_queue::requests);
  CHECK(queue.used() == 256);
  CHECK((get(mmio_register::status) & device_status::needs_reset) == 0);
}

TEST_CASE_FIXTURE(fixture, "an edge is there for a guest that looks") {
  driver_model::queue queue{*memory, 8};
  take(gpio_feature::irq, gpio_queue::events, queue.layout());
  // the request queue, in other memory
  driver_model::queue requests{*memory, 8, ram::base + 0x4000};
  set(queue_select, gpio_queue::requests);
  set(mmio_register::queue_size, 8);
  set(queue_descriptors_low, static_cast<std::uint64_t>(requests.layout().descriptors));
  set(queue_available_low, static_cast<std::uint64_t>(requests.layout().available));
  set(queue_used_low, static_cast<std::uint64_t>(requests.layout().used));
  set(queue_ready, 1);
  std::uint16_t next = 0;
  for (const gpio_request& each : {gpio_request{.type = gpio_message::set_direction, .line = 3, .value = 2},
                                   gpio_request{.type = gpio_message::irq_type, .line = 3, .value = 3}}) {
    const auto bytes = to_bytes(each);
    const std::array<bytes_view, 1> out{bytes_view{bytes}};
    const std::array<std::size_t, 1> in{2};
    const auto answers = requests.request(next, out, in);
    next = static_cast<std::uint16_t>(next + 2);
    set(queue_notify, gpio_queue::requests);
    CHECK(*memory->at(answers.front()) == std::byte{0});
  }
  const std::array<std::byte, 2> line{std::byte{3}, std::byte{0}};
  const std::array<bytes_view, 1> out{bytes_view{line}};
  const std::array<std::size_t, 1> in{1};
  const auto answers = queue.request(0, out, in);
  set(queue_notify, gpio_queue::events);
  CHECK(get(interrupt_status) == 1);  // of the requests
  CHECK(queue.used() == 0);
  chip.drive(3, true);
  CHECK(queue.used() == 0);
  static_cast<void>(get(interrupt_status));
  CHECK(queue.used() == 1);
  CHECK(*memory->at(answers.front()) == std::byte{1});
}
