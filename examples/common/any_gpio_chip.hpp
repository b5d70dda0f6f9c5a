// SPDX-License-Identifier: BSL-1.0
//
// any_gpio_chip: a GPIO chip of a type that only the command line decides; open_gpio_chip (gpio_chips.hpp)
// makes them.
//
//     common::any_gpio_chip chip = common::open_gpio_chip("cdev:/dev/gpiochip0", "blink");
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/os/linux/gpio_uapi.hpp>

namespace common {

/// A gpio_chip, and what programs want to know beyond that.
class any_gpio_chip {
 public:
  /// @param below  what the chip needs and does not own: mapped registers, a connection
  template <shoal::hal::gpio_chip C>
  explicit any_gpio_chip(std::unique_ptr<C> chip, std::shared_ptr<const void> below = {})
      : below_(std::move(below)), chip_(std::make_unique<model<C>>(std::move(chip))) {}

  [[nodiscard]] std::uint32_t line_count() const noexcept { return chip_->line_count(); }
  [[nodiscard]] shoal::hal::gpio_features features() const noexcept { return chip_->features(); }
  shoal::status request(std::uint32_t line, const shoal::hal::gpio_config& config) noexcept {
    return chip_->request(line, config);
  }
  shoal::status release(std::uint32_t line) noexcept { return chip_->release(line); }
  shoal::status_or<bool> read(std::uint32_t line) noexcept { return chip_->read(line); }
  shoal::status write(std::uint32_t line, bool level) noexcept { return chip_->write(line, level); }
  bool next_event(shoal::hal::gpio_event& event) noexcept { return chip_->next_event(event); }
  [[nodiscard]] std::uint64_t lost_events() const noexcept { return chip_->lost_events(); }
  [[nodiscard]] std::string_view line_name(std::uint32_t line) const noexcept { return chip_->line_name(line); }

  /// Polls as readable when next_event() may have something; -1 for a chip that has to be asked again and
  /// again.
  [[nodiscard]] int native_handle() const noexcept { return chip_->native_handle(); }
  /// What the system says about a line's present use, for people: "output, used by \"leds\""; empty when it
  /// does not.
  [[nodiscard]] std::string usage(std::uint32_t line) const { return chip_->usage(line); }

 private:
  struct erased {
    erased() = default;
    erased(const erased&) = delete;
    erased& operator=(const erased&) = delete;
    virtual ~erased() = default;
    virtual std::uint32_t line_count() const noexcept = 0;
    virtual shoal::hal::gpio_features features() const noexcept = 0;
    virtual shoal::status request(std::uint32_t line, const shoal::hal::gpio_config& config) noexcept = 0;
    virtual shoal::status release(std::uint32_t line) noexcept = 0;
    virtual shoal::status_or<bool> read(std::uint32_t line) noexcept = 0;
    virtual shoal::status write(std::uint32_t line, bool level) noexcept = 0;
    virtual bool next_event(shoal::hal::gpio_event& event) noexcept = 0;
    virtual std::uint64_t lost_events() const noexcept = 0;
    virtual std::string_view line_name(std::uint32_t line) const noexcept = 0;
    virtual int native_handle() const noexcept = 0;
    virtual std::string usage(std::uint32_t line) const = 0;
  };
  template <class C>
  struct model final : erased {
    explicit model(std::unique_ptr<C> c) : chip(std::move(c)) {}
    std::uint32_t line_count() const noexcept override { return chip->line_count(); }
    shoal::hal::gpio_features features() const noexcept override { return chip->features(); }
    shoal::status request(std::uint32_t line, const shoal::hal::gpio_config& config) noexcept override {
      return chip->request(line, config);
    }
    shoal::status release(std::uint32_t line) noexcept override { return chip->release(line); }
    shoal::status_or<bool> read(std::uint32_t line) noexcept override { return chip->read(line); }
    shoal::status write(std::uint32_t line, bool level) noexcept override { return chip->write(line, level); }
    bool next_event([[maybe_unused]] shoal::hal::gpio_event& event) noexcept override {
      if constexpr (shoal::hal::can_gpio_events<C>) return chip->next_event(event);
      return false;
    }
    std::uint64_t lost_events() const noexcept override {
      if constexpr (shoal::hal::can_gpio_events<C>) return chip->lost_events();
      return 0;
    }
    std::string_view line_name([[maybe_unused]] std::uint32_t line) const noexcept override {
      if constexpr (shoal::hal::can_gpio_names<C>) return chip->line_name(line);
      return {};
    }
    int native_handle() const noexcept override {
      if constexpr (requires { chip->native_handle(); }) return chip->native_handle();
      return -1;
    }
    std::string usage([[maybe_unused]] std::uint32_t line) const override {
      std::string text;
      if constexpr (requires { chip->line_info(line); }) {
        const auto info = chip->line_info(line);
        if (!info) return "unknown";
        text = info->config.direction == shoal::hal::gpio_direction::output ? "output" : "input";
        if (info->config.active_low) text += ", active low";
        if (info->used) text += ", used by \"" + std::string{shoal::linux_os::text_of(info->consumer)} + "\"";
      }
      return text;
    }
    std::unique_ptr<C> chip;
  };

  std::shared_ptr<const void> below_;  // goes after the chip
  std::unique_ptr<erased> chip_;
};
static_assert(shoal::hal::can_gpio_events<any_gpio_chip> && shoal::hal::can_gpio_names<any_gpio_chip>);

}  // namespace common
