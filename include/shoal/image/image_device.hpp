// SPDX-License-Identifier: BSL-1.0
//
// image_device: a content-addressed image as a read-only block device, the bridge from content to blocks.
//
//     auto index = co_await load_image_index(*blocks, digester, root);
//     image_device device{std::make_shared<const image_index>(std::move(*index)), blocks};
//
// Blocks come from any block_fetcher; what it has in memory is lent without a copy. Leaves of zeroes are holes:
// they are never fetched. It caches nothing itself: give it a fetcher that does (store/tiered.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/image/index.hpp>
#include <shoal/image/leaf.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>

namespace shoal {

template <block_fetcher Fetcher>
class image_device {
 public:
  /// @param index    shared with other devices of the same image; not null
  /// @param fetcher  where blocks come from, shared likewise; not null
  image_device(std::shared_ptr<const image_index> index, std::shared_ptr<Fetcher> fetcher) noexcept
      : index_(std::move(index)), fetcher_(std::move(fetcher)) {}

  [[nodiscard]] device_info info() const noexcept {
    return {.size = index_->size(), .preferred_io = 64u << 10, .read_only = true, .multi_conn = true};
  }

  [[nodiscard]] const image_index& index() const noexcept { return *index_; }

  task<> read(std::uint64_t offset, bytes_span out) {
    if (!contains(index_->size(), offset, out.size())) return failed(errc::out_of_range);
    return read_inside(offset, out);
  }

  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept
    requires can_try_get<Fetcher>
  {
    if (n == 0 || !contains(index_->size(), offset, n)) return {};
    const std::size_t leaf = index_->leaf_at(offset);
    const std::uint64_t within = offset - index_->begin(leaf);
    const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(n, index_->end(leaf) - offset));
    if (index_->is_hole(leaf)) return lease::zeroes(length);
    const cid id = index_->id(leaf);
    const lease stored = fetcher_->try_get(id);
    if (!stored) return {};
    const result<lease> content = leaf_content(id, stored, index_->end(leaf) - index_->begin(leaf));
    if (!content) return {};  // read() will say why
    return content->part(static_cast<std::size_t>(within), length);
  }

  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    if (length == 0 || !contains(index_->size(), offset, length)) {
      return failed<std::vector<extent>>(errc::out_of_range);
    }
    return list_extents(offset, length);
  }

  /// Fetches what the range touches, so that a later read finds it in memory.
  task<> cache(std::uint64_t offset, std::uint64_t length) {
    if (!contains(index_->size(), offset, length)) return failed(errc::out_of_range);
    return fetch_range(offset, length);
  }

 private:
  /// Extents reported at once; a reader who wants more asks again.
  static constexpr std::size_t max_extents = 4096;

  task<lease> content_of(std::size_t leaf) {
    const cid id = index_->id(leaf);
    const std::uint64_t length = index_->end(leaf) - index_->begin(leaf);
    if (is_inline(id)) co_return leaf_content(id, inline_block(id).data, length);
    const result<block> fetched = co_await fetcher_->get(id);
    if (!fetched) co_return fetched.error();
    co_return leaf_content(id, fetched->data, length);
  }

  task<> read_inside(std::uint64_t offset, bytes_span out) {
    while (!out.empty()) {
      const std::size_t leaf = index_->leaf_at(offset);
      const auto within = static_cast<std::size_t>(offset - index_->begin(leaf));
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), index_->end(leaf) - offset));
      const bytes_span piece = out.first(length);
      if (index_->is_hole(leaf)) {
        std::ranges::fill(piece, std::byte{});
      } else {
        const result<lease> content = co_await content_of(leaf);
        if (!content) co_return content.error();
        std::ranges::copy(content->bytes().subspan(within, length), piece.begin());
      }
      offset += length;
      out = out.subspan(length);
    }
    co_return result<>{};
  }

  task<std::vector<extent>> list_extents(std::uint64_t offset, std::uint64_t length) {
    std::vector<extent> found;
    const std::uint64_t end = offset + length;
    for (std::size_t leaf = index_->leaf_at(offset); offset < end; ++leaf) {
      const std::uint64_t next = std::min(end, index_->end(leaf));
      const bool hole = index_->is_hole(leaf);
      if (!found.empty() && found.back().hole == hole) {
        found.back().length += next - offset;
      } else if (found.size() == max_extents) {
        break;
      } else {
        found.push_back({.length = next - offset, .hole = hole, .zero = hole});
      }
      offset = next;
    }
    co_return found;
  }

  task<> fetch_range(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t end = offset + length;
    while (offset < end) {
      const std::size_t leaf = index_->leaf_at(offset);
      if (!index_->is_hole(leaf)) {
        const result<lease> content = co_await content_of(leaf);
        if (!content) co_return content.error();
      }
      offset = index_->end(leaf);
    }
    co_return result<>{};
  }

  std::shared_ptr<const image_index> index_;
  std::shared_ptr<Fetcher> fetcher_;
};

}  // namespace shoal
