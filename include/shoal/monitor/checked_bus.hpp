// SPDX-License-Identifier: BSL-1.0
//
// checked_bus, checked_port_bus, checked_model, checked_gpio, checked_i2c: ask before an access whether it may
// be, and do without it if not. For embedders who let rules deny; rule_engine is such a guard.
//
//     checked_bus bus{hardware, engine, clock};
//     drive(bus);                            // any driver: it does not know
//
// A store that is denied does not happen; a load reads as all ones, as where no device is; a GPIO call and a
// transfer of I2C fail with status::failed. Leaves out `source`: all accesses have the one that is given.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/gpio_access.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/i2c_access.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/hal/nanosecond_clock.hpp>
#include <shoal/monitor/rule_engine.hpp>

namespace shoal::monitor {

/// Whoever says whether an access may be. A read is asked about twice: before it, without a value, and after.
template <class G>
concept access_guard = requires(G& guard, std::uint64_t time, const hal::access_record& access, stage when) {
  { guard.check(time, access, when) } noexcept -> std::same_as<verdict>;
};
static_assert(access_guard<rule_engine<>>);

namespace detail {

/// What the wrappers have in common. Refers to a guard and owns a clock.
template <access_guard Guard, hal::nanosecond_clock Clock>
struct gate {
  Guard& guard;
  Clock clock;
  std::uint16_t source;

  [[nodiscard]] bool permits(hal::access what, std::uint64_t address, std::uint64_t value, std::uint8_t width,
                             stage when) noexcept {
    const hal::access_record access{
        .address = address, .value = value, .source = source, .what = what, .width = width};
    return guard.check(clock(), access, when) == verdict::allow;
  }

  template <class T, class Read>
  [[nodiscard]] T read(hal::access what, std::uint64_t address, Read&& access) noexcept {
    constexpr T nothing = static_cast<T>(~T{0});
    if (!permits(what, address, 0, sizeof(T), stage::before)) return nothing;
    const T value = access();
    return permits(what, address, value, sizeof(T), stage::after) ? value : nothing;
  }
};

}  // namespace detail

/// Bus and guard outlive it.
template <hal::mmio_bus Bus, access_guard Guard, hal::nanosecond_clock Clock>
class checked_bus {
 public:
  checked_bus(Bus& bus, Guard& guard, Clock clock, std::uint16_t source = 0)
      : bus_(bus), gate_{guard, std::move(clock), source} {}

  template <hal::register_word T>
  [[nodiscard]] T load(hal::bus_address address) noexcept {
    return gate_.template read<T>(hal::access::load, static_cast<std::uint64_t>(address),
                                  [&] { return bus_.template load<T>(address); });
  }
  template <hal::register_word T>
  void store(hal::bus_address address, std::type_identity_t<T> value) noexcept {
    const auto at = static_cast<std::uint64_t>(address);
    if (gate_.permits(hal::access::store, at, value, sizeof(T), stage::whole)) {
      bus_.template store<T>(address, value);
    }
  }

 private:
  Bus& bus_;
  detail::gate<Guard, Clock> gate_;
};

/// Bus and guard outlive it.
template <hal::port_bus Bus, access_guard Guard, hal::nanosecond_clock Clock>
class checked_port_bus {
 public:
  checked_port_bus(Bus& bus, Guard& guard, Clock clock, std::uint16_t source = 0)
      : bus_(bus), gate_{guard, std::move(clock), source} {}

  template <hal::register_word T>
  [[nodiscard]] T in(hal::port_address port) noexcept {
    return gate_.template read<T>(hal::access::in, static_cast<std::uint64_t>(port),
                                  [&] { return bus_.template in<T>(port); });
  }
  template <hal::register_word T>
  void out(hal::port_address port, std::type_identity_t<T> value) noexcept {
    if (gate_.permits(hal::access::out, static_cast<std::uint64_t>(port), value, sizeof(T), stage::whole)) {
      bus_.template out<T>(port, value);
    }
  }

 private:
  Bus& bus_;
  detail::gate<Guard, Clock> gate_;
};

/// The registers of a device, which the guard sees from an address on. The guard outlives it.
template <hal::device_model Model, access_guard Guard, hal::nanosecond_clock Clock>
class checked_model {
 public:
  /// @param base  the address of its first register
  checked_model(Model model, Guard& guard, Clock clock, std::uint64_t base, std::uint16_t source = 0)
      : model_(std::move(model)), gate_{guard, std::move(clock), source}, base_(base) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return model_.size(); }
  [[nodiscard]] std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    const std::uint64_t nothing = ~std::uint64_t{0} >> (64 - 8 * std::min<unsigned>(width, 8));
    const std::uint64_t at = base_ + offset;
    if (!gate_.permits(hal::access::load, at, 0, width, stage::before)) return nothing;
    const std::uint64_t value = model_.load(offset, width);
    return gate_.permits(hal::access::load, at, value, width, stage::after) ? value : nothing;
  }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    if (gate_.permits(hal::access::store, base_ + offset, value, width, stage::whole)) {
      model_.store(offset, value, width);
    }
  }

 private:
  Model model_;
  detail::gate<Guard, Clock> gate_;
  std::uint64_t base_;
};

