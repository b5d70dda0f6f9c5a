// SPDX-License-Identifier: BSL-1.0
//
// bitswap_message: what one peer says to another in Bitswap 1.2 (specs.ipfs.tech/bitswap-protocol): what it
// wants, what it has, and blocks. Checked once, then visited in place: payloads are views into the input.
//
//     const result<bitswap_message> m = bitswap_message::parse(bytes);   // without the length before it
//     if (!m) return m.error();
//     m->visit([&](const block_payload& b) { check(b.prefix, b.data); });
//
// Allocates nothing. Blocks are not verified: the prefix says which hash function to apply, and the name that
// prefix.name(digest) gives is the block's. For the way out see bitswap_writer.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/protobuf.hpp>
#include <shoal/content/varint.hpp>
#include <shoal/content/verify.hpp>

namespace shoal::exchange {

/// Longest message, in bytes, without the length before it. Other implementations drop longer ones.
inline constexpr std::size_t max_message_size = 4u << 20;

/// What is asked for: the block, or only whether the peer has it.
enum class want_type : std::uint8_t { block = 0, have = 1 };
/// What is answered to want_type::have.
enum class presence : std::uint8_t { have = 0, dont_have = 1 };

/// One entry of a wantlist.
struct want_entry {
  cid id;
  std::int32_t priority = 1;  ///< higher comes first
  bool cancel = false;        ///< no longer wanted; what follows means nothing then
  want_type type = want_type::block;
  bool send_dont_have = false;  ///< the sender wants to hear presence::dont_have
};

/// An answer about one block.
struct block_presence {
  cid id;
  presence what = presence::have;
};

/// A CID without its digest, which travels with a block instead of its name.
struct block_prefix {
  unsigned version = 0;
  multicodec codec = multicodec::dag_pb;
  hash_code hash = hash_code::sha2_256;
  std::size_t digest_size = 32;  ///< at most multihash::max_digest_size

  [[nodiscard]] static block_prefix of(const cid& id) noexcept {
    return {id.version(), id.codec(), id.hash().code(), id.hash().digest().size()};
  }

  /// The prefix that `bytes` are, whole. errc::malformed, errc::truncated, errc::unsupported for a CID version
  /// other than 0 and 1, errc::limit_exceeded for a digest longer than multihash::max_digest_size.
  [[nodiscard]] static result<block_prefix> decode(bytes_view bytes) noexcept {
    std::uint64_t parts[4] = {};
    for (std::uint64_t& part : parts) {
      const result<std::uint64_t> value = take_varint(bytes);
      if (!value) return value.error();
      part = *value;
    }
    if (!bytes.empty()) return errc::malformed;
    if (parts[0] > 1) return errc::unsupported;
    if (parts[3] > multihash::max_digest_size) return errc::limit_exceeded;
    const block_prefix prefix{static_cast<unsigned>(parts[0]), multicodec{parts[1]}, hash_code{parts[2]},
                              static_cast<std::size_t>(parts[3])};
    if (prefix.version == 0 && prefix != block_prefix{}) return errc::malformed;
    return prefix;
  }

  /// Appends the binary form.
  void append_to(std::vector<std::byte>& out) const {
    append_varint(out, version);
    append_varint(out, static_cast<std::uint64_t>(codec));
    append_varint(out, static_cast<std::uint64_t>(hash));
    append_varint(out, digest_size);
  }

  /// The CID of the block whose digest this is. errc::invalid_argument if its size is not digest_size.
  [[nodiscard]] result<cid> name(bytes_view digest) const noexcept {
    if (digest.size() != digest_size) return errc::invalid_argument;
    const result<multihash> made = multihash::make(hash, digest);
    if (!made) return made.error();
    return version == 0 ? cid::v0(*made) : result<cid>{cid{codec, *made}};
  }

  friend bool operator==(const block_prefix&, const block_prefix&) noexcept = default;
};

/// A block as it came: nobody has looked at it yet.
struct block_payload {
  block_prefix prefix;
  bytes_view data;  ///< points into the message; at most max_block_size
};

class bitswap_message {
 public:
  /// Checks a whole message. `body` must outlive what is made of it.
  ///
  /// Fields and enumerators that are not known are skipped. errc::limit_exceeded past max_message_size or
  /// max_block_size, errc::malformed, errc::truncated, errc::unsupported as protobuf, CIDs and prefixes are.
  [[nodiscard]] static result<bitswap_message> parse(bytes_view body) noexcept {
    if (body.size() > max_message_size) return errc::limit_exceeded;
    bitswap_message message{body};
    bytes_view rest = body;
    while (!rest.empty()) {
      const result<protobuf_field> field = take_protobuf_field(rest);
      if (!field) return field.error();
      if (field->is_varint(pending_field)) message.pending_ = field->value;
      if (field->is_bytes(wantlist_field)) {
        if (const result<> r = message.read_wantlist(field->bytes); !r) return r.error();
      } else if (const result<> r = message.visit_field(*field, [](const auto&) {}); !r) {
        return r.error();
      }
    }
    return message;
  }

