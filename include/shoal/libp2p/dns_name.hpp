// SPDX-License-Identifier: BSL-1.0
//
// dns_name: a name of the DNS (RFC 1035, section 3.1), and how it is read from a message where parts of names
// stand for others (section 4.1.4).
//
//     const result<dns_name> service = dns_name::parse("_p2p._udp.local");
//     const result<dns_name> mine = dns_name::join("abc", *service);
//     result<dns_name> name = take_dns_name(message, at);      // `at` moves behind it
//     if (name && *name == *service) ...
//
// A small value of fixed size. Names are compared without regard to the case of ASCII letters. Leaves out
// escapes: the text of a label has no dot in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>

namespace shoal::libp2p {

class dns_name {
 public:
  /// Longest name in a message, in bytes, with the root's empty label.
  static constexpr std::size_t max_size = 255;
  /// Longest label, in bytes.
  static constexpr std::size_t max_label = 63;

  /// The root.
  dns_name() noexcept = default;

  /// The name that labels with dots between them are; a dot at the end changes nothing. errc::malformed for an
  /// empty label, errc::limit_exceeded for a label or a name that is too long.
  [[nodiscard]] static result<dns_name> parse(std::string_view text) noexcept {
    dns_name name;
    if (text.ends_with('.')) text.remove_suffix(1);
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      const result<> appended = name.append(as_bytes(label));
      if (!appended) return appended.error();
      if (text.size() == label.size()) break;
      text.remove_prefix(label.size() + 1);
      if (text.empty()) return errc::malformed;
    }
    return name;
  }

  /// The name `label` under `parent`. Errors as parse.
  [[nodiscard]] static result<dns_name> join(std::string_view label, const dns_name& parent) noexcept {
    dns_name name;
    const result<> appended = name.append(as_bytes(label));
    if (!appended) return appended.error();
    if (parent.size_ > max_size - name.size_ + 1) return errc::limit_exceeded;
    std::copy_n(parent.bytes_.begin(), parent.size_, name.bytes_.begin() + name.size_ - 1);
    name.size_ = static_cast<std::uint8_t>(name.size_ - 1 + parent.size_);
    return name;
  }

  /// Adds a label in front of the root. errc::malformed for an empty one, errc::limit_exceeded for one that is
  /// too long or does not fit.
  result<> append(bytes_view label) noexcept {
    if (label.empty()) return errc::malformed;
    if (label.size() > max_label || label.size() + 1 > max_size - size_) return errc::limit_exceeded;
    bytes_[size_ - std::size_t{1}] = static_cast<std::byte>(label.size());
    std::ranges::copy(label, bytes_.begin() + size_);
    size_ = static_cast<std::uint8_t>(size_ + label.size() + 1);
    bytes_[size_ - std::size_t{1}] = std::byte{0};
    return {};
  }

  /// The name as a message holds it when nothing in it stands for something else.
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_view{bytes_}.first(size_); }
  [[nodiscard]] bool is_root() const noexcept { return size_ == 1; }

  /// The first label; empty for the root.
  [[nodiscard]] std::string_view label() const noexcept {
    return as_text(bytes().subspan(1, std::to_integer<std::size_t>(bytes_[0])));
  }
  /// Without the first label; of the root, the root.
  [[nodiscard]] dns_name parent() const noexcept {
    if (is_root()) return {};
    dns_name up;
    const std::size_t skipped = label().size() + 1;
    up.size_ = static_cast<std::uint8_t>(size_ - skipped);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(skipped), up.size_, up.bytes_.begin());
    return up;
  }

  friend bool operator==(const dns_name& a, const dns_name& b) noexcept {
    return std::ranges::equal(a.bytes(), b.bytes(), {}, lower, lower);
  }

 private:
  /// Lengths are below 'A' and stay what they are.
  [[nodiscard]] static std::byte lower(std::byte b) noexcept {
    const bool upper = b >= std::byte{'A'} && b <= std::byte{'Z'};
    return upper ? b | std::byte{0x20} : b;
  }

  std::uint8_t size_ = 1;
  std::array<std::byte, max_size> bytes_{};
};

/// The labels with dots between them; of the root ".". For people: bytes that are no text stay what they are.
[[nodiscard]] inline std::string to_text(dns_name name) {
  std::string text;
  for (; !name.is_root(); name = name.parent()) {
    if (!text.empty()) text += '.';
    text += name.label();
  }
  return text.empty() ? "." : text;
}

/// The name at `at` of a message. `at` moves behind it, and stays on failure.
///
/// A part that stands elsewhere must stand further to the front, each time: there are no loops. errc::truncated
/// when the message ends inside the name, errc::malformed for a reference forwards or into the header and for
/// labels of unknown kinds, errc::limit_exceeded past dns_name::max_size or too many references.
[[nodiscard]] inline result<dns_name> take_dns_name(bytes_view message, std::size_t& at) noexcept {
  constexpr std::size_t header_size = 12;
  constexpr std::size_t max_references = 16;
  dns_name name;
  std::size_t position = at;
  std::size_t barrier = at;  // a reference has to point in front of this
  std::size_t end = 0;       // behind the name where it began, once a reference was followed
  std::size_t references = 0;
  while (true) {
    if (position >= message.size()) return errc::truncated;
    const std::size_t rest = message.size() - position - 1;
    const auto length = std::to_integer<std::size_t>(message[position]);
    if (length >= 0xc0) {
      if (rest < 1) return errc::truncated;
      const std::size_t target = load_be<std::uint16_t>(message.data() + position) & 0x3fffu;
      if (target < header_size || target >= barrier) return errc::malformed;
      if (++references > max_references) return errc::limit_exceeded;
      if (references == 1) end = position + 2;
      position = barrier = target;
      continue;
    }
    if (length > dns_name::max_label) return errc::malformed;
    if (length > rest) return errc::truncated;
    if (length == 0) {
      at = references == 0 ? position + 1 : end;
      return name;
    }
    const result<> appended = name.append(message.subspan(position + 1, length));
    if (!appended) return appended.error();
    position += 1 + length;
  }
}

}  // namespace shoal::libp2p