/// Each line is asked about by itself, also in a call for several. Chip and guard outlive it.
template <hal::gpio_chip Chip, access_guard Guard, hal::nanosecond_clock Clock>
class checked_gpio {
 public:
  checked_gpio(Chip& chip, Guard& guard, Clock clock, std::uint16_t source = 0)
      : chip_(chip), gate_{guard, std::move(clock), source} {}

  [[nodiscard]] std::uint32_t line_count() const noexcept { return chip_.line_count(); }
  [[nodiscard]] hal::gpio_features features() const noexcept { return chip_.features(); }

  [[nodiscard]] status request(std::uint32_t line, const hal::gpio_config& config) noexcept {
    const std::uint64_t value = hal::pack_gpio_config(config);
    if (!gate_.permits(hal::access::line_request, line, value, 0, stage::whole)) return status::failed;
    return chip_.request(line, config);
  }
  [[nodiscard]] status release(std::uint32_t line) noexcept {
    if (!gate_.permits(hal::access::line_release, line, 0, 0, stage::whole)) return status::failed;
    return chip_.release(line);
  }
  [[nodiscard]] status_or<bool> read(std::uint32_t line) noexcept {
    if (!gate_.permits(hal::access::line_get, line, 0, 0, stage::before)) return status::failed;
    const status_or<bool> level = chip_.read(line);
    if (level && !gate_.permits(hal::access::line_get, line, *level, 0, stage::after)) return status::failed;
    return level;
  }
  [[nodiscard]] status write(std::uint32_t line, bool level) noexcept {
    if (!gate_.permits(hal::access::line_set, line, level, 0, stage::whole)) return status::failed;
    return chip_.write(line, level);
  }

  [[nodiscard]] status_or<std::uint64_t> read_lines(std::uint32_t first, std::uint64_t mask) noexcept
    requires hal::can_gpio_lines<Chip>
  {
    if (!permits_lines(hal::access::line_get, first, mask, 0, stage::before)) return status::failed;
    const status_or<std::uint64_t> levels = chip_.read_lines(first, mask);
    if (levels && !permits_lines(hal::access::line_get, first, mask, *levels, stage::after))
      return status::failed;
    return levels;
  }
  [[nodiscard]] status write_lines(std::uint32_t first, std::uint64_t mask, std::uint64_t values) noexcept
    requires hal::can_gpio_lines<Chip>
  {
    if (!permits_lines(hal::access::line_set, first, mask, values, stage::whole)) return status::failed;
    return chip_.write_lines(first, mask, values);
  }

  /// Edges that are denied are skipped, some at a time: a line that chatters holds nobody up.
  [[nodiscard]] bool next_event(hal::gpio_event& out) noexcept
    requires hal::can_gpio_events<Chip>
  {
    constexpr unsigned most_at_once = 64;
    for (unsigned i = 0; i < most_at_once && chip_.next_event(out); ++i) {
      if (gate_.permits(hal::access::line_event, out.line, static_cast<std::uint64_t>(out.edge), 0,
                        stage::whole))
        return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t lost_events() const noexcept
    requires hal::can_gpio_events<Chip>
  {
    return chip_.lost_events();
  }
  [[nodiscard]] std::string_view line_name(std::uint32_t line) const noexcept
    requires hal::can_gpio_names<Chip>
  {
    return chip_.line_name(line);
  }

 private:
  [[nodiscard]] bool permits_lines(hal::access what, std::uint32_t first, std::uint64_t mask,
                                   std::uint64_t values, stage when) noexcept {
    bool all = true;
    for (unsigned i = 0; i < 64; ++i) {
      if ((mask >> i & 1) == 0) continue;
      all = gate_.permits(what, std::uint64_t{first} + i, values >> i & 1, 0, when) && all;
    }
    return all;
  }

  Chip& chip_;
  detail::gate<Guard, Clock> gate_;
};

/// What a transfer writes is asked about, and what it reads, before it begins: it takes place whole, or not at
/// all. Bytes that may not be seen are ones, as where nobody is. Bus and guard outlive it.
template <hal::i2c_bus Bus, access_guard Guard, hal::nanosecond_clock Clock>
class checked_i2c {
 public:
  checked_i2c(Bus& bus, Guard& guard, Clock clock, std::uint16_t source = 0)
      : bus_(bus), gate_{guard, std::move(clock), source} {}

  [[nodiscard]] status transfer(hal::i2c_address address, bytes_view out, bytes_span in) noexcept {
    if (const status s = hal::check_i2c_transfer(address, out, in); s != status::ok) return s;
    const auto at = static_cast<std::uint64_t>(address);
    const std::uint8_t read = hal::i2c_width(in.size());
    const bool may_begin = (out.empty() || gate_.permits(hal::access::i2c_write, at, hal::pack_i2c_bytes(out),
                                                         hal::i2c_width(out.size()), stage::whole)) &&
                           (in.empty() || gate_.permits(hal::access::i2c_read, at, 0, read, stage::before));
    if (!may_begin) return status::failed;
    const status done = bus_.transfer(address, out, in);
    if (done != status::ok || in.empty()) return done;
    if (gate_.permits(hal::access::i2c_read, at, hal::pack_i2c_bytes(in), read, stage::after)) return done;
    std::ranges::fill(in, std::byte{0xff});
    return status::failed;
  }

 private:
  Bus& bus_;
  detail::gate<Guard, Clock> gate_;
};

}  // namespace shoal::monitor
