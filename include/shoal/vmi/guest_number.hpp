// SPDX-License-Identifier: BSL-1.0
//
// load_guest: load_le as one load. g++ 12 makes a loop over bytes of that at -O2, and a walk through page
// tables is little else but such loads. Freestanding.
//
//     const auto entry = load_guest<std::uint64_t>(bytes.data());
//
// Guests are little-endian; the host may be anything.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

#include <shoal/base/endian.hpp>

namespace shoal::vmi {

/// A little-endian number. The caller has checked that sizeof(T) bytes are there.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_guest(const std::byte* from) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    T number = 0;
    std::memcpy(&number, from, sizeof number);
    return number;
  } else {
    return load_le<T>(from);
  }
}

}  // namespace shoal::vmi
