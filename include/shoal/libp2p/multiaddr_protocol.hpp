// SPDX-License-Identifier: BSL-1.0
//
// The protocols that a multiaddr can name (multiformats/multicodec, table.csv, tag "multiaddr"), and how the
// value of each looks in bytes. Parts of libp2p/multiaddr.hpp.
//
//     bytes_view rest = address;
//     result<multiaddr_component> c = take_multiaddr_component(rest);
//     if (c && c->code() == multiaddr_code::tcp) port = load_be<std::uint16_t>(c->value.data());
//
// Leaves out onion, garlic and what was given up: errc::unsupported.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

enum class multiaddr_code : std::uint32_t {
  ip4 = 0x04,
  tcp = 0x06,
  dccp = 0x21,
  ip6 = 0x29,
  ip6zone = 0x2a,
  ipcidr = 0x2b,
  dns = 0x35,
  dns4 = 0x36,
  dns6 = 0x37,
  dnsaddr = 0x38,
  sctp = 0x84,
  udp = 0x0111,
  webrtc_direct = 0x0118,
  webrtc = 0x0119,
  p2p_circuit = 0x0122,
  udt = 0x012d,
  utp = 0x012e,
  unix_path = 0x0190,
  p2p = 0x01a5,
  https = 0x01bb,
  tls = 0x01c0,
  sni = 0x01c1,
  noise = 0x01c6,
  quic = 0x01cc,
  quic_v1 = 0x01cd,
  webtransport = 0x01d1,
  certhash = 0x01d2,
  ws = 0x01dd,
  wss = 0x01de,
  http = 0x01e0,
  http_path = 0x01e1,
  memory = 0x0309,
};

/// What the value of a component is.
enum class multiaddr_value : std::uint8_t {
  none,
  ip4,        ///< 4 bytes
  ip6,        ///< 16 bytes
  port,       ///< 2 bytes, big-endian
  octet,      ///< 1 byte
  number,     ///< 8 bytes, big-endian
  name,       ///< text without '/' and control characters
  path,       ///< bytes; percent-encoded in text
  peer,       ///< a peer id
  multihash,  ///< a multihash; in multibase in text
};

struct multiaddr_protocol {
  multiaddr_code code;
  std::string_view name;
  multiaddr_value value;
};

inline constexpr std::array<multiaddr_protocol, 32> multiaddr_protocols{{
    {multiaddr_code::ip4, "ip4", multiaddr_value::ip4},
    {multiaddr_code::tcp, "tcp", multiaddr_value::port},
    {multiaddr_code::dccp, "dccp", multiaddr_value::port},
    {multiaddr_code::ip6, "ip6", multiaddr_value::ip6},
    {multiaddr_code::ip6zone, "ip6zone", multiaddr_value::name},
    {multiaddr_code::ipcidr, "ipcidr", multiaddr_value::octet},
    {multiaddr_code::dns, "dns", multiaddr_value::name},
    {multiaddr_code::dns4, "dns4", multiaddr_value::name},
    {multiaddr_code::dns6, "dns6", multiaddr_value::name},
    {multiaddr_code::dnsaddr, "dnsaddr", multiaddr_value::name},
    {multiaddr_code::sctp, "sctp", multiaddr_value::port},
    {multiaddr_code::udp, "udp", multiaddr_value::port},
    {multiaddr_code::webrtc_direct, "webrtc-direct", multiaddr_value::none},
    {multiaddr_code::webrtc, "webrtc", multiaddr_value::none},
    {multiaddr_code::p2p_circuit, "p2p-circuit", multiaddr_value::none},
    {multiaddr_code::udt, "udt", multiaddr_value::none},
    {multiaddr_code::utp, "utp", multiaddr_value::none},
    {multiaddr_code::unix_path, "unix", multiaddr_value::path},
    {multiaddr_code::p2p, "p2p", multiaddr_value::peer},
    {multiaddr_code::https, "https", multiaddr_value::none},
    {multiaddr_code::tls, "tls", multiaddr_value::none},
    {multiaddr_code::sni, "sni", multiaddr_value::name},
    {multiaddr_code::noise, "noise", multiaddr_value::none},
    {multiaddr_code::quic, "quic", multiaddr_value::none},
    {multiaddr_code::quic_v1, "quic-v1", multiaddr_value::none},
    {multiaddr_code::webtransport, "webtransport", multiaddr_value::none},
    {multiaddr_code::certhash, "certhash", multiaddr_value::multihash},
    {multiaddr_code::ws, "ws", multiaddr_value::none},
    {multiaddr_code::wss, "wss", multiaddr_value::none},
    {multiaddr_code::http, "http", multiaddr_value::none},
    {multiaddr_code::http_path, "http-path", multiaddr_value::path},
    {multiaddr_code::memory, "memory", multiaddr_value::number},
}};

