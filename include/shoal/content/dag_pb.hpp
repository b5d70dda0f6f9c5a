// SPDX-License-Identifier: BSL-1.0
//
// DAG-PB: the node format of UnixFS, a list of links and some bytes (ipld.io/specs/codecs/dag-pb/spec).
//
//     result<pb_node> node = decode_dag_pb(block);
//     for (const pb_link& link : node->links) visit(link.hash);
//     append_dag_pb(out, *node);                          // the same bytes, if they were canonical
//
// What the bytes of a node mean is content/unixfs.hpp. Links keep their order: sorting a directory by name is
// its writer's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/protobuf.hpp>

namespace shoal {

/// More links than any node has that fits into a block: at 2 MiB a link of 32 bytes (a SHA-256 alone is
/// longer).
inline constexpr std::size_t max_dag_pb_links = 65536;

/// A link of a node. An absent name and an empty one are different bytes, and so different blocks.
struct pb_link {
  cid hash;
  std::optional<std::string_view> name;
  std::optional<std::uint64_t> total_size;  ///< "Tsize": bytes of all blocks below, a hint that nobody checks

  friend bool operator==(const pb_link&, const pb_link&) = default;
};

/// A node. Names and data are views: of the block it was decoded from, or of what its maker holds.
struct pb_node {
  std::vector<pb_link> links;
  std::optional<bytes_view> data;
};

namespace detail {

[[nodiscard]] inline result<pb_link> decode_pb_link(bytes_view message) noexcept {
  std::uint32_t last = 0;  // Hash, Name, Tsize: in this order, each at most once, the first one always
  pb_link link;
  while (!message.empty()) {
    const result<protobuf_field> field = take_protobuf_field(message);
    if (!field) return field.error();
    if (field->number <= last || (last == 0 && field->number != 1)) return errc::malformed;
    last = field->number;
    if (field->is_bytes(1)) {
      const result<cid> hash = cid::decode(field->bytes);
      if (!hash) return hash.error();
      link.hash = *hash;
    } else if (field->is_bytes(2)) {
      link.name = as_text(field->bytes);
    } else if (field->is_varint(3)) {
      link.total_size = field->value;
    } else {
      return errc::malformed;
    }
  }
  if (last == 0) return errc::malformed;
  return link;
}

[[nodiscard]] inline std::size_t pb_link_size(const pb_link& link) noexcept {
  const std::size_t hash = link.hash.encoded_size();
  std::size_t size = 1 + protobuf_varint_size(hash) + hash;
  if (link.name) size += 1 + protobuf_varint_size(link.name->size()) + link.name->size();
  if (link.total_size) size += 1 + protobuf_varint_size(*link.total_size);
  return size;
}

}  // namespace detail

/// Takes a whole node apart.
///
/// Strict as other implementations are: a link needs a CID, no field is unknown, out of order or repeated, and
/// all links stand together. Data may stand before the links. errc::limit_exceeded past max_dag_pb_links,
/// otherwise errc::malformed or errc::truncated, or as cid::decode.
[[nodiscard]] inline result<pb_node> decode_dag_pb(bytes_view block) {
  pb_node node;
  bool links_ended = false;
  while (!block.empty()) {
    const result<protobuf_field> field = take_protobuf_field(block);
    if (!field) return field.error();
    if (field->is_bytes(1) && !node.data) {
      node.data = field->bytes;
      links_ended = !node.links.empty();
    } else if (field->is_bytes(2) && !links_ended) {
      if (node.links.size() == max_dag_pb_links) return errc::limit_exceeded;
      const result<pb_link> link = detail::decode_pb_link(field->bytes);
      if (!link) return link.error();
      node.links.push_back(*link);
    } else {
      return errc::malformed;
    }
  }
  return node;
}

/// Appends the canonical form of a node: its links in the order given, then its data.
inline void append_dag_pb(std::vector<std::byte>& out, const pb_node& node) {
  for (const pb_link& link : node.links) {
    append_protobuf_length(out, 2, detail::pb_link_size(link));
    append_protobuf_length(out, 1, link.hash.encoded_size());
    link.hash.append_to(out);
    if (link.name) append_protobuf_bytes(out, 2, as_bytes(*link.name));
    if (link.total_size) append_protobuf_number(out, 3, *link.total_size);
  }
  if (node.data) append_protobuf_bytes(out, 1, *node.data);
}

}  // namespace shoal
