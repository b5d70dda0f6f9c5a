// SPDX-License-Identifier: BSL-1.0
//
// block_sink: where an import puts the blocks that it makes. Models: car_writer, flatfs_sink and
// reference_writer (os/posix), null_sink (test).
//
//     sink.leaf(id, bytes, offset);     // for each leaf, in the order of the image
//     sink.node(id, bytes);             // for each inner node, children first
//     sink.finish(root);                // now, and not before, a reader can see it
//
// Synchronous, like the import itself. A sink that is destroyed without finish() leaves nothing behind that a
// reader could take for whole.
#pragma once

#include <concepts>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>

namespace shoal {

/// Takes verified blocks: the caller has just hashed them. The bytes are the sink's only until the call
/// returns. Putting a block again costs no space. After an error the sink is of no more use.
///
/// `leaf(id, block, source_offset)`: a block that holds content. `source_offset` is where its content starts in
/// the file that is being imported, in bytes. `node(id, block)`: a block that holds links. `finish(root)`:
/// everything is on stable storage and visible; called once, last.
template <class S>
concept block_sink = requires(S& sink, const cid& id, bytes_view block, std::uint64_t source_offset) {
  { sink.leaf(id, block, source_offset) } -> std::same_as<result<>>;
  { sink.node(id, block) } -> std::same_as<result<>>;
  { sink.finish(id) } -> std::same_as<result<>>;
};

}  // namespace shoal
