// SPDX-License-Identifier: BSL-1.0
//
// range_lock: one at a time for each number, for work on ranges that awaits in the middle.
//
//     if (!lock.is_free(first, last)) co_await lock.wait_free(first, last);
//     const range_lock::hold held{lock, first, last};        // until it goes out of scope
//
// For overlays and caches, where two requests that touch the same block must not fill it in at the same time.
// Not fair: whoever looks first after a release goes on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <asio/awaitable.hpp>

#include <shoal/task/signal.hpp>

namespace shoal {

/// Ranges of numbers that somebody works on. Belongs to one strand; must outlive its holds and waiters.
class range_lock {
  struct range {
    std::uint64_t first;
    std::uint64_t last;
    friend bool operator==(const range&, const range&) = default;
  };

 public:
  /// True when nobody holds a number of [first, last].
  [[nodiscard]] bool is_free(std::uint64_t first, std::uint64_t last) const noexcept {
    return std::ranges::none_of(held_, [&](const range& r) { return first <= r.last && r.first <= last; });
  }

  /// Returns when nobody does. Take a hold before the next co_await.
  asio::awaitable<void> wait_free(std::uint64_t first, std::uint64_t last) {
    while (!is_free(first, last)) co_await released_.wait();
  }

  /// Holds [first, last] while it lives.
  class hold {
   public:
    /// @pre lock.is_free(first, last)
    hold(range_lock& lock, std::uint64_t first, std::uint64_t last) : lock_(lock), mine_{first, last} {
      lock_.held_.push_back(mine_);
    }
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;
    ~hold() {
      lock_.held_.erase(std::ranges::find(lock_.held_, mine_));
      lock_.released_.notify();
    }

   private:
    range_lock& lock_;
    range mine_;
  };

 private:
  std::vector<range> held_;
  signal released_;
};

}  // namespace shoal
