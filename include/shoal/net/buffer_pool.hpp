// SPDX-License-Identifier: BSL-1.0
//
// buffer_pool: scratch memory that connections borrow while they have work and give back before they wait, so
// that a thousand idle connections need no buffers.
//
//     buffer_pool::buffer scratch = pool.take();
//     recv(fd, scratch.bytes());
//
// One strand. A pool outlives its buffers.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>

namespace shoal::net {

class buffer_pool {
 public:
  /// Bytes of each buffer: the requests that copying clients like to make, 256 KiB, and their headers.
  static constexpr std::size_t buffer_size = (256u << 10) + 4096;

  class buffer {
   public:
    buffer() noexcept = default;
    buffer(buffer_pool& pool, std::unique_ptr<std::byte[]> memory) noexcept
        : pool_(&pool), memory_(std::move(memory)) {}
    buffer(buffer&& other) noexcept = default;
    buffer& operator=(buffer&& other) noexcept {
      give_back();
      pool_ = other.pool_;
      memory_ = std::move(other.memory_);
      return *this;
    }
    ~buffer() { give_back(); }

    explicit operator bool() const noexcept { return memory_ != nullptr; }
    /// All of it. @pre not empty
    [[nodiscard]] bytes_span bytes() const noexcept { return {memory_.get(), buffer_size}; }

   private:
    void give_back() noexcept {
      if (memory_) pool_->keep(std::move(memory_));
    }

    buffer_pool* pool_ = nullptr;
    std::unique_ptr<std::byte[]> memory_;
  };

  buffer_pool() { free_.reserve(max_free); }
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  [[nodiscard]] buffer take() {
    if (free_.empty()) return {*this, std::make_unique_for_overwrite<std::byte[]>(buffer_size)};
    std::unique_ptr<std::byte[]> memory = std::move(free_.back());
    free_.pop_back();
    return {*this, std::move(memory)};
  }

 private:
  static constexpr std::size_t max_free = 16;

  void keep(std::unique_ptr<std::byte[]> memory) noexcept {
    if (free_.size() < max_free) free_.push_back(std::move(memory));
  }

  std::vector<std::unique_ptr<std::byte[]>> free_;
};

}  // namespace shoal::net
