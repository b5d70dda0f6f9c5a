// SPDX-License-Identifier: BSL-1.0
//
// The messages of vhost-user (QEMU's docs/interop/vhost-user.rst): how a monitor hands the queues of its guest
// to another process. Headers, the payloads that our side knows, and the bits in them.
//
//     const vhost_user_header header = parse_vhost_user_header(bytes);
//     if (check(header) != status::ok) return hang_up();
//
// Pure. Fields are in the byte order of the machine, as the protocol has it; file descriptors travel beside the
// bytes. What messages mean, and in which order they may come, says vhost_user_session.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>

namespace shoal::virtio {

/// Those that are answered here, and a few that are told from them.
enum class vhost_user_request : std::uint32_t {
  get_features = 1,
  set_features = 2,
  set_owner = 3,
  reset_owner = 4,
  set_memory_table = 5,
  set_ring_size = 8,
  set_ring_addresses = 9,
  set_ring_base = 10,
  get_ring_base = 11,
  set_ring_kick = 12,
  set_ring_call = 13,
  set_ring_error = 14,
  get_protocol_features = 15,
  set_protocol_features = 16,
  get_queue_count = 17,
  set_ring_enable = 18,
  get_config = 24,
  set_config = 25,
};

namespace vhost_user_flag {
inline constexpr std::uint32_t version_mask = 3;
inline constexpr std::uint32_t version = 1;
inline constexpr std::uint32_t reply = 4;
inline constexpr std::uint32_t need_reply = 8;
}  // namespace vhost_user_flag

/// Masks.
namespace vhost_user_feature {
/// Among the device's features: there are protocol features.
inline constexpr std::uint64_t protocol = std::uint64_t{1} << 30;
// among the protocol's
inline constexpr std::uint64_t multi_queue = 1u << 0;
inline constexpr std::uint64_t reply_acknowledge = 1u << 3;
inline constexpr std::uint64_t config = 1u << 9;
}  // namespace vhost_user_feature

struct vhost_user_header {
  static constexpr std::size_t size = 12;

