// SPDX-License-Identifier: BSL-1.0
//
// multihash: a digest that says which function made it (github.com/multiformats/multihash).
//
//     bytes_view rest = input;
//     result<multihash> hash = multihash::take(rest);
//     if (hash && hash->code() == hash_code::sha2_256) ...
//
// A value of fixed size: it copies without allocating. It does not hash; see crypto/hasher.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal {

class multihash {
 public:
  /// Longest digest taken, in bytes: what Bitswap and Kubo allow, and room for identity hashes.
  static constexpr std::size_t max_digest_size = 128;

  /// The identity hash of nothing.
  multihash() noexcept = default;

  /// errc::limit_exceeded when the digest is longer than max_digest_size.
  [[nodiscard]] static result<multihash> make(hash_code code, bytes_view digest) noexcept {
    if (digest.size() > max_digest_size) return errc::limit_exceeded;
    multihash hash;
    hash.code_ = code;
    hash.size_ = static_cast<std::uint8_t>(digest.size());
    std::ranges::copy(digest, hash.digest_.begin());
    return hash;
  }

  /// Takes one multihash (varint code, varint length, digest) off the front of `input`, which is unchanged on
  /// error. errc::truncated, errc::malformed, or errc::limit_exceeded past max_digest_size.
  [[nodiscard]] static result<multihash> take(bytes_view& input) noexcept {
    bytes_view rest = input;
    const result<std::uint64_t> code = take_varint(rest);
    if (!code) return code.error();
    const result<std::uint64_t> length = take_varint(rest);
    if (!length) return length.error();
    if (*length > max_digest_size) return errc::limit_exceeded;
    if (*length > rest.size()) return errc::truncated;
    result<multihash> hash = make(hash_code{*code}, rest.first(static_cast<std::size_t>(*length)));
    if (hash) input = rest.subspan(static_cast<std::size_t>(*length));
    return hash;
  }

  [[nodiscard]] hash_code code() const noexcept { return code_; }
  [[nodiscard]] bytes_view digest() const noexcept { return bytes_view{digest_}.first(size_); }

  /// Size of the binary form, in bytes.
  [[nodiscard]] std::size_t encoded_size() const noexcept {
    return varint_size(static_cast<std::uint64_t>(code_)) + varint_size(size_) + size_;
  }

  /// Writes the binary form and returns its size. @pre out has room for encoded_size() bytes
  std::size_t encode(std::byte* out) const noexcept {
    std::size_t size = put_varint(out, static_cast<std::uint64_t>(code_));
    size += put_varint(out + size, size_);
    std::copy_n(digest_.begin(), size_, out + size);
    return size + size_;
  }

  friend bool operator==(const multihash& a, const multihash& b) noexcept {
    return a.code_ == b.code_ && std::ranges::equal(a.digest(), b.digest());
  }
  friend std::strong_ordering operator<=>(const multihash& a, const multihash& b) noexcept {
    if (const auto order = a.code_ <=> b.code_; order != 0) return order;
    const bytes_view x = a.digest();
    const bytes_view y = b.digest();
    return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
  }

 private:
  hash_code code_ = hash_code::identity;
  std::uint8_t size_ = 0;
  std::array<std::byte, max_digest_size> digest_{};
};

}  // namespace shoal
