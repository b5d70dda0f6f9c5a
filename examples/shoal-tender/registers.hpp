// SPDX-License-Identifier: BSL-1.0
//
// Devices whose registers a guest reaches by loads and stores: virtio-gpio over any chip, and the registers of
// GPIO hardware, which are mapped, in a QEMU, or simulated.
//
//     any_registers board = open_registers(device_type::bcm2835_gpio, "sim:54?press=17/20ms", {post, 0});
//     any_registers pins{std::make_unique<shoal::virtio::polled_registers<lines, later_memory>>(device,
//     memory)};
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/bus_model.hpp>
#include <shoal/hal/device_model.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/recorder.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/register_windows.hpp>
#include <shoal/monitor/checked_bus.hpp>
#include <shoal/virtio/gpio_device.hpp>
#include <shoal/virtio/polled_registers.hpp>

#include "../common/gpio_chips.hpp"
#include "../common/message.hpp"
#include "../common/simulated_lines.hpp"
#include "../common/watch_post.hpp"

/// What a virtio device sees of a guest's memory, which is there only when the devices are: what the guest may
/// write, so that no device can be made to write more.
struct later_memory {
  shoal::hypercall::guest_ram* ram = nullptr;
  [[nodiscard]] shoal::bytes_span window(shoal::hal::guest_address address, std::size_t n) const noexcept {
    return ram == nullptr ? shoal::bytes_span{} : ram->writable_window(address, n);
  }
};

/// A device model of a type that only the command line decides.
class any_registers {
 public:
  template <shoal::hal::device_model D>
  explicit any_registers(std::unique_ptr<D> device) : device_(std::make_unique<model<D>>(std::move(device))) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return device_->size(); }
  std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept { return device_->load(offset, width); }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    device_->store(offset, value, width);
  }

 private:
  struct erased {
    erased() = default;
    erased(const erased&) = delete;
    erased& operator=(const erased&) = delete;
    virtual ~erased() = default;
    virtual std::uint64_t size() const noexcept = 0;
    virtual std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept = 0;
    virtual void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept = 0;
  };
  template <class D>
  struct model final : erased {
    explicit model(std::unique_ptr<D> d) : device(std::move(d)) {}
    std::uint64_t size() const noexcept override { return device->size(); }
    std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept override {
      return device->load(offset, width);
    }
    void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept override {
      device->store(offset, value, width);
    }
    std::unique_ptr<D> device;
  };

  std::unique_ptr<erased> device_;
};

/// Who records accesses to registers, and allows them.
struct register_watch {
  common::watch_post& post;  ///< outlives the registers
  std::uint16_t source = 0;
};

/// A simulated device, with the switches and wires of a board.
template <shoal::hal::device_model Model>
class simulated_registers {
 public:
  explicit simulated_registers(const common::simulated_board& board)
      : switches_(board.switches), wires_(board.wires) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return model_.size(); }
  std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    switches_.press(model_);
    return model_.load(offset, width);
  }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    model_.store(offset, value, width);
    for (const common::simulated_board::wire& each : wires_) model_.drive(each.to, model_.level(each.from));
  }

 private:
  Model model_;
  common::pressed_switches switches_;
  std::vector<common::simulated_board::wire> wires_;
};

namespace detail {

/// Registers from `base` on, recorded as the hardware has them. @param below  what the device needs and does
/// not own
template <shoal::hal::device_model Device>
class recorded_registers {
 public:
  recorded_registers(Device device, std::uint64_t base, const register_watch& watch,
                     std::shared_ptr<const void> below)
      : below_(std::move(below)),
        device_(std::move(device)),
        base_(base),
        recorder_(watch.post, watch.post, watch.source) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return device_.size(); }
  std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    const std::uint64_t value = device_.load(offset, width);
    recorder_.note(shoal::hal::access::load, base_ + offset, value, width);
    return value;
  }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    recorder_.note(shoal::hal::access::store, base_ + offset, value, width);
    device_.store(offset, value, width);
  }

 private:
  std::shared_ptr<const void> below_;
  Device device_;
  std::uint64_t base_;
  shoal::hal::recorder<common::watch_post&, common::watch_post&, wall_clock> recorder_;
};

