// SPDX-License-Identifier: BSL-1.0
//
// The fields of a negotiation, appended to what is to be sent: the counterpart of option_reader.
//
//     append_be(out, option_magic);
//     append_string(out, "root disk");                   // a 32-bit length and the text
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

template <std::unsigned_integral T>
void append_be(std::vector<std::byte>& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  store_be(out.data() + at, value);
}

inline void append_text(std::vector<std::byte>& out, std::string_view text) {
  const bytes_view bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// A text behind its length, as option_reader::text() takes it. @pre text.size() <= max_string
inline void append_string(std::vector<std::byte>& out, std::string_view text) {
  append_be(out, static_cast<std::uint32_t>(text.size()));
  append_text(out, text);
}

/// An option as a client asks for it.
inline void append_option(std::vector<std::byte>& out, option asked, bytes_view data = {}) {
  append_be(out, option_magic);
  append_be(out, static_cast<std::uint32_t>(asked));
  append_be(out, static_cast<std::uint32_t>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

}  // namespace shoal::nbd
