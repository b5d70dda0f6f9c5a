// SPDX-License-Identifier: BSL-1.0
//
// car_store: a CAR file as a block store that is only read.
//
//     auto store = posix::car_store<openssl::digester>::open("image.car");
//     if (!store) return store.error();
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
//
// A file without an index is read once when it is opened. The index is searched where it is mapped; blocks are
// copied, verified, and only then given out. It caches nothing: see store/memory_cache.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/archive.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/car/section.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/mapping.hpp>
#include <shoal/os/posix/read_block.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/identity.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/task.hpp>

namespace shoal::posix {

/// Blocks are found by their multihash: the codec that a CID names is the reader's affair.
template <digester Digester, store_observer Observer = no_store_observer>
class car_store {
 public:
  /// What open(2) says and what car_archive::parse, car_archive::scan and car_index::parse find.
  /// @param pool  reads what is not in the page cache, and outlives the store; null: such reads block the
  /// strand
  [[nodiscard]] static result<car_store> open(const std::filesystem::path& path, io_pool* pool = nullptr,
                                              Digester digester = {}, Observer observer = {}) {
    result<mapping> file = mapping::open(path);
    if (!file) return file.error();
    result<car_archive> archive = car_archive::parse(file->bytes());
    if (!archive) return archive.error();
    std::vector<std::byte> scanned;
    if (archive->index().empty()) {
      result<std::vector<std::byte>> index = archive->scan();
      if (!index) return index.error();
      scanned = std::move(*index);
    }
    result<car_index> index = car_index::parse(scanned.empty() ? archive->index() : bytes_view{scanned});
    if (!index) return index.error();
    return car_store{std::move(*file),    std::move(*archive), std::move(scanned), std::move(*index), pool,
                     std::move(digester), std::move(observer)};
  }

  [[nodiscard]] const std::vector<cid>& roots() const noexcept { return archive_.roots(); }
  /// How many blocks the index names.
  [[nodiscard]] std::uint64_t block_count() const noexcept { return index_.size(); }

  /// Also errc::source_changed when the file's size is no longer what it was.
  task<block> get(const cid& id) {
    if (is_identity(id)) co_return identity_block(id);
    if (!file_.unchanged()) co_return errc::source_changed;
    const car_index::matches found = index_.find(id.hash());
    // An honest index names a block once, or once for each time it is in the file.
    std::error_code why = make_error_code(errc::not_found);
    for (std::size_t i = 0; i < std::min(found.size(), max_attempts); ++i) {
      const std::uint64_t at = found[i];
      result<block> b = co_await read(id, at);
      if (b) co_return b;
      why = b.error();
    }
    if (why == errc::block_mismatch) {
      const block_corrupt event{id};
      observer_(event);
    }
    co_return why;
  }

  task<bool> has(const cid& id) {
    if (is_identity(id)) co_return true;
    if (!file_.unchanged()) co_return errc::source_changed;
    co_return index_.find(id.hash()).size() != 0;
  }

  /// errc::read_only.
  task<> put(block) { return failed(make_error_code(errc::read_only)); }

 private:
  static constexpr std::size_t max_attempts = 4;

  car_store(mapping file, car_archive archive, std::vector<std::byte> scanned, car_index index, io_pool* pool,
            Digester digester, Observer observer)
      : file_(std::move(file)),
        archive_(std::move(archive)),
        scanned_(std::move(scanned)),
        index_(std::move(index)),
        pool_(pool),
        digester_(std::move(digester)),
        observer_(std::move(observer)) {}

  task<block> read(const cid& id, std::uint64_t at) {
    if (at >= archive_.payload().size()) co_return errc::malformed;
    const std::uint64_t available = archive_.payload().size() - at;
    std::array<std::byte, max_car_section_head_size> storage;
    const bytes_span start =
        bytes_span{storage}.first(static_cast<std::size_t>(std::min<std::uint64_t>(available, storage.size())));
    const std::uint64_t position = archive_.payload_offset() + at;
    const result<> read = co_await read_range(file_.fd(), position, start, pool_);
    if (!read) co_return read.error();
    const result<car_section_head> head = read_car_section_head(start, available);
    if (!head) co_return head.error();
    if (head->id.hash() != id.hash()) co_return errc::block_mismatch;
    const auto size = static_cast<std::size_t>(head->block_size);
    const std::uint64_t content = position + head->size;
    result<lease> bytes = co_await read_block(file_.fd(), content, size, pool_);
    if (!bytes) co_return bytes.error();
    const result<> verified = verify(digester_, id, bytes->bytes());
    if (!verified) co_return verified.error();
    co_return block{id, std::move(*bytes)};
  }

  mapping file_;
  car_archive archive_;
  std::vector<std::byte>
      scanned_;  // the index of a file that has none; a vector's bytes stay where they are when moved
  car_index index_;
  io_pool* pool_;
  [[no_unique_address]] Digester digester_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace shoal::posix
