// SPDX-License-Identifier: BSL-1.0
//
// import_image: turns a disk image into content-addressed blocks: cuts it into leaves, hashes them on every
// core, and builds the balanced UnixFS DAG that `ipfs add` builds, with the same CIDs.
//
//     result<import_summary> done = import_image(source, chunker, openssl::digester{}, sink, options);
//     done->root;   // the image's CID
//
// Streams: its memory is bounded by import_options::memory whatever the size. Holes are neither read nor hashed
// again. It writes nothing by itself; the sink does (store/block_sink.hpp).
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/balanced.hpp>
#include <shoal/content/chunker/concepts.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/image/byte_source.hpp>
#include <shoal/image/cutter.hpp>
#include <shoal/image/index.hpp>
#include <shoal/store/block_sink.hpp>

namespace shoal {

struct import_options {
  unixfs_profile profile;          ///< CID version, kind of leaves, links a node
  unsigned threads = 0;            ///< hashing threads; 0: one a core
  std::size_t memory = 32u << 20;  ///< bytes of image held at once, at least one piece a thread
  std::stop_token stop{};          ///< when stopped, the import ends with errc::canceled
};

struct import_summary {
  cid root;
  std::uint64_t size = 0;  ///< bytes of the image
  std::uint64_t leaves = 0;
  std::uint64_t hole_bytes = 0;  ///< bytes that were skipped as holes
  std::uint64_t nodes = 0;       ///< inner nodes written
};

/// For imports that nobody watches.
struct import_unobserved {
  void operator()(std::uint64_t) const noexcept {}
};

namespace detail {

/// Hashes in parallel and commits in order: each worker cuts a batch under one lock, hashes it under none, and
/// hands it to the sink when its turn comes. There are more workers than cores, so that one that waits for its
/// turn leaves no core idle.
template <byte_source Source, chunker Chunker, digester Digester, block_sink Sink, class Progress>
class import_job {
 public:
  import_job(const Source& source, Chunker chunker, const Digester& digester, Sink& sink,
             const import_options& options, const Progress& progress)
      : cuts_(source, std::move(chunker)),
        digester_(digester),
        sink_(sink),
        options_(options),
        progress_(progress),
        dag_(options.profile, digester, node_writer{&sink, &summary_.nodes}) {}

  result<import_summary> run() {
    if (cuts_.fewest_pieces() > max_image_leaves) return errc::limit_exceeded;
    const unsigned cores =
        options_.threads != 0 ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
    const std::size_t affordable = std::max<std::size_t>(1, options_.memory / cuts_.batch_size());
    const std::size_t workers = std::min<std::size_t>(cores == 1 ? 1 : cores + 2, affordable);
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < workers; ++i) others.emplace_back([this] { work(); });
      work();
    }
    if (thrown_) std::rethrow_exception(thrown_);
    if (error_) return error_;
    const result<file_child> root = dag_.finish();
    if (!root) return root.error();
    if (const result<> visible = sink_.finish(root->id); !visible) return visible.error();
    summary_.root = root->id;
    return summary_;
  }

 private:
  struct stored_leaf {
    result<file_leaf> leaf = errc::not_found;
    std::vector<std::byte> scratch;  // the block, when it is not the piece itself
  };

  struct node_writer {
    Sink* sink;
    std::uint64_t* nodes;
    result<> operator()(const cid& id, bytes_view node) const {
      ++*nodes;
      return sink->node(id, node);
    }
  };

