// SPDX-License-Identifier: BSL-1.0
//
// reference_store: the blocks of a disk image straight out of the image, with only an index beside it: no
// second copy.
//
//     auto store = posix::reference_store<openssl::digester>::open("disk.ref", &pool);
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
//
// Who changes the image under it makes blocks disappear with errc::block_mismatch; no reader ever sees wrong
// bytes. Made by os/posix/reference_writer.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/reference_file.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// Read-only. Blocks are found by their multihash.
template <digester Digester, store_observer Observer = no_store_observer>
class reference_store {
 public:
  /// @param file  shared with the stores of other strands; not null
  /// @param pool  reads what is not in the page cache, and outlives the store; null: such reads block the
  /// strand
  explicit reference_store(std::shared_ptr<const reference_file> file, io_pool* pool = nullptr,
                           Digester digester = {}, Observer observer = {}) noexcept
      : file_(std::move(file)), pool_(pool), digester_(std::move(digester)), observer_(std::move(observer)) {}

  /// A store on files of its own. Errors as reference_file::open.
  [[nodiscard]] static result<reference_store> open(const std::filesystem::path& path, io_pool* pool = nullptr,
                                                    Digester digester = {}, Observer observer = {}) {
    result<std::shared_ptr<const reference_file>> file = reference_file::open(path);
    if (!file) return file.error();
    return reference_store{std::move(*file), pool, std::move(digester), std::move(observer)};
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return file_->roots(); }
  /// How many blocks there are: nodes and leaves.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return file_->block_count(); }

  /// Also errc::source_changed when one of the files is not as long as it was.
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
  std::shared_ptr<const reference_file> file_;
  io_pool* pool_;
  [[no_unique_address]] Digester digester_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace shoal::posix
