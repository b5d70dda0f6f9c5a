// SPDX-License-Identifier: BSL-1.0
//
// The monitor's side of vhost-user: messages as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <shoal/virtio/vhost_user_message.hpp>

namespace monitor_model {

using namespace shoal::virtio;
using payload = std::vector<std::byte>;

template <class T>
void append(payload& to, T value) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

inline payload of_number(std::uint64_t number) {
  payload p;
  append(p, number);
  return p;
}
inline payload of_pair(std::uint32_t first, std::uint32_t second) {
  payload p;
  append(p, first);
  append(p, second);
  return p;
}
inline payload of_addresses(std::uint32_t ring, std::uint64_t descriptors, std::uint64_t used,
                            std::uint64_t available) {
  payload p = of_pair(ring, 0);
  append(p, descriptors);
  append(p, used);
  append(p, available);
  append(p, std::uint64_t{0});
  return p;
}
inline payload of_regions(const std::vector<vhost_user_region>& regions) {
  payload p = of_pair(static_cast<std::uint32_t>(regions.size()), 0);
  for (const vhost_user_region& r : regions) {
    append(p, static_cast<std::uint64_t>(r.guest));
    append(p, r.size);
    append(p, r.user);
    append(p, r.offset);
  }
  return p;
}
inline payload of_config(std::uint32_t offset, std::uint32_t size) {
  payload p = of_pair(offset, size);
  p.resize(12 + std::size_t{size});
  return p;
}

struct message {
  vhost_user_request request;
  monitor_model::payload payload = {};
  std::uint32_t flags = vhost_user_flag::version;

  [[nodiscard]] vhost_user_header header() const noexcept {
    return {request, flags, static_cast<std::uint32_t>(payload.size())};
  }
};

}  // namespace monitor_model
