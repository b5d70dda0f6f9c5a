// SPDX-License-Identifier: BSL-1.0
//
// UnixFS: what the data of a DAG-PB node says about files and directories
// (specs.ipfs.tech/unixfs, "Data" message).
//
//     const result<pb_node> node = decode_dag_pb(block);
//     const result<unixfs_data> meaning = decode_unixfs(node->data.value_or(bytes_view{}));
//     if (meaning && meaning->type == unixfs_type::file) ...
//
// Files are built by content/unixfs_file.hpp and read by content/file_node.hpp. Leaves out mode and mtime,
// which are skipped when read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/dag_pb.hpp>
#include <shoal/content/protobuf.hpp>

namespace shoal {

/// What a node is.
enum class unixfs_type : std::uint8_t {
  raw = 0,
  directory = 1,
  file = 2,
  metadata = 3,
  symlink = 4,
  hamt_shard = 5
};

/// The Data message. Which fields mean something depends on the type; whether they agree with the node's links
/// is asked by the readers of files and directories.
struct unixfs_data {
  unixfs_type type = unixfs_type::raw;
  std::optional<bytes_view> data;          ///< file bytes, a symlink's target, or a shard's bit field; a view
  std::optional<std::uint64_t> file_size;  ///< bytes of the file in and below this node
  std::vector<std::uint64_t> block_sizes;  ///< file bytes below each link, in the order of the links
  std::optional<std::uint64_t> hash_type;  ///< of a shard: multicodec of the hash of names
  std::optional<std::uint64_t> fanout;     ///< of a shard: number of slots
};

/// Reads a Data message. `data` points into `message`.
///
/// As protobuf has it, unknown fields are skipped and the last of repeated single fields counts. Block sizes
/// are read packed and unpacked. errc::malformed for a message without a type or with a field of the wrong wire
/// type, errc::unsupported for a type that this library does not know, errc::limit_exceeded past
/// max_dag_pb_links block sizes, otherwise as take_protobuf_field.
[[nodiscard]] inline result<unixfs_data> decode_unixfs(bytes_view message) {
  unixfs_data out;
  std::optional<std::uint64_t> type;
  while (!message.empty()) {
    const result<protobuf_field> field = take_protobuf_field(message);
    if (!field) return field.error();
    if (field->is_varint(1)) {
      type = field->value;
    } else if (field->is_bytes(2)) {
      out.data = field->bytes;
    } else if (field->is_varint(3)) {
      out.file_size = field->value;
    } else if (field->is_varint(4)) {
      if (out.block_sizes.size() == max_dag_pb_links) return errc::limit_exceeded;
      out.block_sizes.push_back(field->value);
    } else if (field->is_bytes(4)) {
      for (bytes_view packed = field->bytes; !packed.empty();) {
        const result<std::uint64_t> size = take_protobuf_varint(packed);
        if (!size) return size.error();
        if (out.block_sizes.size() == max_dag_pb_links) return errc::limit_exceeded;
        out.block_sizes.push_back(*size);
      }
    } else if (field->is_varint(5)) {
      out.hash_type = field->value;
    } else if (field->is_varint(6)) {
      out.fanout = field->value;
    } else if (field->number <= 6) {
      return errc::malformed;
    }
  }
  if (!type) return errc::malformed;
  if (*type > static_cast<std::uint64_t>(unixfs_type::hamt_shard)) return errc::unsupported;
  out.type = unixfs_type{static_cast<std::uint8_t>(*type)};
  return out;
}

/// Appends a Data message byte for byte as Kubo writes it: fields in ascending order, block sizes unpacked.
inline void append_unixfs(std::vector<std::byte>& out, const unixfs_data& message) {
  append_protobuf_number(out, 1, static_cast<std::uint64_t>(message.type));
  if (message.data) append_protobuf_bytes(out, 2, *message.data);
  if (message.file_size) append_protobuf_number(out, 3, *message.file_size);
  for (const std::uint64_t size : message.block_sizes) append_protobuf_number(out, 4, size);
  if (message.hash_type) append_protobuf_number(out, 5, *message.hash_type);
  if (message.fanout) append_protobuf_number(out, 6, *message.fanout);
}

}  // namespace shoal
