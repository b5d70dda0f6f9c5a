// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/recording.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/address_set.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/simulated_bus.hpp>
#include <shoal/test/gpio_chip_conformance.hpp>

#include "records.hpp"

using namespace shoal::hal;

namespace {

/// Remembers what was stored last, anywhere, and how many records there were then.
struct last_store {
  struct state {
    std::uint64_t value = 0x1122'3344'5566'7788;
    std::size_t records_then = 0;
  };
  state* memory;
  const kept_records* sink = nullptr;

  template <register_word T>
  T load(bus_address) noexcept {
    return static_cast<T>(memory->value);
  }
  template <register_word T>
  void store(bus_address, T value) noexcept {
    memory->value = value;
    if (sink != nullptr) memory->records_then = sink->records.size();
  }
  template <register_word T>
    requires(sizeof(T) <= 4)
  T in(port_address) noexcept {
    return static_cast<T>(memory->value);
  }
  template <register_word T>
    requires(sizeof(T) <= 4)
  void out(port_address, T value) noexcept {
    memory->value = value;
  }
};
static_assert(mmio_bus<last_store> && port_bus<last_store>);
using quiet = recording<last_store, every_access, null_sink>;
static_assert(mmio_bus<quiet> && port_bus<quiet>);
static_assert(sizeof(quiet) == sizeof(last_store), "a recorder without a sink is its bus");
static_assert(sizeof(recording<last_store, address_set<0x1000>&, null_sink>) == sizeof(last_store));

/// Only memory.
struct no_ports {
  template <register_word T>
    requires(sizeof(T) == 4)
  T load(bus_address) noexcept {
    return 0;
  }
  template <register_word T>
    requires(sizeof(T) == 4)
  void store(bus_address, T) noexcept {}
};
template <class Bus>
concept loads_bytes = requires(Bus& bus) { bus.template load<std::uint8_t>(bus_address{}); };
using watched_memory = recording<no_ports, every_access, kept_records&>;
static_assert(mmio_bus<watched_memory> && !port_bus<watched_memory> && !loads_bytes<watched_memory>,
              "a recorder can do what its bus can do");

/// A chip that is polled: once for each time that the suite lets it notice.
template <class Chip>
struct model_outside {
  Chip& chip;
  pl061_model& model;
  void drive(std::uint32_t line, bool level) { model.drive(line, level); }
  void undrive(std::uint32_t line) { model.undrive(line); }
  bool level(std::uint32_t line) { return model.level(line); }
  bool hold(std::uint32_t line, bool held) { return model.hold(line, held); }
  void settle() { chip.poll(); }
};
template <class Chip>
model_outside<Chip> outside(Chip& chip, pl061_model& model) {
  return {chip, model};
}

constexpr access_record expected(std::uint64_t cycles, shoal::hal::access what, std::uint64_t address,
                                 std::uint64_t value, std::uint8_t width) {
  return {cycles, address, value, 0, 9, what, width};
}

}  // namespace

TEST_CASE("each access is passed on and recorded with its time, kind, width and value") {
  last_store::state memory;
  kept_records kept;
  steps::count = 0;
  recording<last_store, every_access, kept_records&, steps> bus{last_store{&memory}, every_access{}, kept, 9};
  CHECK(bus.load<std::uint8_t>(bus_address{0x10}) == 0x88);
  CHECK(bus.load<std::uint64_t>(bus_address{0x18}) == 0x1122'3344'5566'7788);
  bus.store<std::uint16_t>(bus_address{0x20}, 0xbeef);
  CHECK(memory.value == 0xbeef);
  CHECK(bus.in<std::uint16_t>(port_address{0x71}) == 0xbeef);
  bus.out<std::uint32_t>(port_address{0xcf8}, 0x8000'0000);
  CHECK(memory.value == 0x8000'0000);
  CHECK(kept.records == std::vector<access_record>{
                            expected(1, access::load, 0x10, 0x88, 1),
                            expected(2, access::load, 0x18, 0x1122'3344'5566'7788, 8),
                            expected(3, access::store, 0x20, 0xbeef, 2),
                            expected(4, access::in, 0x71, 0xbeef, 2),
                            expected(5, access::out, 0xcf8, 0x8000'0000, 4),
                        });
}

TEST_CASE("a store is recorded before it happens") {
  last_store::state memory;
  kept_records kept;
  recording bus{last_store{&memory, &kept}, every_access{}, kept};
  bus.store<std::uint32_t>(bus_address{0}, 1);
  CHECK(memory.records_then == 1);
}

TEST_CASE("what the filter does not want costs no look at the counter and no record") {
  last_store::state memory;
  kept_records kept;
  address_set<0x1000> chosen{bus_address{0x9000}, {0x3fc}};
  steps::count = 0;
  recording<last_store, address_set<0x1000>&, kept_records&, steps> bus{last_store{&memory}, chosen, kept};
  bus.store<std::uint32_t>(bus_address{0x9000}, 5);
  CHECK(memory.value == 5);
  CHECK(bus.load<std::uint32_t>(bus_address{0x93f8}) == 5);
  CHECK(kept.records.empty());
  CHECK(steps::count == 0);
  bus.store<std::uint32_t>(bus_address{0x93fc}, 6);
  CHECK(kept.records.size() == 1);
  chosen.move_to(bus_address{0xa000});  // the filter is referred to: others may move it
  bus.store<std::uint32_t>(bus_address{0x93fc}, 7);
  CHECK(kept.records.size() == 1);
  bus.filter().move_to(bus_address{0x9000});
  bus.store<std::uint32_t>(bus_address{0x93fc}, 8);
  CHECK(kept.records.size() == 2);
}

TEST_CASE("a sink that is an rvalue is kept, and reached through the recorder") {
  last_store::state memory;
  kept_records kept;
  recording bus{last_store{&memory}, every_access{}, grouping{kept}};
  for (int i = 0; i < 10; ++i) static_cast<void>(bus.load<std::uint32_t>(bus_address{4}));
  CHECK(kept.records.size() == 1);
  bus.sink().flush();
  REQUIRE(kept.records.size() == 2);
  CHECK(kept.records[1].repeats == 8);
}

TEST_CASE("a driver does not notice that its bus is recorded") {
  constexpr bus_address base{0x0903'0000};
  pl061_model model;
  kept_records kept;
  shoal::test::conforms_to_gpio_chip(
      [&] { return pl061_chip{recording{simulated_bus{placed{base, model}}, every_access{}, kept}, base}; },
      [&](auto& chip) { return outside(chip, model); });
}

TEST_CASE("recorders of recorders are buses") {
  last_store::state memory;
  kept_records inner;
  kept_records outer;
  recording below{last_store{&memory}, writes, inner};
  recording bus{below, reads, outer};
  bus.store<std::uint32_t>(bus_address{0}, 1);
  CHECK(bus.load<std::uint32_t>(bus_address{0}) == 1);
  CHECK(inner.records.size() == 1);
  CHECK(outer.records.size() == 1);
}
