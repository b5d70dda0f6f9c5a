// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/replay.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/recording.hpp>
#include <shoal/hal/replay_script.hpp>
#include <shoal/hal/simulated_bus.hpp>

#include "records.hpp"

using namespace shoal::hal;
using shoal::status;

namespace {

constexpr bus_address base{0x0903'0000};

/// Follows a switch at line 3 with a LED at line 1, until the switch is off again.
template <class Bus>
bool follow(Bus bus, std::uint32_t led, int& polls) {
  pl061_chip chip{bus, base};
  if (!chip.is_present()) return false;
  if (chip.request(led, {.direction = gpio_direction::output}) != status::ok) return false;
  if (chip.request(3, {}) != status::ok) return false;
  bool was = false;
  for (polls = 0; polls < 1000; ++polls) {
    const auto now = chip.read(3);
    if (!now) return false;
    if (was && !*now) return true;
    if (chip.write(led, *now) != status::ok) return false;
    was = *now;
  }
  return false;
}

/// A bus that presses the switch while the driver polls it.
template <class Bus>
struct pressed {
  Bus bus;
  pl061_model* model;
  int* loads;
  template <register_word T>
  T load(bus_address address) noexcept {
    if (++*loads == 20) model->drive(3, true);
    if (*loads == 40) model->drive(3, false);
    return bus.template load<T>(address);
  }
  template <register_word T>
  void store(bus_address address, T value) noexcept {
    bus.template store<T>(address, value);
  }
};

std::vector<access_record> record_follow(bool grouped) {
  pl061_model model;
  kept_records kept;
  int loads = 0;
  int polls = 0;
  const pressed bus{simulated_bus{placed{base, model}}, &model, &loads};
  if (grouped) {
    grouping group{kept};
    REQUIRE(follow(recording{bus, every_access{}, group}, 1, polls));
    group.flush();
  } else {
    REQUIRE(follow(recording{bus, every_access{}, kept}, 1, polls));
  }
  REQUIRE(polls > 5);
  return kept.records;
}

access_record at(access_record record, std::uint64_t address, std::uint64_t value) {
  record.address = address;
  record.value = value;
  return record;
}

struct trial {
  std::vector<access_record> records;
  std::vector<replay_difference> found{};
  replay_script<kept_differences> script{records, kept_differences{&found}};
};

const access_record a_load{0, 4, 7, 0, 0, access::load, 4};
const access_record a_store{0, 4, 7, 0, 0, access::store, 4};

}  // namespace

TEST_CASE("a driver that does what it did meets the recording without a difference") {
  for (const bool grouped : {false, true}) {
    CAPTURE(grouped);
    const std::vector<access_record> records = record_follow(grouped);
    std::vector<replay_difference> found;
    replay_script script{records, kept_differences{&found}};
    int polls = 0;
    CHECK(follow(replay{script}, 1, polls));
    script.finish();
    CHECK(found.empty());
    CHECK(script.differences() == 0);
  }
}

TEST_CASE("a driver that takes another line is found out at its first access") {
  const std::vector<access_record> records = record_follow(false);
  std::vector<replay_difference> found;
  replay_script script{records, kept_differences{&found}};
  int polls = 0;
  follow(replay{script}, 2, polls);
  script.finish();
  REQUIRE_FALSE(found.empty());
  CHECK(found.size() == script.differences());
  CHECK(found[0].index < records.size());
  CHECK(found[0].expected == records[found[0].index]);
  CHECK_FALSE(same_access(found[0].expected, found[0].got));
}

TEST_CASE("another value is reported, and the driver goes on") {
  trial t{{a_store, a_load}};
  replay bus{t.script};
  bus.store<std::uint32_t>(bus_address{4}, 8);
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 7);
  t.script.finish();
  REQUIRE(t.found.size() == 1);
  CHECK(t.found[0].fault == replay_fault::value);
  CHECK(t.found[0].index == 0);
  CHECK(t.found[0].expected.value == 7);
  CHECK(t.found[0].got.value == 8);
}

