// SPDX-License-Identifier: BSL-1.0
//
// coverage: which parts of a read's content have come, so that no part comes twice and none is missing.
//
//     coverage got;
//     if (!got.add(begin, end)) return violation("content that had come before");
//     if (!got.is_whole(request.length)) return violation("content is missing");
//
// For client_session. Costs nothing while the parts come in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace shoal::nbd {

class coverage {
 public:
  /// Parts with gaps between them that are kept apart.
  static constexpr std::size_t max_parts = 1024;

  /// Adds [begin, end). False when some of it was there already, or there are too many parts.
  /// @pre begin < end
  bool add(std::uint32_t begin, std::uint32_t end) {
    if (begin < front_) return false;
    const auto after = std::ranges::lower_bound(parts_, begin, {}, &part::begin);
    if (after != parts_.end() && after->begin < end) return false;
    if (after != parts_.begin() && std::prev(after)->end > begin) return false;
    if (begin != front_) {
      if (parts_.size() >= max_parts) return false;
      parts_.insert(after, {begin, end});
      return true;
    }
    front_ = end;
    auto used = parts_.begin();
    while (used != parts_.end() && used->begin == front_) front_ = (used++)->end;
    parts_.erase(parts_.begin(), used);
    return true;
  }

  /// All of [0, length) is there. @pre nothing beyond was added
  [[nodiscard]] bool is_whole(std::uint32_t length) const noexcept { return front_ == length; }

 private:
  struct part {
    std::uint32_t begin;
    std::uint32_t end;
  };

  std::uint32_t front_ = 0;  // [0, front_) is there
  std::vector<part> parts_;  // behind it, in order
};

}  // namespace shoal::nbd
