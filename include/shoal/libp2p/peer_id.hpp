// SPDX-License-Identifier: BSL-1.0
//
// peer_id: the name of a peer, made from its public key (libp2p specs, peer-ids/peer-ids.md, "Peer Ids"): a
// multihash that holds the key itself when that is short, and its SHA-256 when it is not.
//
//     result<libp2p::peer_id> id =
//     libp2p::peer_id::parse("12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7"); libp2p::peer_id::of(key)
//     == *id;  id->bytes();  to_text(*id);
//
// A small value of fixed size: it copies without allocating, orders and hashes.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/multibase.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/crypto/sha256.hpp>
#include <shoal/libp2p/public_key.hpp>

namespace shoal::libp2p {

class peer_id {
 public:
  /// A PublicKey message of at most this many bytes is its own hash.
  static constexpr std::size_t max_inline_key = 42;
  /// Longest binary form, in bytes.
  static constexpr std::size_t max_size = 2 + max_inline_key;

  /// Of an empty key: a value that names nobody.
  peer_id() noexcept = default;

  /// The name of whoever has this key.
  [[nodiscard]] static peer_id of(const public_key& key) {
    const std::vector<std::byte> message = key.encode();
    if (message.size() <= max_inline_key) return {hash_code::identity, message};
    std::array<std::byte, sha256::digest_size> digest;
    sha256 hash;
    hash.update(message);
    hash.finish(digest);
    return {hash_code::sha2_256, digest};
  }

  /// The id that a multihash is. errc::unsupported for a multihash that is neither a whole SHA-256 nor the
  /// identity of at most max_inline_key bytes. What an identity holds is not looked at: see key().
  [[nodiscard]] static result<peer_id> from(const multihash& hash) noexcept {
    const bytes_view digest = hash.digest();
    const bool hashed = hash.code() == hash_code::sha2_256 && digest.size() == sha256::digest_size;
    const bool whole = hash.code() == hash_code::identity && digest.size() <= max_inline_key;
    if (!hashed && !whole) return errc::unsupported;
    return peer_id{hash.code(), digest};
  }

  /// The id that these bytes are, whole. errc::malformed when something follows it, otherwise as
  /// multihash::take and from.
  [[nodiscard]] static result<peer_id> decode(bytes_view bytes) noexcept {
    const result<multihash> hash = multihash::take(bytes);
    if (!hash) return hash.error();
    if (!bytes.empty()) return errc::malformed;
    return from(*hash);
  }

  /// The id that a text names: a multihash in base 58 ("12D3Koo...", "Qm..."), or a CID of libp2p's key codec
  /// in any multibase ("bafz...", "k51..."). errc::unsupported for a CID of another codec, errc::limit_exceeded
  /// for a text that is longer than any id's, otherwise as decode_multibase and decode.
  [[nodiscard]] static result<peer_id> parse(std::string_view text) {
    if (text.starts_with("1") || text.starts_with("Qm")) {
      constexpr std::size_t longest = 2 * max_size;
      if (text.size() > longest) return errc::limit_exceeded;
      const result<std::vector<std::byte>> bytes = decode_base58btc(text);
      if (!bytes) return bytes.error();
      return decode(*bytes);
    }
    const result<cid> id = cid::parse(text);
    if (!id) return id.error();
    if (id->codec() != multicodec::libp2p_key) return errc::unsupported;
    return from(id->hash());
  }

  /// The multihash: what stands on the wire and in a multiaddr.
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_view{bytes_}.first(size_); }

  /// The key, where the id holds it. errc::not_found when it is a hash, otherwise as public_key::decode.
  [[nodiscard]] result<public_key> key() const {
    if (bytes_[0] != std::byte{static_cast<std::uint8_t>(hash_code::identity)}) return errc::not_found;
    return public_key::decode(bytes().subspan(2));
  }

  friend bool operator==(const peer_id& a, const peer_id& b) noexcept {
    return std::ranges::equal(a.bytes(), b.bytes());
  }
  friend std::strong_ordering operator<=>(const peer_id& a, const peer_id& b) noexcept {
    const bytes_view x = a.bytes();
    const bytes_view y = b.bytes();
    return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
  }

 private:
  /// @pre digest.size() <= max_inline_key, and the code is one byte as a varint
  peer_id(hash_code code, bytes_view digest) noexcept : size_(static_cast<std::uint8_t>(2 + digest.size())) {
    bytes_[0] = static_cast<std::byte>(code);
    bytes_[1] = static_cast<std::byte>(digest.size());
    std::ranges::copy(digest, bytes_.begin() + 2);
  }

  std::uint8_t size_ = 2;
  std::array<std::byte, max_size> bytes_{};
};

/// The usual text of a peer id: its multihash in base 58.
[[nodiscard]] inline std::string to_text(const peer_id& id) {
  return encode_base58btc(id.bytes());
}

}  // namespace shoal::libp2p

/// The end of a key or of its hash is as good as random; the beginning is the same for all.
template <>
struct std::hash<shoal::libp2p::peer_id> {
  std::size_t operator()(const shoal::libp2p::peer_id& id) const noexcept {
    std::size_t value = 0;
    const shoal::bytes_view bytes = id.bytes();
    const std::size_t size = bytes.size() < sizeof value ? bytes.size() : sizeof value;
    std::memcpy(&value, bytes.data() + (bytes.size() - size), size);
    return value;
  }
};