/// Null when there is none of that code.
[[nodiscard]] inline const multiaddr_protocol* find_multiaddr_protocol(std::uint64_t code) noexcept {
  const auto* at = std::ranges::find_if(multiaddr_protocols, [code](const multiaddr_protocol& p) {
    return static_cast<std::uint64_t>(p.code) == code;
  });
  return at != multiaddr_protocols.end() ? at : nullptr;
}

/// Null when there is none of that name. "ipfs" is what "p2p" was called once.
[[nodiscard]] inline const multiaddr_protocol* find_multiaddr_protocol(std::string_view name) noexcept {
  if (name == "ipfs") name = "p2p";
  const auto* at = std::ranges::find(multiaddr_protocols, name, &multiaddr_protocol::name);
  return at != multiaddr_protocols.end() ? at : nullptr;
}

namespace detail {

/// Values of this kind have no length in front of them: they all have the same.
[[nodiscard]] constexpr bool has_fixed_size(multiaddr_value kind) noexcept {
  return kind < multiaddr_value::name;
}

/// @pre has_fixed_size(kind)
[[nodiscard]] constexpr std::size_t fixed_size(multiaddr_value kind) noexcept {
  switch (kind) {
    case multiaddr_value::octet: return 1;
    case multiaddr_value::port: return 2;
    case multiaddr_value::ip4: return 4;
    case multiaddr_value::number: return 8;
    case multiaddr_value::ip6: return 16;
    default: return 0;
  }
}

/// True when the value is one of that kind.
[[nodiscard]] inline bool is_multiaddr_value(multiaddr_value kind, bytes_view value) noexcept {
  switch (kind) {
    case multiaddr_value::name:
      return !value.empty() && std::ranges::none_of(value, [](std::byte b) {
        return b == std::byte{'/'} || b < std::byte{' '} || b == std::byte{0x7f};
      });
    case multiaddr_value::path: return !value.empty();
    case multiaddr_value::peer: return peer_id::decode(value).has_value();
    case multiaddr_value::multihash: return multihash::take(value).has_value() && value.empty();
    default: return value.size() == fixed_size(kind);
  }
}

}  // namespace detail

/// One step of an address.
struct multiaddr_component {
  const multiaddr_protocol* protocol;  ///< of the table, never null
  bytes_view value;                    ///< of the input, without its length

  [[nodiscard]] multiaddr_code code() const noexcept { return protocol->code; }
};

/// Takes one component off the front of `input`, which is unchanged on error.
///
/// errc::truncated, errc::unsupported for an unknown protocol, errc::malformed for a value that is none.
[[nodiscard]] inline result<multiaddr_component> take_multiaddr_component(bytes_view& input) noexcept {
  bytes_view rest = input;
  const result<std::uint64_t> code = take_varint(rest);
  if (!code) return code.error();
  const multiaddr_protocol* protocol = find_multiaddr_protocol(*code);
  if (protocol == nullptr) return errc::unsupported;
  result<std::uint64_t> size = std::uint64_t{detail::fixed_size(protocol->value)};
  if (!detail::has_fixed_size(protocol->value)) size = take_varint(rest);
  if (!size) return size.error();
  if (*size > rest.size()) return errc::truncated;
  const multiaddr_component found{protocol, rest.first(static_cast<std::size_t>(*size))};
  if (!detail::is_multiaddr_value(protocol->value, found.value)) return errc::malformed;
  input = rest.subspan(found.value.size());
  return found;
}

}  // namespace shoal::libp2p
