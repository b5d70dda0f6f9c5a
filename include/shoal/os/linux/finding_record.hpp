// SPDX-License-Identifier: BSL-1.0
//
// record_of: what introspection found, as a record among those of devices, disks and networks.
//
//     engine.check(now, record_of(found, source));             // forbid rootkit found kernel:*
//
// Leaves out the words: who is told of an alert looks at the guest.
#pragma once

#include <cstdint>

#include <shoal/hal/access_record.hpp>
#include <shoal/vmi/finding.hpp>

namespace shoal::linux_os {

[[nodiscard]] inline hal::access_record record_of(const vmi::finding& found, std::uint16_t source) noexcept {
  return {.address = static_cast<std::uint64_t>(found.where),
          .value = static_cast<std::uint64_t>(found.kind),
          .source = source,
          .what = hal::access::finding};
}

}  // namespace shoal::linux_os