  vhost_user_request request{};
  std::uint32_t flags = 0;
  std::uint32_t payload = 0;  ///< bytes that follow
};

/// A region of guest memory, in a file that comes with the message.
struct vhost_user_region {
  hal::guest_address guest{};
  std::uint64_t size = 0;
  std::uint64_t user = 0;    ///< where the monitor has it: ring addresses are told so
  std::uint64_t offset = 0;  ///< of its beginning in the file
  friend bool operator==(const vhost_user_region&, const vhost_user_region&) = default;
};

/// No message that is known here has more.
inline constexpr std::size_t max_vhost_user_regions = 8;
inline constexpr std::size_t max_vhost_user_config = 256;
inline constexpr std::size_t max_vhost_user_payload = 12 + max_vhost_user_config;
inline constexpr std::size_t max_vhost_user_fds = 8;

struct vhost_user_memory_table {
  std::array<vhost_user_region, max_vhost_user_regions> storage{};
  std::size_t count = 0;
  [[nodiscard]] std::span<const vhost_user_region> regions() const noexcept { return {storage.data(), count}; }
};

/// A number of a ring: its size, base, or whether it is enabled.
struct vhost_user_ring_number {
  std::uint32_t index = 0;
  std::uint32_t number = 0;
};

/// In the monitor's addresses.
struct vhost_user_ring_addresses {
  std::uint32_t index = 0;
  std::uint32_t flags = 0;  ///< 1: log writes
  std::uint64_t descriptors = 0;
  std::uint64_t used = 0;
  std::uint64_t available = 0;
  std::uint64_t log = 0;
};

/// Which ring an eventfd is for.
struct vhost_user_ring_file {
  std::uint8_t index = 0;
  bool has_file = false;
};

struct vhost_user_config_area {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;  ///< at most max_vhost_user_config
};

namespace detail {

template <class T>
T native(bytes_view bytes, std::size_t at) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
template <class T>
void put_native(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace detail

/// @pre bytes.size() >= vhost_user_header::size
[[nodiscard]] inline vhost_user_header parse_vhost_user_header(bytes_view bytes) noexcept {
  return {.request = static_cast<vhost_user_request>(detail::native<std::uint32_t>(bytes, 0)),
          .flags = detail::native<std::uint32_t>(bytes, 4),
          .payload = detail::native<std::uint32_t>(bytes, 8)};
}
[[nodiscard]] inline std::array<std::byte, vhost_user_header::size> to_bytes(
    const vhost_user_header& h) noexcept {
  std::array<std::byte, vhost_user_header::size> bytes;
  detail::put_native(bytes.data(), static_cast<std::uint32_t>(h.request));
  detail::put_native(bytes.data() + 4, h.flags);
  detail::put_native(bytes.data() + 8, h.payload);
  return bytes;
}

/// Before the payload is read: status::malformed for another version or a reply, limit_exceeded for more than
/// max_vhost_user_payload.
[[nodiscard]] inline status check(const vhost_user_header& h) noexcept {
  if ((h.flags & vhost_user_flag::version_mask) != vhost_user_flag::version) return status::malformed;
  if ((h.flags & vhost_user_flag::reply) != 0) return status::malformed;
  return h.payload <= max_vhost_user_payload ? status::ok : status::limit_exceeded;
}

// The payloads. status::malformed for another size, and what is said beside it.

[[nodiscard]] inline status_or<std::uint64_t> parse_vhost_user_number(bytes_view payload) noexcept {
  if (payload.size() != 8) return status::malformed;
  return detail::native<std::uint64_t>(payload, 0);
}

[[nodiscard]] inline status_or<vhost_user_ring_number> parse_vhost_user_ring_number(
    bytes_view payload) noexcept {
  if (payload.size() != 8) return status::malformed;
  return vhost_user_ring_number{.index = detail::native<std::uint32_t>(payload, 0),
                                .number = detail::native<std::uint32_t>(payload, 4)};
}

[[nodiscard]] inline status_or<vhost_user_ring_addresses> parse_vhost_user_ring_addresses(
    bytes_view payload) noexcept {
  if (payload.size() != 40) return status::malformed;
  return vhost_user_ring_addresses{.index = detail::native<std::uint32_t>(payload, 0),
                                   .flags = detail::native<std::uint32_t>(payload, 4),
                                   .descriptors = detail::native<std::uint64_t>(payload, 8),
                                   .used = detail::native<std::uint64_t>(payload, 16),
                                   .available = detail::native<std::uint64_t>(payload, 24),
                                   .log = detail::native<std::uint64_t>(payload, 32)};
}

/// status::malformed also for bits that mean nothing.
[[nodiscard]] inline status_or<vhost_user_ring_file> parse_vhost_user_ring_file(bytes_view payload) noexcept {
  constexpr std::uint64_t no_file = 0x100;
  const status_or<std::uint64_t> value = parse_vhost_user_number(payload);
  if (!value || *value > 0x1ff) return status::malformed;
  return vhost_user_ring_file{.index = static_cast<std::uint8_t>(*value & 0xff),
                              .has_file = (*value & no_file) == 0};
}

/// status::limit_exceeded for more than max_vhost_user_regions; status::malformed for none, or one that is
/// empty or wraps around in any of the three spaces it is in.
[[nodiscard]] inline status_or<vhost_user_memory_table> parse_vhost_user_memory_table(
    bytes_view payload) noexcept {
  constexpr std::size_t head = 8;
  constexpr std::size_t each = 32;
  if (payload.size() < head) return status::malformed;
  const auto count = detail::native<std::uint32_t>(payload, 0);
  if (count > max_vhost_user_regions) return status::limit_exceeded;
  if (count == 0 || payload.size() != head + each * count) return status::malformed;
  vhost_user_memory_table table;
  for (std::size_t at = head; at < payload.size(); at += each) {
    const vhost_user_region r{
        .guest = static_cast<hal::guest_address>(detail::native<std::uint64_t>(payload, at)),
        .size = detail::native<std::uint64_t>(payload, at + 8),
        .user = detail::native<std::uint64_t>(payload, at + 16),
        .offset = detail::native<std::uint64_t>(payload, at + 24)};
    const auto wraps = [&](std::uint64_t start) { return r.size - 1 > ~start; };
    if (r.size == 0 || wraps(static_cast<std::uint64_t>(r.guest)) || wraps(r.user) || wraps(r.offset)) {
      return status::malformed;
    }
    table.storage[table.count++] = r;
  }
  return table;
}

/// Of get_config and set_config: 12 bytes, then as many as it says.
[[nodiscard]] inline status_or<vhost_user_config_area> parse_vhost_user_config(bytes_view payload) noexcept {
  if (payload.size() < 12) return status::malformed;
  const vhost_user_config_area area{.offset = detail::native<std::uint32_t>(payload, 0),
                                    .size = detail::native<std::uint32_t>(payload, 4)};
  if (area.size > max_vhost_user_config) return status::limit_exceeded;
  if (payload.size() != 12 + area.size) return status::malformed;
  return area;
}

}  // namespace shoal::virtio