/// Recorded is what has taken place.
template <class Device>
any_registers watched(Device device, std::uint64_t base, const register_watch& watch,
                      std::shared_ptr<const void> below = {}) {
  using recorded = recorded_registers<Device>;
  using checked = shoal::monitor::checked_model<recorded, common::watch_post, wall_clock>;
  return any_registers{std::make_unique<checked>(recorded{std::move(device), base, watch, std::move(below)},
                                                 watch.post, wall_clock{}, base, watch.source)};
}

}  // namespace detail

/// @param kind  bcm2835_gpio or pl061_gpio. @throws common::failure
inline any_registers open_registers(shoal::hypercall::device_type kind, const std::string& uri,
                                    const register_watch& watch) {
  namespace hal = shoal::hal;
  const bool raspberry = kind == shoal::hypercall::device_type::bcm2835_gpio;
  const std::string name = raspberry ? "bcm2835" : "pl061";
  const std::uint64_t size = raspberry ? hal::bcm2835::block_size : hal::pl061::block_size;
  const std::size_t colon = uri.find(':');
  const std::string scheme = uri.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : uri.substr(colon + 1);
  if (scheme == "sim") {
    const common::simulated_board board = common::parse_simulated_board(rest);
    const std::uint32_t lines =
        raspberry ? hal::bcm2835::line_count(hal::bcm_gpio::bcm2835) : hal::pl061::line_count;
    if (board.lines > lines) {
      throw common::failure{"'" + uri + "' has more lines than a " + name, "that has " + std::to_string(lines),
                            common::exit_usage};
    }
    if (raspberry) return detail::watched(simulated_registers<hal::bcm2835_model>{board}, 0, watch);
    return detail::watched(simulated_registers<hal::pl061_model>{board}, 0, watch);
  }
  if (scheme == name) {
    const auto mapped = common::detail::map_chip(name, rest);
    const hal::bus_address base = mapped->memory.range().base();
    return detail::watched(hal::bus_model{mapped->bus, base, size}, static_cast<std::uint64_t>(base), watch,
                           mapped);
  }
  if (scheme == "qtest") {
    const common::detail::qtest_chip wanted = common::detail::parse_qtest(uri, rest);
    if (wanted.kind == name) {
      const auto bus = common::detail::connect_qtest(wanted.socket);
      return detail::watched(hal::bus_model<shoal::posix::qtest_bus&>{*bus, wanted.base, size},
                             static_cast<std::uint64_t>(wanted.base), watch, bus);
    }
  }
  throw common::failure{"'" + uri + "' has no registers of a " + name + ", which is what the guest drives",
                        "give sim:8, " + name + ":ADDRESS or qtest:SOCKET?" + name + "=ADDRESS",
                        common::exit_usage};
}

/// The devices of a guest that it reaches by registers. @tparam Chip  of the lines behind virtio
template <shoal::hal::gpio_chip Chip>
class guest_registers {
 public:
  using windows_type = shoal::hypercall::register_windows<any_registers>;

  /// Lines by virtio. The chip outlives this.
  any_registers& add(Chip& chip) {
    using block = shoal::virtio::polled_registers<lines, later_memory>;
    virtio_.push_back(std::make_shared<lines>(chip));
    return opened_.emplace_back(std::make_unique<block>(virtio_.back(), memory_));
  }
  /// Registers of hardware, or of a model. @throws common::failure
  any_registers& add(shoal::hypercall::device_type kind, const std::string& uri, const register_watch& watch) {
    return opened_.emplace_back(open_registers(kind, uri, watch));
  }
  [[nodiscard]] windows_type& windows() noexcept { return windows_; }

  /// From now on this is the guest's memory.
  void use(shoal::hypercall::guest_ram* ram) noexcept { memory_->ram = ram; }
  /// The guest has ended: its lines go back, and its memory is not touched any more.
  void release_all() noexcept {
    for (const std::shared_ptr<lines>& each : virtio_) each->reset();
    memory_->ram = nullptr;
  }

 private:
  using lines = shoal::virtio::gpio_device<Chip>;

  std::shared_ptr<later_memory> memory_ = std::make_shared<later_memory>();
  std::vector<std::shared_ptr<lines>> virtio_;
  std::deque<any_registers> opened_;
  windows_type windows_;
};
