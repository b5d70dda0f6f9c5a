// SPDX-License-Identifier: BSL-1.0
//
// A recorder whose sink discards is its bus: the machine code of accesses and of a driver is the same, byte for
// byte, with the recorder and without it. Each function is alone in its section, so that its code can be read.
// Exits with the number of the first pair that differs.
#include <cstddef>
#include <cstdint>

#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/address_set.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/recording.hpp>

using namespace shoal::hal;

namespace {

constexpr bus_address data{0x0903'0020};
using plain = mapped_bus<fixed_range<0x0903'0000, 0x1000>>;
using recorded = recording<plain, address_set<0x1000>&, null_sink>;
using base = fixed_address<0x0903'0000>;

template <class Bus>
[[gnu::always_inline]] inline std::uint32_t toggle(Bus& bus) noexcept {
  const auto level = bus.template load<std::uint32_t>(data);
  bus.template store<std::uint32_t>(data, ~level);
  return level;
}

template <class Chip>
[[gnu::always_inline]] inline shoal::status_or<bool> light(Chip& chip, bool level) noexcept {
  if (const shoal::status s = chip.write(3, level); s != shoal::status::ok) return s;
  return chip.read(4);
}

}  // namespace

extern "C" {

extern const unsigned char __start_plain_store[], __stop_plain_store[];
extern const unsigned char __start_recorded_store[], __stop_recorded_store[];
extern const unsigned char __start_plain_toggle[], __stop_plain_toggle[];
extern const unsigned char __start_recorded_toggle[], __stop_recorded_toggle[];
extern const unsigned char __start_plain_light[], __stop_plain_light[];
extern const unsigned char __start_recorded_light[], __stop_recorded_light[];
extern const unsigned char __start_kept_store[], __stop_kept_store[];

}  // extern "C"

namespace same_code {

[[gnu::section("plain_store"), gnu::used, gnu::flatten]] void plain_store(plain& bus,
                                                                          std::uint32_t value) noexcept {
  bus.store<std::uint32_t>(data, value);
}
[[gnu::section("recorded_store"), gnu::used, gnu::flatten]] void recorded_store(recorded& bus,
                                                                                std::uint32_t value) noexcept {
  bus.store<std::uint32_t>(data, value);
}
[[gnu::section("plain_toggle"), gnu::used, gnu::flatten]] std::uint32_t plain_toggle(plain& bus) noexcept {
  return toggle(bus);
}
[[gnu::section("recorded_toggle"), gnu::used, gnu::flatten]] std::uint32_t recorded_toggle(
    recorded& bus) noexcept {
  return toggle(bus);
}
[[gnu::section("plain_light"), gnu::used, gnu::flatten]] shoal::status_or<bool> plain_light(
    pl061_chip<plain, base>& chip, bool level) noexcept {
  return light(chip, level);
}
[[gnu::section("recorded_light"), gnu::used, gnu::flatten]] shoal::status_or<bool> recorded_light(
    pl061_chip<recorded, base>& chip, bool level) noexcept {
  return light(chip, level);
}

/// Keeps the last record: a recorder that does something, to know that the comparison sees it.
struct last_record {
  access_record* place;
  void put(const access_record& record) const noexcept { *place = record; }
};
[[gnu::section("kept_store"), gnu::used, gnu::flatten]] void kept_store(
    recording<plain, every_access, last_record>& bus, std::uint32_t value) noexcept {
  bus.store<std::uint32_t>(data, value);
}

}  // namespace same_code

namespace {

bool same(const unsigned char* a, const unsigned char* a_end, const unsigned char* b,
          const unsigned char* b_end) noexcept {
  if (a_end - a != b_end - b || a == a_end) return false;
  for (; a != a_end; ++a, ++b) {
    if (*a != *b) return false;
  }
  return true;
}

}  // namespace

int freestanding_main() noexcept {
  if (!same(__start_plain_store, __stop_plain_store, __start_recorded_store, __stop_recorded_store)) return 1;
  if (!same(__start_plain_toggle, __stop_plain_toggle, __start_recorded_toggle, __stop_recorded_toggle))
    return 2;
  if (!same(__start_plain_light, __stop_plain_light, __start_recorded_light, __stop_recorded_light)) return 3;
  if (same(__start_plain_store, __stop_plain_store, __start_kept_store, __stop_kept_store)) return 4;
  return 0;
}
