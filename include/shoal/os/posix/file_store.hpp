// SPDX-License-Identifier: BSL-1.0
//
// file_store: a file full of blocks as a block store that is only read. What car_store and reference_store are.
//
//     auto store = posix::car_store<openssl::digester>::open("image.car", &pool);
//     if (!store) return store.error();
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
//
// Blocks are copied, verified, and only then given out. It caches nothing: see store/memory_cache.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// A file of blocks that were put in once. `read` may block and does not verify. Immutable and thread-safe.
template <class F>
concept block_file = requires(const F& file, const std::filesystem::path& path, const multihash& hash) {
  { F::open(path) } -> std::same_as<result<std::shared_ptr<const F>>>;
  { file.roots() } -> std::same_as<const std::vector<cid>&>;
  { file.block_count() } -> std::same_as<std::uint64_t>;
  { file.contains(hash) } -> std::same_as<result<bool>>;
  { file.read(hash) } -> std::same_as<result<lease>>;
};

/// Blocks are found by their multihash: the codec that a CID names is the reader's affair.
template <block_file File, digester Digester, store_observer Observer = no_store_observer>
class file_store {
 public:
  /// @param file  shared with the stores of other strands; not null
  /// @param pool  reads and verifies, and outlives the store; null: that blocks the strand
  explicit file_store(std::shared_ptr<const File> file, io_pool* pool = nullptr, Digester digester = {},
                      Observer observer = {}) noexcept
      : file_(std::move(file)), pool_(pool), digester_(std::move(digester)), observer_(std::move(observer)) {}

  /// A store on a file of its own. Errors as File::open.
  [[nodiscard]] static result<file_store> open(const std::filesystem::path& path, io_pool* pool = nullptr,
                                               Digester digester = {}, Observer observer = {}) {
    result<std::shared_ptr<const File>> file = File::open(path);
    if (!file) return file.error();
    return file_store{std::move(*file), pool, std::move(digester), std::move(observer)};
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return file_->roots(); }
  /// How many blocks the file names.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return file_->block_count(); }

  /// Also the errors of File::read, for a file that is broken or was changed.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    const auto read = [&] { return file_->read(id.hash()); };
    result<block> found = co_await read_verified(pool_, digester_, observer_, id, read);
    co_return found;
  }

  task<bool> has(const cid& id) {
    if (is_inline(id)) co_return true;
    co_return file_->contains(id.hash());
  }

  /// errc::read_only.
  task<> put(block) { return failed(make_error_code(errc::read_only)); }

 private:
  std::shared_ptr<const File> file_;
  io_pool* pool_;
  [[no_unique_address]] Digester digester_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace shoal::posix
