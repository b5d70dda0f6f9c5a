// SPDX-License-Identifier: BSL-1.0
//
// car_store: a CAR file as a block store that is only read.
//
//     auto store = posix::car_store<openssl::digester>::open("image.car", &pool);
//     if (!store) return store.error();
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
//
// Blocks are copied, verified, and only then given out. It caches nothing: see store/memory_cache.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/car_file.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// Blocks are found by their multihash: the codec that a CID names is the reader's affair.
template <digester Digester, store_observer Observer = no_store_observer>
class car_store {
 public:
  /// @param file  shared with the stores of other strands; not null
  /// @param pool  reads what is not in the page cache, and outlives the store; null: such reads block the
  /// strand
  explicit car_store(std::shared_ptr<const car_file> file, io_pool* pool = nullptr, Digester digester = {},
                     Observer observer = {}) noexcept
      : file_(std::move(file)), pool_(pool), digester_(std::move(digester)), observer_(std::move(observer)) {}

  /// A store on a file of its own. Errors as car_file::open.
  [[nodiscard]] static result<car_store> open(const std::filesystem::path& path, io_pool* pool = nullptr,
                                              Digester digester = {}, Observer observer = {}) {
    result<std::shared_ptr<const car_file>> file = car_file::open(path);
    if (!file) return file.error();
    return car_store{std::move(*file), pool, std::move(digester), std::move(observer)};
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return file_->archive().roots(); }
  /// How many blocks the index names.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return file_->index().size(); }

  /// Also errc::source_changed when the file's size is no longer what it was, and car_file::read's errors for a
  /// file that is broken.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    result<lease> bytes = co_await file_->read(id.hash(), pool_);
    co_return verified_block(digester_, observer_, id, std::move(bytes));
  }

  task<bool> has(const cid& id) {
    if (is_inline(id)) co_return true;
    co_return file_->contains(id.hash());
  }

  /// errc::read_only.
  task<> put(block) { return failed(make_error_code(errc::read_only)); }

 private:
  std::shared_ptr<const car_file> file_;
  io_pool* pool_;
  [[no_unique_address]] Digester digester_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace shoal::posix
