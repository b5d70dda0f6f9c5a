// SPDX-License-Identifier: BSL-1.0
//
// Drivers over registers that hold anything: broken or foreign hardware must not make them hang, or lie about
// lines that nobody took.
#include <shoal/hal/bcm2835_chip.hpp>

#include <cstdint>
#include <random>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/simulated_bus.hpp>

using namespace shoal::hal;
using shoal::status;

namespace {

// Reads as anything, or as always the same.
struct junk {
  std::mt19937_64 random{20240917};
  bool same = false;
  std::uint64_t value = 0;
  std::uint64_t accesses = 0;

  [[nodiscard]] std::uint64_t size() const noexcept { return 0x1000; }
  std::uint64_t load(std::uint64_t, std::uint8_t) noexcept {
    ++accesses;
    return same ? value : random();
  }
  void store(std::uint64_t, std::uint64_t, std::uint8_t) noexcept { ++accesses; }
};
static_assert(device_model<junk>);

template <class Chip>
void use(Chip& chip, junk& device) {
  std::mt19937 random{7};
  std::uint64_t taken = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t before = device.accesses;
    const auto line = static_cast<std::uint32_t>(random() % (chip.line_count() + 2));
    const bool exists = line < chip.line_count();
    const std::uint64_t bit = exists ? std::uint64_t{1} << line : 0;
    switch (random() % 6) {
      case 0: {
        const gpio_config config{.direction = static_cast<gpio_direction>(random() % 3),
                                 .level = random() % 2 != 0,
                                 .active_low = random() % 2 != 0,
                                 .bias = static_cast<gpio_bias>(random() % 5),
                                 .edges = static_cast<gpio_edge>(random() % 5)};
        const status s = chip.request(line, config);
        CHECK((s == status::out_of_range) == !exists);
        if (s == status::ok) taken |= bit;
        break;
      }
      case 1:
        CHECK((chip.release(line) == status::ok) == exists);
        taken &= ~bit;
        break;
      case 2: CHECK((chip.read(line).code == status::ok) == ((taken & bit) != 0)); break;
      case 3: {
        const status s = chip.write(line, true);
        if ((taken & bit) == 0) CHECK(s != status::ok);
        break;
      }
      case 4: {
        const std::uint64_t mask = (std::uint64_t{random()} << 32 | random()) & random();
        const shoal::status_or<std::uint64_t> levels = chip.read_lines(line, mask);
        if (levels) CHECK((levels.value & ~mask) == 0);
        static_cast<void>(chip.write_lines(line, mask, random()));
        break;
      }
      default: {
        gpio_event event;
        for (int events = 0; events < 10 && chip.next_event(event); ++events) {
          CHECK(event.line < chip.line_count());
          CHECK((event.edge == gpio_edge::rising || event.edge == gpio_edge::falling));
        }
      }
    }
    CHECK(device.accesses - before < 1000);
  }
}

template <class Make>
void use_over_junk(Make make) {
  junk random;
  auto chip = make(simulated_bus{placed{bus_address{0}, random}});
  use(chip, random);
  for (const std::uint64_t value : {std::uint64_t{0}, UINT64_MAX, std::uint64_t{0x5555'5555'5555'5555}}) {
    junk constant;
    constant.same = true;
    constant.value = value;
    auto stuck = make(simulated_bus{placed{bus_address{0}, constant}});
    use(stuck, constant);
  }
}

}  // namespace

TEST_CASE("the driver of the BCM2835 ends each call whatever the registers say") {
  use_over_junk([](auto bus) { return bcm2835_chip{bus, bus_address{0}}; });
}

TEST_CASE("the driver of the BCM2711 ends each call whatever the registers say") {
  use_over_junk([](auto bus) { return bcm2711_chip{bus, bus_address{0}}; });
}

TEST_CASE("the driver of the PL061 ends each call whatever the registers say") {
  use_over_junk([](auto bus) { return pl061_chip{bus, bus_address{0}}; });
}
