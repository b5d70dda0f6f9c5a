// SPDX-License-Identifier: BSL-1.0
//
// extent_list: collects extents, joins equal neighbours, and says when there are enough for one answer.
//
//     extent_list found;
//     while (more && !found.full()) found.add({.length = n, .hole = true, .zero = true});
//     return done(std::move(found).take());
//
// For devices and filters that answer extents().
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <shoal/block/concepts.hpp>

namespace shoal {

/// The extents of one answer, in order, none of length 0 and no two equal neighbours.
class extent_list {
 public:
  /// An answer holds no more than this, so that a fragmented disk does not stall the strand.
  static constexpr std::size_t max_extents = 1024;

  void add(extent next) {
    if (next.length == 0) return;
    if (!extents_.empty() && extents_.back().hole == next.hole && extents_.back().zero == next.zero) {
      extents_.back().length += next.length;
    } else {
      extents_.push_back(next);
    }
  }

  [[nodiscard]] bool full() const noexcept { return extents_.size() >= max_extents; }
  [[nodiscard]] std::vector<extent> take() && noexcept { return std::move(extents_); }

 private:
  std::vector<extent> extents_;
};

}  // namespace shoal
