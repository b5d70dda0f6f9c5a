// SPDX-License-Identifier: BSL-1.0
//
// flatfs_store: a folder with a file a block, as Kubo keeps its blocks, to read and to write.
//
//     auto store = posix::flatfs_store<openssl::digester>::open("/home/me/.ipfs/blocks", &pool);
//     if (!store) return store.error();
//     result<block> b = co_await store->get(id);
//
// Blocks are verified before they are given out. To write many at once, see os/posix/flatfs_sink.hpp.
#pragma once

#include <filesystem>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/flatfs_directory.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// Blocks are found by their multihash, and by their whole CID where an old version of Kubo put them.
template <digester Digester, store_observer Observer = no_store_observer>
class flatfs_store {
 public:
  /// @param pool  does the system calls and verifies, and outlives the store; null: that blocks the strand
  explicit flatfs_store(flatfs_directory folder, io_pool* pool = nullptr, Digester digester = {},
                        Observer observer = {}) noexcept
      : folder_(std::move(folder)),
        pool_(pool),
        digester_(std::move(digester)),
        observer_(std::move(observer)) {}

  /// A folder that exists. Errors as flatfs_directory::open.
  [[nodiscard]] static result<flatfs_store> open(const std::filesystem::path& folder, io_pool* pool = nullptr,
                                                 Digester digester = {}, Observer observer = {}) {
    result<flatfs_directory> opened = flatfs_directory::open(folder);
    if (!opened) return opened.error();
    return flatfs_store{std::move(*opened), pool, std::move(digester), std::move(observer)};
  }

  /// Also errc::limit_exceeded for a file longer than max_block_size.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    const auto read = [&] { return folder_.read(id); };
    result<block> found = co_await read_verified(pool_, digester_, observer_, id, read);
    co_return found;
  }

  task<bool> has(const cid& id) {
    if (is_inline(id)) co_return true;
    const auto work = [this, &id] { return folder_.contains(id); };
    const result<bool> found = co_await run_on(pool_, work);
    co_return found;
  }

  /// On stable storage when the task ends.
  task<> put(block b) {
    if (is_inline(b.id)) co_return result<>{};
    const auto work = [this, &b] { return write(b); };
    const result<> written = co_await run_on(pool_, work);
    co_return written;
  }

 private:
  result<> write(const block& b) const {
    if (b.data.size() > max_block_size) return errc::limit_exceeded;
    if (folder_.keeps(b.id, b.data.size())) return {};
    result<flatfs_pending> pending = folder_.write(b.id, b.data.bytes());
    if (!pending) return pending.error();
    if (const result<> r = pending->publish(); !r) return r;
    return sync_directory(pending->target().parent_path());
  }

  flatfs_directory folder_;
  io_pool* pool_;
  [[no_unique_address]] Digester digester_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace shoal::posix
