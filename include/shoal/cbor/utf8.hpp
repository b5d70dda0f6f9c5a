// SPDX-License-Identifier: BSL-1.0
//
// Is this UTF-8 (RFC 3629)? CBOR texts must be.
//
// Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>

namespace shoal::cbor {

/// True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] constexpr bool is_utf8(bytes_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = std::to_integer<std::uint32_t>(text[i++]);
    if (lead < 0x80) continue;
    const std::size_t more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (more == 0 || more > text.size() - i) return false;
    std::uint32_t point = lead & (0x3fu >> more);
    for (const std::size_t end = i + more; i < end; ++i) {
      const auto next = std::to_integer<std::uint32_t>(text[i]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    const std::uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}

}  // namespace shoal::cbor
