// SPDX-License-Identifier: BSL-1.0
//
// cid: the name of a block, made from its content (github.com/multiformats/cid).
//
//     result<cid> id = cid::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
//     id->codec() == multicodec::raw;  id->hash().digest();  to_text(*id);
//
// A value of fixed size: it copies without allocating, orders and hashes. It does not verify: see
// content/verify.hpp.
#pragma once

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
#include <shoal/content/multibase.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/content/varint.hpp>

namespace shoal {

/// How the bytes of a block are to be read (multicodec table.csv, tag "ipld").
enum class multicodec : std::uint64_t {
  raw = 0x55,
  dag_pb = 0x70,
  dag_cbor = 0x71,
  libp2p_key = 0x72,
  dag_json = 0x0129,
};

class cid {
 public:
  /// Longest binary form, in bytes: version, codec and a multihash of the longest digest.
  static constexpr std::size_t max_size =
      1 + max_varint_size + 2 * max_varint_size + multihash::max_digest_size;

  /// CIDv1 of an empty identity hash: a valid value that names no stored block.
  cid() noexcept = default;

  /// A version 1 CID.
  cid(multicodec codec, const multihash& hash) noexcept : codec_(codec), hash_(hash) {}

  /// A version 0 CID: dag-pb under a 32-byte SHA-256. errc::invalid_argument for any other hash.
  [[nodiscard]] static result<cid> v0(const multihash& hash) noexcept {
    if (hash.code() != hash_code::sha2_256 || hash.digest().size() != 32) return errc::invalid_argument;
    cid id{multicodec::dag_pb, hash};
    id.version_ = 0;
    return id;
  }

  /// Takes one binary CID off the front of `input`, which is unchanged on error.
  ///
  /// Version 0 is recognised by its first two bytes, 0x12 0x20. errc::unsupported for versions other than 0
  /// and 1, otherwise as multihash::take.
  [[nodiscard]] static result<cid> take(bytes_view& input) noexcept {
    bytes_view rest = input;
    if (rest.size() >= 2 && rest[0] == std::byte{0x12} && rest[1] == std::byte{0x20}) {
      const result<multihash> hash = multihash::take(rest);
      if (!hash) return hash.error();
      input = rest;
      return v0(*hash);
    }
    const result<std::uint64_t> version = take_varint(rest);
    if (!version) return version.error();
    if (*version != 1) return errc::unsupported;
    const result<std::uint64_t> codec = take_varint(rest);
    if (!codec) return codec.error();
    const result<multihash> hash = multihash::take(rest);
    if (!hash) return hash.error();
    input = rest;
    return cid{multicodec{*codec}, *hash};
  }

  /// The CID that `bytes` are, whole. errc::malformed when something follows it.
  [[nodiscard]] static result<cid> decode(bytes_view bytes) noexcept {
    result<cid> id = take(bytes);
    if (id && !bytes.empty()) return errc::malformed;
    return id;
  }

  /// The CID that a text names: version 0 as 46 characters "Qm...", version 1 in any multibase.
  ///
  /// The text alone, without "/ipfs/" or "ipfs://". errc::limit_exceeded for a text that is longer than any
  /// CID's, otherwise as decode_multibase and decode.
  [[nodiscard]] static result<cid> parse(std::string_view text) {
    constexpr std::size_t longest = 1 + 8 * max_size;  // base 2, prefix included
    if (text.size() > longest) return errc::limit_exceeded;
    const bool bare = text.size() == 46 && text.starts_with("Qm");
    const result<std::vector<std::byte>> bytes = bare ? decode_base58btc(text) : decode_multibase(text);
    if (!bytes) return bytes.error();
    result<cid> id = decode(*bytes);
    // Version 0 has no prefix: one name must not have two spellings of which other software knows one only.
    if (id && (id->version() == 0) != bare) return errc::malformed;
    return id;
  }

  [[nodiscard]] unsigned version() const noexcept { return version_; }
  [[nodiscard]] multicodec codec() const noexcept { return codec_; }
  [[nodiscard]] const multihash& hash() const noexcept { return hash_; }

  /// Size of the binary form, in bytes.
  [[nodiscard]] std::size_t encoded_size() const noexcept {
    return (version_ == 0 ? 0 : 1 + varint_size(static_cast<std::uint64_t>(codec_))) + hash_.encoded_size();
  }

  /// Writes the binary form and returns its size. @pre out has room for encoded_size() bytes
  std::size_t encode(std::byte* out) const noexcept {
    std::size_t size = 0;
    if (version_ != 0) {
      out[size++] = std::byte{1};
      size += put_varint(out + size, static_cast<std::uint64_t>(codec_));
    }
    return size + hash_.encode(out + size);
  }

  /// Appends the binary form.
  void append_to(std::vector<std::byte>& out) const {
    const std::size_t at = out.size();
    out.resize(at + encoded_size());
    encode(out.data() + at);
  }

  friend bool operator==(const cid&, const cid&) noexcept = default;
  friend std::strong_ordering operator<=>(const cid&, const cid&) noexcept = default;

 private:
  std::uint8_t version_ = 1;
  multicodec codec_ = multicodec::raw;
  multihash hash_;
};

/// The usual text of a CID: base 58 without a prefix for version 0, lower-case base 32 for version 1.
[[nodiscard]] inline std::string to_text(const cid& id) {
  std::array<std::byte, cid::max_size> bytes;
  const bytes_view binary = bytes_view{bytes}.first(id.encode(bytes.data()));
  return id.version() == 0 ? encode_base58btc(binary) : encode_multibase(multibase::base32, binary);
}

/// True for a CID that carries its block in itself: id.hash().digest(). No store is asked for such blocks.
[[nodiscard]] inline bool is_inline(const cid& id) noexcept {
  return id.hash().code() == hash_code::identity;
}

}  // namespace shoal

/// The digest is already random: its last bytes are the hash (the last ones, because a peer who grinds
/// digests finds leading zeroes first).
template <>
struct std::hash<shoal::multihash> {
  std::size_t operator()(const shoal::multihash& key) const noexcept {
    std::size_t value = 0;
    const shoal::bytes_view digest = key.digest();
    const std::size_t size = digest.size() < sizeof value ? digest.size() : sizeof value;
    std::memcpy(&value, digest.data() + (digest.size() - size), size);
    return value;
  }
};
template <>
struct std::hash<shoal::cid> {
  std::size_t operator()(const shoal::cid& id) const noexcept {
    return std::hash<shoal::multihash>{}(id.hash());
  }
};
