// SPDX-License-Identifier: BSL-1.0
//
// UnixFS from hostile hands: the message, then the block as a file and as a directory. What is accepted is
// consistent, and a walk over blocks that lie ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/content/file_cursor.hpp>
#include <shoal/content/unixfs_directory.hpp>

namespace {

const shoal::cid node_id{shoal::multicodec::dag_pb, shoal::multihash{}};

void require(bool truth) {
  if (!truth) std::abort();
}

void check_message(shoal::bytes_view input) {
  const auto message = shoal::decode_unixfs(input);
  if (!message) return;
  std::vector<std::byte> written;
  append_unixfs(written, *message);
  const auto again = shoal::decode_unixfs(written);
  require(again.has_value() && again->type == message->type && again->file_size == message->file_size);
  require(again->block_sizes == message->block_sizes && again->hash_type == message->hash_type);
  require(again->fanout == message->fanout && again->data.has_value() == message->data.has_value());
  require(!message->data || std::ranges::equal(*again->data, *message->data));
}

void check_file(shoal::bytes_view block) {
  const auto node = shoal::read_file_node(node_id, block);
  if (!node) return;
  std::uint64_t at = node->data.size();
  for (const auto& part : node->parts) {
    require(part.length != 0 && part.offset == at);
    at += part.length;
  }
  require(at == node->file_size);

  // Whatever block is asked for, it is this one.
  shoal::file_cursor cursor{node_id, 1, node->file_size};
  std::uint64_t next = 1;
  for (int steps = 0; const shoal::file_part* part = cursor.wanted(); ++steps) {
    require(steps <= 64 * 1024);
    const auto piece = cursor.supply(is_inline(part->id) && steps != 0 ? part->id.hash().digest() : block);
    if (!piece) break;
    require(piece->bytes.empty() || piece->offset == next);
    next += piece->bytes.size();
  }
  require(next <= std::max<std::uint64_t>(node->file_size, 1));
}

void check_directory(shoal::bytes_view block) {
  const auto node = shoal::read_directory_node(node_id, block);
  if (!node) return;
  require(node->fanout == 0 || node->entries.size() + node->shards.size() <= node->fanout);
  require(node->fanout != 0 || node->shards.empty());
  for (const auto& entry : node->entries) {
    shoal::name_path path{entry.name};
    const auto step = find_entry(*node, path);
    // A plain directory finds what it lists; a shard only what sits where its hash says.
    require(node->fanout != 0 || (step.has_value() && step->found));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const shoal::bytes_view input{reinterpret_cast<const std::byte*>(data), size};
  check_message(input);
  check_file(input);
  check_directory(input);
  return 0;
}
