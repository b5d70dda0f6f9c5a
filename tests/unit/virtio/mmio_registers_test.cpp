// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/mmio_registers.hpp>

#include <array>
#include <cstdint>
#include <memory>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/test/yielding.hpp>
#include <shoal/virtio/disk_device.hpp>
#include <shoal/virtio/gpio_device.hpp>

#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::ram;
using enum mmio_register;
using chip_type = hal::simulated_chip<4>;
using gpio = gpio_device<chip_type>;
using disk = disk_device<any_device>;

/// A device behind registers, and a driver that knows only those.
template <class Device>
struct fixture {
  asio::io_context context;
  std::shared_ptr<ram> memory = std::make_shared<ram>();
  driver_model::queue queue{*memory, 8};
  bool interrupt = false;
  unsigned wants_turn = 0;
  mmio_registers<Device, ram> registers;

  explicit fixture(std::shared_ptr<Device> device)
      : registers(std::move(device), memory,
                  {.interrupt = [this](bool level) { interrupt = level; },
                   .again = [this] { ++wants_turn; },
                   .start =
                       [this](task<> work) {
                         asio::co_spawn(context, ignore_result(std::move(work)), asio::detached);
                       }}) {}

  std::uint32_t get(mmio_register at) {
    return registers.template load<std::uint32_t>(hal::bus_address{static_cast<std::uint64_t>(at)});
  }
  void set(mmio_register at, std::uint32_t value) {
    registers.template store<std::uint32_t>(hal::bus_address{static_cast<std::uint64_t>(at)}, value);
  }
  std::uint64_t offered() {
    set(device_features_select, 0);
    const std::uint64_t low = get(device_features);
    set(device_features_select, 1);
    return low | std::uint64_t{get(device_features)} << 32;
  }
  void accept(std::uint64_t features) {
    set(driver_features_select, 0);
    set(driver_features, static_cast<std::uint32_t>(features));
    set(driver_features_select, 1);
    set(driver_features, static_cast<std::uint32_t>(features >> 32));
    set(status, 1 | 2 | 8);
  }
  void place_queue(const queue_layout& layout) {
    const auto address = [&](mmio_register low, mmio_register high, hal::guest_address a) {
      set(low, static_cast<std::uint32_t>(static_cast<std::uint64_t>(a)));
      set(high, static_cast<std::uint32_t>(static_cast<std::uint64_t>(a) >> 32));
    };
    set(mmio_register::queue_size, layout.size);
    address(queue_descriptors_low, queue_descriptors_high, layout.descriptors);
    address(queue_available_low, queue_available_high, layout.available);
    address(queue_used_low, queue_used_high, layout.used);
    set(queue_ready, 1);
  }
  void probe() {
    set(status, 0);
    accept(feature::version_1);
    REQUIRE(get(status) == 11);
    place_queue(queue.layout());
    set(status, 15);
    REQUIRE(get(status) == 15);
  }
};

struct gpio_fixture : fixture<gpio> {
  explicit gpio_fixture(std::shared_ptr<chip_type> c = std::make_shared<chip_type>())
      : fixture(std::shared_ptr<gpio>(new gpio(*c), [c](gpio* g) { delete g; })), chip(std::move(c)) {}
  std::shared_ptr<chip_type> chip;

  hal::guest_address ask(const gpio_request& r) {
    const auto bytes = to_bytes(r);
    const std::array<bytes_view, 1> out{bytes};
    const std::array in{std::size_t{2}};
    return queue.request(0, out, in)[0];
  }
};

TEST_CASE("a driver finds the device, sets up its queue and is served") {
  gpio_fixture f;
  CHECK(f.get(magic) == 0x74726976);
  CHECK(f.get(mmio_register::version) == 2);
  CHECK(f.get(mmio_register::device_id) == 41);
  CHECK(f.offered() == (feature::transport | gpio_feature::irq));
  CHECK(f.get(queue_size_max) == 256);
  f.set(queue_select, 2);
  CHECK(f.get(queue_size_max) == 0);
  f.probe();
  CHECK(f.get(queue_ready) == 1);

  const auto answer = f.ask({gpio_message::set_direction, 2, 1});
  CHECK_FALSE(f.interrupt);
  f.set(queue_notify, 0);
  CHECK(f.queue.used() == 1);
  CHECK(*f.memory->at(answer) == std::byte{0});
  CHECK(f.chip->is_output(2));
  CHECK(f.interrupt);
  CHECK(f.get(interrupt_status) == 1);
  f.set(interrupt_acknowledge, 1);
  CHECK_FALSE(f.interrupt);
  CHECK(f.get(interrupt_status) == 0);

  f.set(status, 0);
  CHECK(f.get(status) == 0);
  CHECK(f.get(queue_ready) == 0);
  CHECK_FALSE(f.chip->is_output(2));
}

