// SPDX-License-Identifier: BSL-1.0
//
// gpio_device: a virtio-gpio device (virtio 1.2, section 5.18) over any GPIO chip: the chip as a guest sees it.
//
//     hal::simulated_chip<8> chip;
//     auto device = std::make_shared<gpio_device<hal::simulated_chip<8>>>(chip);
//     mmio_registers registers{device, memory, host};               // or a vhost_user_server
//
// For monitors and programs that give a guest lines of the host, of a board or of a simulation. A line belongs
// to the guest from its first direction to direction none. Interrupts are edges of the chip: a level interrupt
// is due when the level is there at the time of asking, and at each edge to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/virtio/descriptor_chain.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/feature.hpp>
#include <shoal/virtio/gpio_request.hpp>

namespace shoal::virtio {

template <hal::gpio_chip Chip>
class gpio_device {
 public:
  /// @param chip  outlives the device; of more than 65,535 lines the first ones are seen
  explicit gpio_device(Chip& chip) : chip_(chip), lines_(std::min<std::uint32_t>(chip.line_count(), 0xffff)) {
    if constexpr (hal::can_gpio_names<Chip>) collect_names();
    config_ = to_bytes(gpio_config_space{.lines = static_cast<std::uint16_t>(lines_.size()),
                                         .names_size = static_cast<std::uint32_t>(names_.size())});
  }
  gpio_device(const gpio_device&) = delete;
  gpio_device& operator=(const gpio_device&) = delete;
  /// Gives its lines back.
  ~gpio_device() { reset(); }

  [[nodiscard]] device_id id() const noexcept { return device_id::gpio; }
  [[nodiscard]] std::uint64_t features() const noexcept { return has_events() ? gpio_feature::irq : 0; }
  /// Two, whether or not the chip has events: a driver that does not know of them leaves the second one alone.
  [[nodiscard]] std::uint16_t queue_count() const noexcept { return 2; }
  [[nodiscard]] bytes_view config() const noexcept { return config_; }

  void start(std::uint64_t accepted) noexcept {
    sends_events_ = (accepted & features() & gpio_feature::irq) != 0;
  }
  /// The driver may wait for interrupts: whoever carries the device asks for next_return() now and then.
  [[nodiscard]] bool sends_events() const noexcept { return sends_events_; }

  answer handle(std::uint16_t queue, const descriptor_chain& chain) {
    return queue == gpio_queue::events ? wait_for_event(chain) : answer::now(serve(chain));
  }

  bool next_return(kept_return& kept) noexcept {
    collect_events();
    if (due_.empty()) return false;
    kept = {.queue = gpio_queue::events, .head = due_.front().head, .size = 1};
    kept.bytes[0] = static_cast<std::byte>(due_.front().how);
    due_.pop_front();
    return true;
  }

