// SPDX-License-Identifier: BSL-1.0
//
// The text of a component's value, both ways. Parts of libp2p/multiaddr.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multibase.hpp>
#include <shoal/libp2p/ip_text.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p::detail {

/// Everything but letters, digits and "-_.!~*'()" as %XX.
inline void append_percent_encoded(std::string& out, bytes_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : as_text(bytes)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"-_.!~*'()"}.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
}

[[nodiscard]] inline result<std::vector<std::byte>> percent_decoded(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes.push_back(static_cast<std::byte>(text[i]));
      continue;
    }
    const std::string_view pair = text.substr(i + 1, 2);
    const result<std::uint8_t> byte = parse_digits<std::uint8_t>(pair, 2, 16);
    if (!byte || pair.size() != 2) return errc::malformed;
    bytes.push_back(std::byte{*byte});
    i += 2;
  }
  return bytes;
}

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
    return std::vector<std::byte>(found->begin(), found->end());
  };
  switch (kind) {
    case multiaddr_value::none: return std::vector<std::byte>{};
    case multiaddr_value::ip4: return copy(parse_ip4(text));
    case multiaddr_value::ip6: return copy(parse_ip6(text));
    case multiaddr_value::port: return parse_big_endian<std::uint16_t>(text, 5);
    case multiaddr_value::octet: return parse_big_endian<std::uint8_t>(text, 3);
    case multiaddr_value::number: return parse_big_endian<std::uint64_t>(text, 20);
    case multiaddr_value::path: return percent_decoded(text);
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
    case multiaddr_value::path: append_percent_encoded(out, c.value); break;
    case multiaddr_value::peer: out += encode_base58btc(c.value); break;
    case multiaddr_value::multihash: out += encode_multibase(multibase::base64url, c.value); break;
  }
}

}  // namespace shoal::libp2p::detail