  /// The wantlist replaces all that this peer has asked for before.
  [[nodiscard]] bool full() const noexcept { return full_; }
  /// Bytes that the sender has ready for us beyond this message; a hint.
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_; }

  /// Calls `visitor` with every want_entry, block_presence and block_payload that it takes, in order.
  template <class Visitor>
    requires std::invocable<Visitor&, const want_entry&> || std::invocable<Visitor&, const block_presence&> ||
             std::invocable<Visitor&, const block_payload&>
  void visit(Visitor&& visitor) const {
    bytes_view rest = body_;
    while (!rest.empty()) {
      const result<protobuf_field> field = take_protobuf_field(rest);
      if (!field) return;
      if (const result<> r = visit_field(*field, visitor); !r) return;
    }
  }

 private:
  static constexpr std::uint32_t wantlist_field = 1;
  static constexpr std::uint32_t legacy_block_field = 2;
  static constexpr std::uint32_t payload_field = 3;
  static constexpr std::uint32_t presence_field = 4;
  static constexpr std::uint32_t pending_field = 5;

  explicit bitswap_message(bytes_view body) noexcept : body_(body) {}

  template <class Visitor>
  static result<> visit_field(const protobuf_field& field, Visitor&& visitor) {
    if (field.type != protobuf_type::bytes) return {};
    switch (field.number) {
      case wantlist_field:
        if constexpr (std::invocable<Visitor&, const want_entry&>) return visit_wants(field.bytes, visitor);
        return {};
      case legacy_block_field: return visit_block({{}, field.bytes}, visitor);
      case payload_field: return visit_payload(field.bytes, visitor);
      case presence_field:
        if constexpr (std::invocable<Visitor&, const block_presence&>) {
          return visit_presence(field.bytes, visitor);
        }
        return {};
      default: return {};
    }
  }

  result<> read_wantlist(bytes_view list) noexcept {
    if (const result<> r = visit_wants(list, [](const want_entry&) {}); !r) return r;
    while (!list.empty()) {
      const result<protobuf_field> field = take_protobuf_field(list);
      if (!field) return field.error();
      if (field->is_varint(2)) full_ = field->value != 0;
    }
    return {};
  }

  template <class Visitor>
  static result<> visit_wants(bytes_view list, Visitor&& visitor) {
    while (!list.empty()) {
      const result<protobuf_field> field = take_protobuf_field(list);
      if (!field) return field.error();
      if (!field->is_bytes(1)) continue;
      want_entry entry;
      entry.priority = 0;  // what protobuf leaves out
      std::uint64_t type = 0;
      bool named = false;
      for (bytes_view rest = field->bytes; !rest.empty();) {
        const result<protobuf_field> part = take_protobuf_field(rest);
        if (!part) return part.error();
        if (part->is_bytes(1)) {
          const result<cid> id = cid::decode(part->bytes);
          if (!id) return id.error();
          entry.id = *id;
          named = true;
        }
        if (part->is_varint(2)) entry.priority = static_cast<std::int32_t>(part->value);
        if (part->is_varint(3)) entry.cancel = part->value != 0;
        if (part->is_varint(4)) type = part->value;
        if (part->is_varint(5)) entry.send_dont_have = part->value != 0;
      }
      if (!named) return errc::malformed;
      if (type > 1) continue;
      entry.type = want_type{static_cast<std::uint8_t>(type)};
      visitor(static_cast<const want_entry&>(entry));
    }
    return {};
  }

  template <class Visitor>
  static result<> visit_payload(bytes_view payload, Visitor&& visitor) {
    bytes_view prefix;
    bytes_view data;
    while (!payload.empty()) {
      const result<protobuf_field> part = take_protobuf_field(payload);
      if (!part) return part.error();
      if (part->is_bytes(1)) prefix = part->bytes;
      if (part->is_bytes(2)) data = part->bytes;
    }
    const result<block_prefix> decoded = block_prefix::decode(prefix);
    if (!decoded) return decoded.error();
    return visit_block({*decoded, data}, visitor);
  }

  template <class Visitor>
  static result<> visit_block(const block_payload& block, Visitor&& visitor) {
    if (block.data.size() > max_block_size) return errc::limit_exceeded;
    if constexpr (std::invocable<Visitor&, const block_payload&>) visitor(block);
    return {};
  }

  template <class Visitor>
  static result<> visit_presence(bytes_view body, Visitor&& visitor) {
    block_presence answer;
    std::uint64_t what = 0;
    bool named = false;
    while (!body.empty()) {
      const result<protobuf_field> part = take_protobuf_field(body);
      if (!part) return part.error();
      if (part->is_bytes(1)) {
        const result<cid> id = cid::decode(part->bytes);
        if (!id) return id.error();
        answer.id = *id;
        named = true;
      }
      if (part->is_varint(2)) what = part->value;
    }
    if (!named) return errc::malformed;
    if (what > 1) return {};
    answer.what = presence{static_cast<std::uint8_t>(what)};
    visitor(static_cast<const block_presence&>(answer));
    return {};
  }

  bytes_view body_;
  std::uint64_t pending_ = 0;
  bool full_ = false;
};

}  // namespace shoal::exchange
