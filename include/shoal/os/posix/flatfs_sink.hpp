// SPDX-License-Identifier: BSL-1.0
//
// flatfs_sink: the block_sink that adds an image's blocks to a flatfs folder.
//
//     auto folder = posix::flatfs_directory::create("blocks");
//     posix::flatfs_sink sink{std::move(*folder)};
//     import_image(source, chunker, digester, sink, options);
//
// A block appears under its name once it is on stable storage; that is done for many at a time, because waiting
// for the disk is what takes the time. Blocks of an import that is broken off stay: each is whole by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/os/posix/flatfs_directory.hpp>
#include <shoal/store/block_sink.hpp>

namespace shoal::posix {

class flatfs_sink {
 public:
  explicit flatfs_sink(flatfs_directory folder) : folder_(std::move(folder)) {}

  result<> leaf(const cid& id, bytes_view block, std::uint64_t) { return append(id, block); }
  result<> node(const cid& id, bytes_view block) { return append(id, block); }

  /// The folder does not remember roots; whoever called does.
  result<> finish(const cid&) {
    if (const result<> r = publish(); !r) return r;
    for (const std::filesystem::path& folder : touched_) {
      if (const result<> r = sync_directory(folder); !r) return r;
    }
    touched_.clear();
    return {};
  }

 private:
  static constexpr std::size_t batch = 128;  // open files at a time

  result<> append(const cid& id, bytes_view block) {
    if (is_inline(id)) return {};
    if (block.size() > max_block_size) return errc::limit_exceeded;
    if (waiting_.contains(id.hash()) || folder_.keeps(id, block.size())) return {};
    result<flatfs_pending> file = folder_.write(id, block);
    if (!file) return file.error();
    pending_.push_back(std::move(*file));
    waiting_.insert(id.hash());
    return pending_.size() < batch ? result<>{} : publish();
  }

  result<> publish() {
    for (flatfs_pending& file : pending_) {
      if (const result<> r = file.publish(); !r) return r;
      touched_.insert(file.target().parent_path());
    }
    pending_.clear();
    waiting_.clear();
    return {};
  }

  flatfs_directory folder_;
  std::vector<flatfs_pending> pending_;
  std::unordered_set<multihash> waiting_;  // the hashes of pending_
  std::set<std::filesystem::path> touched_;
};
static_assert(block_sink<flatfs_sink>);

}  // namespace shoal::posix
