// SPDX-License-Identifier: BSL-1.0
//
// leaf_content: the bytes of the image that a stored leaf holds: the block itself when it is raw, what is
// inside the envelope when it is dag-pb.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/file_node.hpp>
#include <shoal/task/lease.hpp>

namespace shoal {

/// The content of leaf `id`, stored as `stored`.
///
/// errc::malformed when it is not exactly `length` bytes: the node above the leaf promised that many.
[[nodiscard]] inline result<lease> leaf_content(const cid& id, const lease& stored, std::uint64_t length) {
  if (id.codec() == multicodec::raw) {
    if (stored.size() != length) return errc::malformed;
    return stored;
  }
  const result<file_node> node = read_file_node(id, stored.bytes());
  if (!node) return node.error();
  if (node->data.size() != length) return errc::malformed;
  const auto at = static_cast<std::size_t>(node->data.data() - stored.bytes().data());
  return stored.part(at, node->data.size());
}

}  // namespace shoal
