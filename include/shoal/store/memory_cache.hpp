// SPDX-License-Identifier: BSL-1.0
//
// memory_cache: blocks in memory, bounded by their bytes, for all threads of a program together.
//
//     memory_cache cache{256_MiB};
//     cache.insert(b);
//     if (lease bytes = cache.try_get(id)) send(bytes.bytes());
//
// What is evicted while somebody holds a lease on it stays alive for him. It keeps what it is given and
// verifies nothing. To fill it on a miss, see store/tiered.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

namespace detail {

// One shard: S3-FIFO (Yang et al., SOSP 2023). A new block starts in a small queue; most are never asked for
// again and leave from there, so that reading a whole image once does not push out what a fleet boots from. A
// block that is asked for again moves to the main queue, and so does one that comes back soon after it was
// evicted. It needs no list update on a hit, unlike LRU, and unlike SIEVE it resists scans.
//
// One change. A device is read in pieces much smaller than a block, so even a scan hits each block several
// times in a row; such a burst counts once. A hit counts when enough other bytes have come in since the last
// one that counted.
class cache_shard {
 public:
  explicit cache_shard(std::size_t capacity) noexcept : capacity_(capacity) {}

  lease find(const multihash& key) {
    const std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end()) return {};
    entry& e = *found->second;
    if (inserted_ - e.stamp >= capacity_ / burst_share) {
      e.stamp = inserted_;
      e.uses = std::min(e.uses + 1, max_uses);
    }
    return e.data;
  }

  bool contains(const multihash& key) {
    const std::lock_guard lock{mutex_};
    return index_.contains(key);
  }

  void insert(const multihash& key, const lease& data) {
    entries evicted;  // freed after the lock
    const std::lock_guard lock{mutex_};
    if (index_.contains(key) || data.size() > capacity_ - pinned_bytes_) return;
    const bool came_back = ghosts_.erase(std::hash<multihash>{}(key)) != 0;
    add(came_back ? main_ : small_, key, data);
    shrink(evicted);
  }

  bool pin(const multihash& key, const lease& data) {
    entries evicted;
    const std::lock_guard lock{mutex_};
    auto found = index_.find(key);
    if (found == index_.end() || found->second->pins == 0) {
      if (data.size() > capacity_ - pinned_bytes_) return false;
      if (found == index_.end()) {
        add(pinned_, key, data);
        found = index_.find(key);
      } else {
        move(found->second, pinned_);
      }
      pinned_bytes_ += found->second->data.size();
    }
    ++found->second->pins;
    shrink(evicted);
    return true;
  }

  void unpin(const multihash& key) {
    const std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end() || found->second->pins == 0) return;
    if (--found->second->pins != 0) return;
    pinned_bytes_ -= found->second->data.size();
    found->second->uses = 0;
    move(found->second, small_);
  }

  std::size_t bytes() {
    const std::lock_guard lock{mutex_};
    return small_.bytes + main_.bytes + pinned_.bytes;
  }

 private:
  static constexpr int max_uses = 3;
  static constexpr std::size_t burst_share = 32;  // of the capacity: what comes in within one burst
  static constexpr std::size_t small_share = 10;

  struct queue;
  struct entry {
    multihash key;
    lease data;
    std::uint64_t stamp;  // inserted_ when it came or when a use last counted
    int uses;
    std::size_t pins;
    queue* home;
  };
  using entries = std::list<entry>;
  struct queue {
    entries list;  // the newest in front
    std::size_t bytes = 0;
  };

  void add(queue& to, const multihash& key, const lease& data) {
    inserted_ += data.size();
    to.list.push_front({key, data, inserted_, 0, 0, &to});
    index_.emplace(key, to.list.begin());
    to.bytes += data.size();
  }

  void move(entries::iterator e, queue& to) {
    queue& from = *e->home;
    to.list.splice(to.list.begin(), from.list, e);
    from.bytes -= e->data.size();
    to.bytes += e->data.size();
    e->home = &to;
  }

  // Pinned bytes are never more than the capacity, so there is always something to evict until the rest fits.
  void shrink(entries& evicted) {
    while (small_.bytes + main_.bytes > capacity_ - pinned_bytes_) {
      const bool from_small = small_.bytes >= capacity_ / small_share || main_.list.empty();
      queue& from = from_small && !small_.list.empty() ? small_ : main_;
      const auto oldest = std::prev(from.list.end());
      if (oldest->uses > 0) {
        oldest->uses = &from == &small_ ? 0 : oldest->uses - 1;
        move(oldest, main_);
        continue;
      }
      if (&from == &small_) remember(std::hash<multihash>{}(oldest->key));
      from.bytes -= oldest->data.size();
      index_.erase(oldest->key);
      evicted.splice(evicted.begin(), from.list, oldest);
    }
  }

  // Names of blocks that left the small queue, about as many as there are blocks.
  void remember(std::size_t ghost) {
    if (ghosts_.insert(ghost).second) ghost_order_.push_back(ghost);
    while (ghost_order_.size() > index_.size() + 16) {
      ghosts_.erase(ghost_order_.front());
      ghost_order_.pop_front();
    }
  }

  std::mutex mutex_;
  std::size_t capacity_;
  std::size_t pinned_bytes_ = 0;
  std::uint64_t inserted_ = 0;
  queue small_;
  queue main_;
  queue pinned_;
  std::unordered_map<multihash, entries::iterator> index_;
  std::unordered_set<std::size_t> ghosts_;
  std::deque<std::size_t> ghost_order_;
};

}  // namespace detail

