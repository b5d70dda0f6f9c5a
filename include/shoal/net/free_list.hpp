// SPDX-License-Identifier: BSL-1.0
//
// free_list: memory that connections borrow while they have work and give back before they wait, so that a
// thousand idle connections hold none.
//
//     free_list<receive_buffer> buffers;
//     free_list<receive_buffer>::item mine = buffers.take();    // given back when it goes
//
// One strand. A list outlives its items.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace shoal::net {

/// Objects of one type for use again, in the state in which they were given back.
template <class T>
class free_list {
 public:
  /// More than this many free objects are not kept.
  static constexpr std::size_t max_free = 16;

  struct give_back {
    free_list* home = nullptr;
    void operator()(T* used) const noexcept { home->keep(std::unique_ptr<T>{used}); }
  };
  using item = std::unique_ptr<T, give_back>;

  free_list() { free_.reserve(max_free); }
  free_list(const free_list&) = delete;
  free_list& operator=(const free_list&) = delete;

  /// A used object if there is one; otherwise a new one, default-initialized.
  [[nodiscard]] item take() {
    if (free_.empty()) return item{new T, {this}};
    std::unique_ptr<T> last = std::move(free_.back());
    free_.pop_back();
    return item{last.release(), {this}};
  }

 private:
  void keep(std::unique_ptr<T> used) noexcept {
    if (free_.size() < max_free) free_.push_back(std::move(used));
  }

  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace shoal::net
