// SPDX-License-Identifier: BSL-1.0
//
// What every mmio_bus has to do, as a test of yours can ask of a bus of yours:
//
//     TEST_CASE("my bus is a bus") {
//       test::conforms_to_mmio_bus([] { return my_bus{}; }, {.scratch = bus_address{0x1000}, .mask = 0xff});
//     }
//
// Needs a register that reads as it was written and does nothing else; what a bus cannot be asked is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <type_traits>

#include <doctest/doctest.h>

#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mmio_bus.hpp>

namespace shoal::test {

/// What a test may touch.
struct mmio_places {
  hal::bus_address scratch{};                 ///< a 32-bit register that reads as it was written
  std::uint32_t mask = UINT32_MAX;            ///< the bits of it that do; others are left alone
  std::optional<hal::bus_address> other{};    ///< a second one, with the same mask
  std::optional<hal::bus_address> nothing{};  ///< where no device is
  bool narrow = false;  ///< scratch can be accessed in bytes and halves, the lowest first; mask is all ones
};

namespace detail {

template <class T, class Bus>
void check_nothing(Bus& bus, hal::bus_address nothing) {
  CHECK(bus.template load<T>(nothing) == static_cast<T>(~T{0}));
  bus.template store<T>(nothing, T{0});
  CHECK(bus.template load<T>(nothing) == static_cast<T>(~T{0}));
}

template <class T, class Bus>
void check_parts(Bus& bus, hal::bus_address scratch) {
  std::uint32_t whole = 0x8765'4321;
  bus.template store<std::uint32_t>(scratch, whole);
  for (unsigned i = 0; i < sizeof(whole); i += sizeof(T)) {
    CHECK(bus.template load<T>(scratch + i) == static_cast<T>(whole >> 8 * i));
    const T part = static_cast<T>(0xc3a5 + i);
    bus.template store<T>(scratch + i, part);
    whole = (whole & ~(std::uint32_t{static_cast<T>(~T{0})} << 8 * i)) | std::uint32_t{part} << 8 * i;
    CHECK(bus.template load<std::uint32_t>(scratch) == whole);
  }
}

}  // namespace detail

/// @param make    gives the bus each time it is called, or a reference to it
/// @param places  on it
template <class Make>
void conforms_to_mmio_bus(Make make, const mmio_places& places, std::uint32_t seed = 20240917) {
  decltype(auto) bus = make();
  using bus_type = std::remove_reference_t<decltype(bus)>;
  static_assert(hal::mmio_bus<bus_type>);
  const std::uint32_t before = bus.template load<std::uint32_t>(places.scratch);
  const std::uint32_t rest = before & ~places.mask;
  CAPTURE(seed);

  SUBCASE("a register keeps what is stored, and loads do not change it") {
    for (const std::uint32_t value :
         {UINT32_MAX, 0u, 0x5555'5555u, 0xaaaa'aaaau, 0x0123'4567u, 1u, 0x8000'0000u}) {
      bus.template store<std::uint32_t>(places.scratch, rest | (value & places.mask));
      for (int i = 0; i < 3; ++i) {
        CHECK((bus.template load<std::uint32_t>(places.scratch) & places.mask) == (value & places.mask));
      }
    }
  }
  SUBCASE("the last store counts") {
    std::mt19937 random{seed};
    for (int i = 0; i < 100; ++i) {
      const auto value = static_cast<std::uint32_t>(random());
      bus.template store<std::uint32_t>(places.scratch, rest | (~value & places.mask));
      bus.template store<std::uint32_t>(places.scratch, rest | (value & places.mask));
      CHECK((bus.template load<std::uint32_t>(places.scratch) & places.mask) == (value & places.mask));
    }
  }
  SUBCASE("registers do not disturb each other") {
    if (places.other) {
      const std::uint32_t other = bus.template load<std::uint32_t>(*places.other) & ~places.mask;
      bus.template store<std::uint32_t>(places.scratch, rest | (0x1234'5678 & places.mask));
      bus.template store<std::uint32_t>(*places.other, other | (0x9abc'def0 & places.mask));
      CHECK((bus.template load<std::uint32_t>(places.scratch) & places.mask) == (0x1234'5678 & places.mask));
      CHECK((bus.template load<std::uint32_t>(*places.other) & places.mask) == (0x9abc'def0 & places.mask));
      bus.template store<std::uint32_t>(*places.other, other);
    }
  }
  SUBCASE("bytes and halves are parts of a word") {
    if (places.narrow) {
      if constexpr (requires { bus.template load<std::uint8_t>(places.scratch); }) {
        detail::check_parts<std::uint8_t>(bus, places.scratch);
      }
      if constexpr (requires { bus.template load<std::uint16_t>(places.scratch); }) {
        detail::check_parts<std::uint16_t>(bus, places.scratch);
      }
    }
  }
  SUBCASE("where nothing is, loads find ones and stores go nowhere") {
    if (places.nothing) {
      detail::check_nothing<std::uint32_t>(bus, *places.nothing);
      if constexpr (requires { bus.template load<std::uint8_t>(*places.nothing); }) {
        detail::check_nothing<std::uint8_t>(bus, *places.nothing);
      }
      if constexpr (requires { bus.template load<std::uint16_t>(*places.nothing); }) {
        detail::check_nothing<std::uint16_t>(bus, *places.nothing);
      }
      if constexpr (requires { bus.template load<std::uint64_t>(*places.nothing); }) {
        detail::check_nothing<std::uint64_t>(bus, *places.nothing);
      }
      CHECK((bus.template load<std::uint32_t>(places.scratch) & places.mask) == (before & places.mask));
    }
  }
  bus.template store<std::uint32_t>(places.scratch, before);
}

}  // namespace shoal::test