/// Thread-safe. Blocks are found by their multihash: the codec does not change the bytes.
class memory_cache {
 public:
  /// @param capacity  bytes of blocks, pinned ones included; what a lease keeps alive beyond its block is not
  /// counted
  explicit memory_cache(std::size_t capacity) {
    // A hit takes 40 ns; with two threads on one lock 290 ns, on sixteen locks 75 ns (measured on two cores). A
    // shard must still hold many blocks.
    const std::size_t count = std::bit_floor(std::clamp<std::size_t>(capacity / shard_size, 1, max_shards));
    for (std::size_t i = 0; i < count; ++i) {
      shards_.push_back(std::make_unique<detail::cache_shard>(capacity / count));
    }
  }

  /// The block's bytes if they are here; otherwise, and for a block of no bytes, an empty lease.
  [[nodiscard]] lease try_get(const cid& id) noexcept { return shard(id).find(id.hash()); }

  /// Keeps the block, unless it is larger than what a shard has room for.
  void insert(const block& b) { shard(b.id).insert(b.id.hash(), b.data); }

  /// Keeps the block until it has been unpinned as often as it was pinned. errc::no_space when pinned blocks
  /// would take more than the capacity.
  result<> pin(const block& b) {
    if (!shard(b.id).pin(b.id.hash(), b.data)) return errc::no_space;
    return {};
  }
  /// Takes back one pin, if there is one.
  void unpin(const cid& id) { shard(id).unpin(id.hash()); }

  /// Bytes of all blocks that are here.
  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = 0;
    for (const auto& each : shards_) total += each->bytes();
    return total;
  }

  /// errc::not_found when it is not here.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    lease found = try_get(id);
    if (!found && !shard(id).contains(id.hash())) co_return errc::not_found;
    co_return block{id, std::move(found)};
  }

  task<bool> has(const cid& id) { co_return is_inline(id) || shard(id).contains(id.hash()); }

  /// As insert(): a cache may forget at once.
  task<> put(block b) {
    insert(b);
    return done();
  }

 private:
  static constexpr std::size_t shard_size = 16u << 20;
  static constexpr std::size_t max_shards = 16;

  [[nodiscard]] detail::cache_shard& shard(const cid& id) noexcept {
    // Not the bits that the tables inside use: they would be the same for a whole shard.
    const std::size_t bits = std::hash<cid>{}(id) >> (sizeof(std::size_t) * 8 - 8);
    return *shards_[bits & (shards_.size() - 1)];
  }

  std::vector<std::unique_ptr<detail::cache_shard>> shards_;
};
static_assert(block_store<memory_cache> && can_try_get<memory_cache>);

}  // namespace shoal
