// SPDX-License-Identifier: BSL-1.0
//
// The yamux wire (github.com/hashicorp/yamux, spec.md; libp2p specs, yamux/README.md): a header of twelve
// bytes, big-endian, and behind the header of a data frame its payload.
//
//     const yamux_header h = parse_yamux_header(bytes);
//     put_yamux_header(out, {.type = yamux_type::ping, .flags = yamux_syn, .length = opaque});
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>

namespace shoal::libp2p {

/// Bytes of a header.
inline constexpr std::size_t yamux_header_size = 12;
/// What each side may send on a new stream before it hears more, in bytes of payload.
inline constexpr std::uint32_t yamux_initial_window = 256u << 10;

enum class yamux_type : std::uint8_t {
  data = 0,           ///< length: bytes of payload that follow
  window_update = 1,  ///< length: bytes that the receiver of this may send beyond what it already may
  ping = 2,           ///< length: opaque, comes back in the answer
  go_away = 3         ///< length: a yamux_goodbye
};

/// Flags, a set of bits.
inline constexpr std::uint16_t yamux_syn = 1;  ///< opens a stream, asks for the answer to a ping
inline constexpr std::uint16_t yamux_ack = 2;  ///< accepts a stream, answers a ping
inline constexpr std::uint16_t yamux_fin = 4;  ///< the sender sends no more on this stream
inline constexpr std::uint16_t yamux_rst = 8;  ///< the stream is gone

/// Why a side ends the session.
enum class yamux_goodbye : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

/// A header as it stands on the wire: nothing in it has been checked.
struct yamux_header {
  std::uint8_t version = 0;
  yamux_type type = yamux_type::data;
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;  ///< 0: the session
  std::uint32_t length = 0;

  [[nodiscard]] bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
};

[[nodiscard]] inline yamux_header parse_yamux_header(
    std::span<const std::byte, yamux_header_size> in) noexcept {
  return {.version = std::to_integer<std::uint8_t>(in[0]),
          .type = yamux_type{std::to_integer<std::uint8_t>(in[1])},
          .flags = load_be<std::uint16_t>(in.data() + 2),
          .stream = load_be<std::uint32_t>(in.data() + 4),
          .length = load_be<std::uint32_t>(in.data() + 8)};
}

/// @pre out has room for yamux_header_size bytes
inline void put_yamux_header(std::byte* out, const yamux_header& header) noexcept {
  out[0] = std::byte{header.version};
  out[1] = static_cast<std::byte>(header.type);
  store_be(out + 2, header.flags);
  store_be(out + 4, header.stream);
  store_be(out + 8, header.length);
}

}  // namespace shoal::libp2p