  void work() noexcept {
    try {
      image_batch batch;
      std::vector<stored_leaf> leaves;
      std::size_t turn = 0;
      while (take(batch, turn)) {
        const result<> hashed = hash(batch, leaves);
        std::unique_lock lock{commit_};
        turn_changed_.wait(lock, [&] { return turn_ == turn || error_; });
        if (error_) return;
        const result<> kept = hashed ? keep(batch, leaves) : hashed;
        if (!kept) error_ = kept.error();
        ++turn_;
        turn_changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock{commit_};
      thrown_ = std::current_exception();
      error_ = make_error_code(errc::failed);
      turn_changed_.notify_all();
    }
  }

  /// Cuts the next batch; false at the end and after an error.
  bool take(image_batch& batch, std::size_t& turn) {
    const std::lock_guard lock{cut_};
    if (cuts_.at_end() || stopped_) return false;
    turn = batches_++;
    const result<> cut = options_.stop.stop_requested() ? result<>{errc::canceled} : cuts_.next(batch);
    if (cut) return true;
    stopped_ = true;
    const std::lock_guard also{commit_};
    error_ = cut.error();
    turn_changed_.notify_all();
    return false;
  }

  result<> hash(const image_batch& batch, std::vector<stored_leaf>& leaves) {
    leaves.resize(std::max(leaves.size(), batch.pieces.size()));
    for (std::size_t i = 0; i < batch.pieces.size(); ++i) {
      const image_piece& piece = batch.pieces[i];
      if (piece.hole) {
        leaves[i].leaf = zero_leaf(piece.bytes);
      } else {
        leaves[i].leaf = make_leaf(options_.profile, digester_, piece.bytes, leaves[i].scratch);
      }
      if (!leaves[i].leaf) return leaves[i].leaf.error();
    }
    return {};
  }

  /// Zeroes are hashed once for each length that a hole is cut into.
  result<file_leaf> zero_leaf(bytes_view zeroes) {
    const std::lock_guard lock{zero_};
    stored_leaf& known = zero_leaves_[zeroes.size()];
    if (!known.leaf) known.leaf = make_leaf(options_.profile, digester_, zeroes, known.scratch);
    return known.leaf;
  }

  result<> keep(const image_batch& batch, const std::vector<stored_leaf>& leaves) {
    if (batch.pieces.size() > max_image_leaves - summary_.leaves) return errc::limit_exceeded;
    for (std::size_t i = 0; i < batch.pieces.size(); ++i) {
      const image_piece& piece = batch.pieces[i];
      const file_leaf& leaf = *leaves[i].leaf;
      if (const result<> put = sink_.leaf(leaf.child.id, leaf.block, piece.offset); !put) return put;
      if (const result<> added = dag_.add(leaf.child); !added) return added;
      ++summary_.leaves;
      summary_.size += piece.bytes.size();
      if (piece.hole) summary_.hole_bytes += piece.bytes.size();
    }
    progress_(summary_.size);
    return {};
  }

  cutter<Source, Chunker> cuts_;
  const Digester& digester_;
  Sink& sink_;
  const import_options& options_;
  const Progress& progress_;
  import_summary summary_;

  std::mutex cut_;  // guards cuts_, batches_ and stopped_
  std::size_t batches_ = 0;
  bool stopped_ = false;

  std::mutex zero_;  // guards zero_leaves_
  std::map<std::size_t, stored_leaf> zero_leaves_;

  std::mutex commit_;  // guards the rest
  std::condition_variable turn_changed_;
  std::size_t turn_ = 0;
  std::error_code error_;
  std::exception_ptr thrown_;
  balanced_builder<Digester, node_writer> dag_;
};

}  // namespace detail

/// Imports the whole of `source`.
///
/// @param chunker   cuts it; its own limits hold
/// @param sink      gets every block in order, from one thread at a time
/// @param progress  called as `progress(bytes_done)` after each batch, from one thread at a time
///
/// The source's, the sink's or the digester's error, errc::canceled, or errc::limit_exceeded past
/// max_image_leaves, at once where the sizes alone tell; the sink has not finished then.
/// Throws what `sink` and `progress` throw.
template <byte_source Source, chunker Chunker, digester Digester, block_sink Sink,
          class Progress = import_unobserved>
result<import_summary> import_image(const Source& source, Chunker chunker, const Digester& digester, Sink& sink,
                                    const import_options& options, const Progress& progress = {}) {
  return detail::import_job<Source, Chunker, Digester, Sink, Progress>{
      source, std::move(chunker), digester, sink, options, progress}
      .run();
}

}  // namespace shoal