TEST_CASE("accesses that did not come are missing, once each") {
  trial t{{at(a_load, 0, 1), at(a_load, 4, 2), at(a_store, 8, 3), at(a_load, 12, 4)}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{0}) == 1);
  CHECK(bus.load<std::uint32_t>(bus_address{12}) == 4);
  t.script.finish();
  REQUIRE(t.found.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(t.found[i].fault == replay_fault::missing);
    CHECK(t.found[i].index == i + 1);
    CHECK(t.found[i].got.address == 12);
  }
}

TEST_CASE("accesses that nobody expects are extra and read as ones") {
  trial t{{at(a_load, 0, 1), at(a_load, 4, 2)}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{0}) == 1);
  CHECK(bus.load<std::uint32_t>(bus_address{100}) == 0xffff'ffff);
  CHECK(bus.load<std::uint8_t>(bus_address{4}) == 0xff);  // of another width
  CHECK(bus.in<std::uint32_t>(port_address{4}) == 0xffff'ffff);
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 2);
  bus.out<std::uint8_t>(port_address{4}, 1);
  t.script.finish();
  REQUIRE(t.found.size() == 4);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(t.found[i].fault == replay_fault::extra);
    CHECK(t.found[i].index == 1);
  }
  CHECK(t.found[3].fault == replay_fault::ended);
  CHECK(t.found[3].index == 2);
}

TEST_CASE("repeats are replayed one by one") {
  access_record polled = a_load;
  polled.repeats = 2;
  trial t{{polled, at(a_load, 8, 1)}};
  replay bus{t.script};
  for (int i = 0; i < 3; ++i) CHECK(bus.load<std::uint32_t>(bus_address{4}) == 7);
  CHECK(bus.load<std::uint32_t>(bus_address{8}) == 1);
  CHECK(t.found.empty());
}

TEST_CASE("who polls less often than then misses the rest") {
  access_record polled = a_load;
  polled.repeats = 2;
  trial t{{polled, at(a_load, 8, 1)}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 7);
  CHECK(bus.load<std::uint32_t>(bus_address{8}) == 1);
  t.script.finish();
  REQUIRE(t.found.size() == 1);
  CHECK(t.found[0].fault == replay_fault::missing);
  CHECK(t.found[0].index == 0);
}

TEST_CASE("where the recording lost accesses it says so") {
  access_record lost;
  lost.what = access::lost;
  lost.value = 12;
  trial t{{at(a_load, 0, 1), lost, at(a_load, 4, 2)}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{0}) == 1);
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 2);
  t.script.finish();
  REQUIRE(t.found.size() == 1);
  CHECK(t.found[0].fault == replay_fault::gap);
  CHECK(t.found[0].expected.value == 12);
}

TEST_CASE("a gap on the way to what came is told once") {
  access_record lost;
  lost.what = access::lost;
  lost.value = 12;
  trial t{{at(a_load, 0, 1), lost, at(a_load, 4, 2)}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 2);
  t.script.finish();
  REQUIRE(t.found.size() == 2);
  CHECK(t.found[0].fault == replay_fault::missing);
  CHECK(t.found[1].fault == replay_fault::gap);
}

TEST_CASE("records of other devices are passed over") {
  access_record other = at(a_load, 4, 99);
  other.source = 5;
  trial t{{other, a_load, other}};
  replay bus{t.script};
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 7);
  t.script.finish();
  CHECK(t.found.empty());
}

TEST_CASE("what the recorder's filter did not want is no difference") {
  trial t{{a_load}};
  replay bus{t.script, address_range{0, 8}};
  CHECK(bus.load<std::uint32_t>(bus_address{100}) == 0xffff'ffff);
  bus.store<std::uint32_t>(bus_address{100}, 1);
  CHECK(bus.load<std::uint32_t>(bus_address{4}) == 7);
  t.script.finish();
  CHECK(t.found.empty());
}

TEST_CASE("an empty recording and a driver that does nothing agree") {
  trial t{{}};
  t.script.finish();
  CHECK(t.found.empty());
}
