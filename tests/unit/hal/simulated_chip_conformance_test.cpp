// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/simulated_chip.hpp>

#include <cstdint>

#include <doctest/doctest.h>

#include <shoal/test/gpio_chip_conformance.hpp>
#include <shoal/test/gpio_outside.hpp>

namespace hal = shoal::hal;
namespace test = shoal::test;

namespace {

// Each look takes a nanosecond.
struct ticking_clock {
  std::uint64_t now = 0;
  std::uint64_t operator()() noexcept { return ++now; }
};

template <class Chip>
test::own_outside<Chip> outside_of(Chip& chip) {
  return {chip};
}

}  // namespace

TEST_CASE("a simulated chip is a GPIO chip, of one line to many") {
  test::conforms_to_gpio_chip([] { return hal::simulated_chip<8, ticking_clock>{ticking_clock{}}; },
                              [](auto& chip) { return outside_of(chip); });
}

TEST_CASE("a simulated chip of one line is a GPIO chip") {
  test::conforms_to_gpio_chip([] { return hal::simulated_chip<1>{}; },
                              [](auto& chip) { return outside_of(chip); });
}

TEST_CASE("a simulated chip of more lines than a mask has is a GPIO chip") {
  test::conforms_to_gpio_chip([] { return hal::simulated_chip<130>{}; },
                              [](auto& chip) { return outside_of(chip); }, {.first = 60});
}

TEST_CASE("a simulated chip that declares little refuses the rest") {
  for (const hal::gpio_features features :
       {hal::gpio_features{}, hal::gpio_features{.bias = true}, hal::gpio_features{.edges = true}}) {
    test::conforms_to_gpio_chip([&] { return hal::simulated_chip<8>{hal::manual_clock{}, features}; },
                                [](auto& chip) { return outside_of(chip); });
  }
}

TEST_CASE("a chip whose outside nobody reaches conforms as far as it can be seen") {
  test::conforms_to_gpio_chip([] { return hal::simulated_chip<8>{}; });
}