TEST_CASE("the configuration is read in any width, zero behind its end, and cannot be written") {
  gpio_fixture f;
  const auto at = [](std::uint64_t n) { return hal::bus_address{0x100 + n}; };
  CHECK(f.registers.load<std::uint8_t>(at(0)) == 4);
  CHECK(f.registers.load<std::uint16_t>(at(0)) == 4);
  CHECK(f.registers.load<std::uint32_t>(at(0)) == 4);
  CHECK(f.registers.load<std::uint64_t>(at(0)) == 4);
  CHECK(f.registers.load<std::uint64_t>(at(6)) == 0);
  CHECK(f.registers.load<std::uint32_t>(at(1000)) == 0);
  CHECK(f.registers.load<std::uint32_t>(hal::bus_address{UINT64_MAX}) == 0);
  f.registers.store<std::uint32_t>(at(0), 77);
  CHECK(f.registers.load<std::uint32_t>(at(0)) == 4);
}

TEST_CASE("registers have 32 bits, and there are no others") {
  gpio_fixture f;
  CHECK(f.registers.load<std::uint8_t>(hal::bus_address{0}) == 0);
  CHECK(f.registers.load<std::uint16_t>(hal::bus_address{0}) == 0);
  CHECK(f.registers.load<std::uint64_t>(hal::bus_address{0}) == 0);
  CHECK(f.registers.load<std::uint32_t>(hal::bus_address{1}) == 0);
  CHECK(f.registers.load<std::uint32_t>(hal::bus_address{0x0f0}) == 0);
  f.registers.store<std::uint8_t>(hal::bus_address{0x70}, 1);
  CHECK(f.get(status) == 0);
}

TEST_CASE("a driver that wants features that are not there, or no version 1, is refused") {
  gpio_fixture f;
  f.accept(feature::version_1 | std::uint64_t{1} << 40);
  CHECK((f.get(status) & device_status::features_ok) == 0);
  f.set(status, 0);
  f.accept(feature::event_index);
  CHECK((f.get(status) & device_status::features_ok) == 0);
  f.set(status, 15);
  CHECK((f.get(status) & device_status::features_ok) == 0);
}

TEST_CASE("nothing is served before the driver says that it is ready") {
  gpio_fixture f;
  f.set(queue_ready, 1);
  CHECK(f.get(queue_ready) == 0);
  f.accept(feature::version_1);
  f.place_queue(f.queue.layout());
  f.ask({gpio_message::get_value, 0, 0});
  f.set(queue_notify, 0);
  CHECK(f.queue.used() == 0);
  f.set(status, 15);
  f.set(queue_notify, 7);
  f.set(queue_notify, 0xffff'ffff);
  CHECK(f.queue.used() == 0);
  f.set(queue_notify, 0);
  CHECK(f.queue.used() == 1);
}

TEST_CASE("a queue outside memory, of a wrong size, or with a broken chain asks for a reset") {
  gpio_fixture f;
  queue_layout layout = f.queue.layout();
  SUBCASE("outside memory") {
    layout.used = hal::guest_address{0x7fff'0000'0000};
  }
  SUBCASE("too long") {
    layout.size = 512;
  }
  f.accept(feature::version_1);
  if (layout.size == 8 && layout.used == f.queue.layout().used) {
    f.place_queue(layout);
    f.set(status, 15);
    f.queue.offer(8);
    f.set(queue_notify, 0);
    CHECK(f.interrupt);
    CHECK(f.get(interrupt_status) == 2);
  } else {
    f.place_queue(layout);
  }
  CHECK((f.get(status) & device_status::needs_reset) != 0);
  f.set(queue_notify, 0);
  f.set(status, 0);
  CHECK(f.get(status) == 0);
}

TEST_CASE("a driver that makes requests without end leaves others a turn") {
  static driver_model::queue* endless = nullptr;
  static unsigned offered = 0;
  offered = 0;
  gpio_fixture f;
  f.probe();
  f.ask({gpio_message::get_value, 0, 0});
  endless = &f.queue;
  // whenever the device looks for more, there is more
  f.memory->before_window = [] {
    if (static_cast<std::uint16_t>(offered - endless->used()) < 2) {
      endless->offer(0);
      ++offered;
    }
  };
  f.set(queue_notify, 0);
  CHECK(f.queue.used() == queue_runner<gpio, ram>::batch);
  CHECK(f.wants_turn == 1);
  f.registers.resume();
  CHECK(f.queue.used() == 2 * queue_runner<gpio, ram>::batch);
  CHECK(f.wants_turn == 2);
}

TEST_CASE("a reset is over when the last request has ended") {
  using slow = test::yielding<memory_device>;
  fixture<disk> f{std::make_shared<disk>(any_device{slow{memory_device{1_MiB}, 1}})};
  CHECK(f.get(mmio_register::device_id) == 2);
  f.probe();
  std::array<std::byte, 16> header{};
  const std::array<bytes_view, 1> out{header};
  const std::array in{std::size_t{512}, std::size_t{1}};
  f.queue.request(0, out, in);
  f.set(queue_notify, 0);
  f.set(status, 0);
  CHECK(f.get(status) != 0);
  f.context.run();
  CHECK(f.get(status) == 0);
  CHECK(f.queue.used() == 0);
  CHECK_FALSE(f.interrupt);
}

}  // namespace
