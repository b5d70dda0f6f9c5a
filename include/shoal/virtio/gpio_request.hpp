// SPDX-License-Identifier: BSL-1.0
//
// gpio_request: what a driver asks of a virtio-gpio device (virtio 1.2, section 5.18), as bytes and as a value.
// Freestanding.
//
//     const status_or<gpio_request> request = parse_gpio_request(bytes);
//     if (request && request->type == gpio_message::get_value) ...
//
// Pure: what it means to a chip says gpio_device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>

namespace shoal::virtio {

namespace gpio_feature {
inline constexpr std::uint64_t irq = 1;  ///< there is an event queue
}

/// The two queues of a device.
namespace gpio_queue {
inline constexpr std::uint16_t requests = 0;
inline constexpr std::uint16_t events = 1;
}  // namespace gpio_queue

enum class gpio_message : std::uint16_t {
  get_names = 1,
  get_direction = 2,
  set_direction = 3,
  get_value = 4,
  set_value = 5,
  irq_type = 6,
};

/// Of a response.
enum class gpio_status : std::uint8_t { ok = 0, error = 1 };

/// On the wire; not hal::gpio_direction.
enum class line_direction : std::uint8_t { none = 0, output = 1, input = 2 };

enum class irq_type : std::uint8_t {
  none = 0,
  rising = 1,
  falling = 2,
  both = 3,
  level_high = 4,
  level_low = 8,
};
[[nodiscard]] constexpr bool is_irq_type(std::uint32_t value) noexcept {
  return value <= 4 || value == 8;
}

/// What became of a buffer of the event queue.
enum class irq_status : std::uint8_t { invalid = 0, valid = 1 };

struct gpio_request {
  static constexpr std::size_t size = 8;  ///< bytes on the wire

  gpio_message type = gpio_message::get_names;
  std::uint16_t line = 0;  ///< not checked against the lines that there are
  std::uint32_t value = 0;
  friend bool operator==(const gpio_request&, const gpio_request&) = default;
};

/// status::truncated or malformed for another number of bytes, unsupported for a type that is unknown,
/// malformed for a value that its type does not have.
[[nodiscard]] inline status_or<gpio_request> parse_gpio_request(bytes_view bytes) noexcept {
  if (bytes.size() != gpio_request::size) {
    return bytes.size() < gpio_request::size ? status::truncated : status::malformed;
  }
  const gpio_request r{.type = static_cast<gpio_message>(load_le<std::uint16_t>(bytes.data())),
                       .line = load_le<std::uint16_t>(bytes.data() + 2),
                       .value = load_le<std::uint32_t>(bytes.data() + 4)};
  switch (r.type) {
    case gpio_message::get_names:
    case gpio_message::get_direction:
    case gpio_message::get_value: return r;
    case gpio_message::set_direction: return r.value <= 2 ? status_or<gpio_request>{r} : status::malformed;
    case gpio_message::set_value: return r.value <= 1 ? status_or<gpio_request>{r} : status::malformed;
    case gpio_message::irq_type: return is_irq_type(r.value) ? status_or<gpio_request>{r} : status::malformed;
  }
  return status::unsupported;
}

/// What a driver sends.
[[nodiscard]] inline std::array<std::byte, gpio_request::size> to_bytes(const gpio_request& r) noexcept {
  std::array<std::byte, gpio_request::size> bytes{};
  store_le(bytes.data(), static_cast<std::uint16_t>(r.type));
  store_le(bytes.data() + 2, r.line);
  store_le(bytes.data() + 4, r.value);
  return bytes;
}

/// The answer to everything but get_names.
struct gpio_response {
  gpio_status status = gpio_status::error;
  std::uint8_t value = 0;
  friend bool operator==(const gpio_response&, const gpio_response&) = default;
};
[[nodiscard]] inline std::array<std::byte, 2> to_bytes(const gpio_response& r) noexcept {
  return {static_cast<std::byte>(r.status), static_cast<std::byte>(r.value)};
}

/// The configuration space.
struct gpio_config_space {
  std::uint16_t lines = 0;
  std::uint32_t names_size = 0;  ///< bytes that get_names gives; 0: lines have no names
};
[[nodiscard]] inline std::array<std::byte, 8> to_bytes(const gpio_config_space& c) noexcept {
  std::array<std::byte, 8> bytes{};
  store_le(bytes.data(), c.lines);
  store_le(bytes.data() + 4, c.names_size);
  return bytes;
}

}  // namespace shoal::virtio
