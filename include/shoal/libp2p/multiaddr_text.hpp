// SPDX-License-Identifier: BSL-1.0
//
// The text of a component's value, both ways. Parts of libp2p/multiaddr.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/percent_coding.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multibase.hpp>
#include <shoal/libp2p/ip_text.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p::detail {

/// What stands unencoded in a path beside what always does.
inline constexpr std::string_view plain_in_paths = "!*'()";

template <class T>
[[nodiscard]] result<std::vector<std::byte>> parse_big_endian(std::string_view text, std::size_t digits) {
  const result<T> value = parse_digits<T>(text, digits);
  if (!value) return value.error();
  std::vector<std::byte> bytes(sizeof(T));
  store_be(bytes.data(), *value);
  return bytes;
}

/// The value that a text stands for, unchecked for names, paths and multihashes.
[[nodiscard]] inline result<std::vector<std::byte>> parse_multiaddr_value(multiaddr_value kind,
                                                                          std::string_view text) {
  const auto copy = [](auto&& found) -> result<std::vector<std::byte>> {
    if (!found) return found.error();
    const bytes_view bytes = std::as_bytes(std::span{*found});
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  switch (kind) {
    case multiaddr_value::none: return std::vector<std::byte>{};
    case multiaddr_value::ip4: return copy(parse_ip4(text));
    case multiaddr_value::ip6: return copy(parse_ip6(text));
    case multiaddr_value::port: return parse_big_endian<std::uint16_t>(text, 5);
    case multiaddr_value::octet: return parse_big_endian<std::uint8_t>(text, 3);
    case multiaddr_value::number: return parse_big_endian<std::uint64_t>(text, 20);
    case multiaddr_value::path: return copy(percent_decode(text));
    case multiaddr_value::multihash: return decode_multibase(text);
    case multiaddr_value::peer: {
      const result<peer_id> id = peer_id::parse(text);
      if (!id) return id.error();
      return std::vector<std::byte>(id->bytes().begin(), id->bytes().end());
    }
    case multiaddr_value::name: break;
  }
  const bytes_view bytes = as_bytes(text);
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

/// Appends "/name" or "/name/value". @pre take_multiaddr_component gave it
inline void append_component_text(std::string& out, const multiaddr_component& c) {
  out += '/';
  out += c.protocol->name;
  if (c.protocol->value == multiaddr_value::none) return;
  out += '/';
  switch (c.protocol->value) {
    case multiaddr_value::none: break;
    case multiaddr_value::ip4: append_ip4(out, c.value.first<4>()); break;
    case multiaddr_value::ip6: append_ip6(out, c.value.first<16>()); break;
    case multiaddr_value::port: append_digits(out, load_be<std::uint16_t>(c.value.data())); break;
    case multiaddr_value::octet: append_digits(out, std::to_integer<unsigned>(c.value.front())); break;
    case multiaddr_value::number: append_digits(out, load_be<std::uint64_t>(c.value.data())); break;
    case multiaddr_value::name: out += as_text(c.value); break;
    case multiaddr_value::path: append_percent_encoded(out, as_text(c.value), plain_in_paths); break;
    case multiaddr_value::peer: out += encode_base58btc(c.value); break;
    case multiaddr_value::multihash: out += encode_multibase(multibase::base64url, c.value); break;
  }
}

}  // namespace shoal::libp2p::detail