  /// Lines go back to the chip as inputs, and nothing is remembered of them.
  void reset() noexcept {
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].direction != line_direction::none) chip_.release(i);
      lines_[i] = {};
    }
    due_.clear();
    sends_events_ = false;
  }

 private:
  struct line {
    line_direction direction = line_direction::none;
    bool value = false;  // that an output drives or will drive
    irq_type irq = irq_type::none;
    bool latched = false;                // an edge came while nobody waited for one
    std::optional<std::uint16_t> waits;  // a request of the event queue
  };
  struct due_return {
    std::uint16_t head;
    irq_status how;
  };

  [[nodiscard]] bool has_events() const noexcept {
    if constexpr (hal::can_gpio_events<Chip>) return chip_.features().edges;
    return false;
  }

  /// Each name with a zero behind it; nothing when no line has one.
  void collect_names() {
    bool any = false;
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
      const std::string_view name = chip_.line_name(i);
      any = any || !name.empty();
      const bytes_view bytes = as_bytes(name.substr(0, name.find('\0')));
      names_.insert(names_.end(), bytes.begin(), bytes.end());
      names_.push_back(std::byte{0});
    }
    if (!any) names_.clear();
  }

  // ---- requests

  std::size_t serve(const descriptor_chain& chain) noexcept {
    std::array<std::byte, gpio_request::size + 1> bytes;  // one more: it is too long
    const std::size_t n = gather(chain.readable(), 0, bytes);
    const status_or<gpio_request> request = parse_gpio_request(bytes_view{bytes}.first(n));
    if (request && request->type == gpio_message::get_names) return give_names(chain);
    const gpio_response response = request ? execute(*request) : gpio_response{};
    const auto out = to_bytes(response);
    return scatter(chain.writable(), 0, out);
  }

  std::size_t give_names(const descriptor_chain& chain) noexcept {
    const bool room = chain.writable_bytes() == names_.size() + 1;
    const std::array head{static_cast<std::byte>(room ? gpio_status::ok : gpio_status::error)};
    const std::size_t written = scatter(chain.writable(), 0, head);
    if (room) return written + scatter(chain.writable(), written, names_);
    // section 5.18.6.1: every field is set, of an answer that does not fit too
    const std::array<std::byte, 64> zeroes{};
    std::size_t at = written;
    while (const std::size_t n = scatter(chain.writable(), at, zeroes)) at += n;
    return at;
  }

  gpio_response execute(const gpio_request& r) noexcept {
    const auto said = [](bool ok, std::uint8_t value = 0) {
      return ok ? gpio_response{gpio_status::ok, value} : gpio_response{};
    };
    if (r.line >= lines_.size()) return {};
    line& l = lines_[r.line];
    switch (r.type) {
      case gpio_message::get_direction: return said(true, static_cast<std::uint8_t>(l.direction));
      case gpio_message::set_direction:
        return said(set_direction(r.line, static_cast<line_direction>(r.value)));
      case gpio_message::get_value: {
        const status_or<bool> level = chip_.read(r.line);
        return said(static_cast<bool>(level), *level ? 1 : 0);
      }
      case gpio_message::set_value:
        // before the line is an output, too: it begins with this value then
        l.value = r.value != 0;
        return said(l.direction != line_direction::output || chip_.write(r.line, l.value) == status::ok);
      case gpio_message::irq_type: return said(set_irq(r.line, static_cast<irq_type>(r.value)));
      case gpio_message::get_names: break;
    }
    return {};
  }

  [[nodiscard]] bool set_direction(std::uint16_t number, line_direction wanted) noexcept {
    line& l = lines_[number];
    if (wanted == line_direction::none) {
      const bool free = l.direction == line_direction::none || chip_.release(number) == status::ok;
      drop_irq(l);
      l = {};
      return free;
    }
    if (wanted == line_direction::output && l.irq != irq_type::none) return false;
    const status s = wanted == line_direction::output
                         ? chip_.request(number, {.direction = hal::gpio_direction::output, .level = l.value})
                         : chip_.request(number, {.edges = edges_of(l.irq)});
    if (s == status::ok) l.direction = wanted;
    return s == status::ok;
  }

  // ---- interrupts

  static hal::gpio_edge edges_of(irq_type type) noexcept {
    switch (type) {
      case irq_type::none: return hal::gpio_edge::none;
      case irq_type::rising:
      case irq_type::level_high: return hal::gpio_edge::rising;
      case irq_type::falling:
      case irq_type::level_low: return hal::gpio_edge::falling;
      case irq_type::both: return hal::gpio_edge::both;
    }
    return hal::gpio_edge::none;
  }
  static bool is_level(irq_type type) noexcept {
    return type == irq_type::level_high || type == irq_type::level_low;
  }

  /// A line that is an input, or nothing yet: the driver may name the interrupt first.
  [[nodiscard]] bool set_irq(std::uint16_t number, irq_type type) noexcept {
    line& l = lines_[number];
    if (type != irq_type::none && (!sends_events_ || l.direction == line_direction::output)) return false;
    if (l.direction == line_direction::input &&
        chip_.request(number, {.edges = edges_of(type)}) != status::ok) {
      return false;
    }
    collect_events();  // what came under the old type
    if (type == irq_type::none) drop_irq(l);
    l.irq = type;
    l.latched = false;
    return true;
  }
  void drop_irq(line& l) noexcept {
    if (l.waits) due_.push_back({*l.waits, irq_status::invalid});
    l.waits.reset();
    l.irq = irq_type::none;
    l.latched = false;
  }

  /// A buffer of the event queue: {line} to read, {status} to write.
  answer wait_for_event(const descriptor_chain& chain) noexcept {
    std::array<std::byte, 3> bytes;
    const std::size_t n = gather(chain.readable(), 0, bytes);
    const std::uint16_t number = n == 2 ? load_le<std::uint16_t>(bytes.data()) : std::uint16_t{0xffff};
    const auto say = [&](irq_status how) {
      const std::array byte{static_cast<std::byte>(how)};
      return answer::now(scatter(chain.writable(), 0, byte));
    };
    if (n != 2 || number >= lines_.size()) return say(irq_status::invalid);
    collect_events();
    line& l = lines_[number];
    if (l.irq == irq_type::none || l.waits) return say(irq_status::invalid);
    if (is_level(l.irq)) {
      const status_or<bool> level = chip_.read(number);
      if (level && *level == (l.irq == irq_type::level_high)) return say(irq_status::valid);
    } else if (l.latched) {
      l.latched = false;
      return say(irq_status::valid);
    }
    l.waits = chain.head();
    return answer::kept();
  }

  void collect_events() noexcept {
    if constexpr (hal::can_gpio_events<Chip>) {
      hal::gpio_event event;
      // a line that chatters must not hold up the others
      for (unsigned left = 256; left != 0 && chip_.next_event(event); --left) {
        if (event.line < lines_.size()) notice(lines_[event.line]);
      }
    }
  }
  void notice(line& l) noexcept {
    if (l.irq == irq_type::none) return;
    if (l.waits) {
      due_.push_back({*l.waits, irq_status::valid});
      l.waits.reset();
    } else if (!is_level(l.irq)) {
      l.latched = true;
    }
  }

  Chip& chip_;
  std::vector<line> lines_;
  std::vector<std::byte> names_;
  std::array<std::byte, 8> config_{};
  std::deque<due_return> due_;
  bool sends_events_ = false;
};

}  // namespace shoal::virtio
