// SPDX-License-Identifier: BSL-1.0
//
// multiaddr: where a peer can be reached and by which protocols, as text and as bytes
// (github.com/multiformats/multiaddr).
//
//     result<multiaddr> where = multiaddr::parse("/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...");
//     for (const multiaddr_component c : *where) if (c.code() == multiaddr_code::tcp) ...
//     result<multiaddr> same = multiaddr::decode(where->bytes());
//     to_text(*same);
//
// Whatever a multiaddr holds is valid, of known protocols only. Walking it does not allocate. Whether one
// protocol makes sense behind another is for whoever dials it.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/libp2p/multiaddr_protocol.hpp>
#include <shoal/libp2p/multiaddr_text.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

class multiaddr {
 public:
  /// Longest binary form, in bytes. A relayed WebTransport address takes some 300.
  static constexpr std::size_t max_size = 1024;
  /// Longest text, in characters: two bytes may say "/webrtc-direct".
  static constexpr std::size_t max_text = 8 * max_size;

  /// Walks over the components of a valid address.
  class iterator {
   public:
    using value_type = multiaddr_component;
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    explicit iterator(bytes_view rest) noexcept : rest_(rest) {}

    [[nodiscard]] multiaddr_component operator*() const noexcept {
      bytes_view rest = rest_;
      return *take_multiaddr_component(rest);
    }
    iterator& operator++() noexcept {
      (void)take_multiaddr_component(rest_);
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.rest_.data() == b.rest_.data() && a.rest_.size() == b.rest_.size();
    }
    friend bool operator==(const iterator& a, std::default_sentinel_t) noexcept { return a.rest_.empty(); }

   private:
    bytes_view rest_;
  };

  /// An address without components: nowhere.
  multiaddr() noexcept = default;

  /// errc::truncated for no bytes at all or an end inside a component, errc::limit_exceeded past max_size,
  /// otherwise as take_multiaddr_component.
  [[nodiscard]] static result<multiaddr> decode(bytes_view bytes) {
    if (bytes.empty()) return errc::truncated;
    if (bytes.size() > max_size) return errc::limit_exceeded;
    for (bytes_view rest = bytes; !rest.empty();) {
      const result<multiaddr_component> c = take_multiaddr_component(rest);
      if (!c) return c.error();
    }
    multiaddr address;
    address.bytes_.assign(bytes.begin(), bytes.end());
    return address;
  }

  /// errc::truncated for a text without components or one that ends where a value has to be, errc::unsupported
  /// for an unknown protocol, errc::malformed, errc::limit_exceeded past max_text or max_size.
  [[nodiscard]] static result<multiaddr> parse(std::string_view text) {
    if (text.size() > max_text) return errc::limit_exceeded;
    if (!text.empty() && text.front() != '/') return errc::malformed;
    while (text.ends_with('/')) text.remove_suffix(1);
    if (text.empty()) return errc::truncated;
    multiaddr address;
    while (!text.empty()) {
      const multiaddr_protocol* protocol = find_multiaddr_protocol(take_part(text));
      if (protocol == nullptr) return errc::unsupported;
      std::string_view part;
      if (protocol->value != multiaddr_value::none) {
        if (text.empty()) return errc::truncated;
        part = take_part(text);
      }
      const result<std::vector<std::byte>> value = detail::parse_multiaddr_value(protocol->value, part);
      if (!value) return value.error();
      const result<> appended = address.append(protocol->code, *value);
      if (!appended) return appended.error();
    }
    return address;
  }

  /// Adds a component at the end. errc::unsupported for an unknown code, errc::malformed for a value that is
  /// not one of that protocol, errc::limit_exceeded past max_size; the address is unchanged then.
  result<> append(multiaddr_code code, bytes_view value = {}) {
    const multiaddr_protocol* protocol = find_multiaddr_protocol(static_cast<std::uint64_t>(code));
    if (protocol == nullptr) return errc::unsupported;
    if (!detail::is_multiaddr_value(protocol->value, value)) return errc::malformed;
    std::vector<std::byte> longer = bytes_;
    append_varint(longer, static_cast<std::uint64_t>(code));
    if (!detail::has_fixed_size(protocol->value)) append_varint(longer, value.size());
    longer.insert(longer.end(), value.begin(), value.end());
    if (longer.size() > max_size) return errc::limit_exceeded;
    bytes_ = std::move(longer);
    return {};
  }

  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

  /// The components in order; valid as long as the address is neither changed nor gone.
  [[nodiscard]] iterator begin() const noexcept { return iterator{bytes_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  /// The value of the first component of that protocol, empty for a protocol without one; nothing when there is
  /// none.
  [[nodiscard]] std::optional<bytes_view> find(multiaddr_code code) const noexcept {
    for (const multiaddr_component c : *this) {
      if (c.code() == code) return c.value;
    }
    return std::nullopt;
  }

  /// Whom one reaches there: the last peer that is named.
  [[nodiscard]] std::optional<peer_id> peer() const noexcept {
    std::optional<peer_id> last;
    for (const multiaddr_component c : *this) {
      if (c.code() == multiaddr_code::p2p) last = *peer_id::decode(c.value);
    }
    return last;
  }

  friend bool operator==(const multiaddr& a, const multiaddr& b) noexcept { return a.bytes_ == b.bytes_; }
  friend std::strong_ordering operator<=>(const multiaddr& a, const multiaddr& b) noexcept {
    return std::lexicographical_compare_three_way(a.bytes_.begin(), a.bytes_.end(), b.bytes_.begin(),
                                                  b.bytes_.end());
  }

 private:
  /// What stands between the slash at the front of `text` and the next one.
  [[nodiscard]] static std::string_view take_part(std::string_view& text) noexcept {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    return part;
  }

  std::vector<std::byte> bytes_;
};

static_assert(std::input_iterator<multiaddr::iterator>);

/// The one usual text of an address; of an empty one "/".
[[nodiscard]] inline std::string to_text(const multiaddr& address) {
  std::string text;
  for (const multiaddr_component c : address) detail::append_component_text(text, c);
  return text.empty() ? "/" : text;
}

}  // namespace shoal::libp2p

template <>
struct std::hash<shoal::libp2p::multiaddr> {
  std::size_t operator()(const shoal::libp2p::multiaddr& address) const noexcept {
    return std::hash<std::string_view>{}(shoal::as_text(address.bytes()));
  }
};
