// SPDX-License-Identifier: BSL-1.0
//
// yielding: a device that gives way to others a few times before and after each request, so that requests on
// one strand overlap and overtake each other, the same way each time for a seed.
//
//     cow disk{yielding{pattern_device{1_MiB}, 1}, yielding{memory_device{1_MiB}, 2}};
//
// For tests of filters that await in the middle of their work.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/task.hpp>

namespace shoal::test {

/// Forwards read, write, flush, trim, zero and extents, late. Hides everything that could answer at once.
template <block_source Next>
class yielding {
 public:
  yielding(Next next, std::uint32_t seed) : next_(std::move(next)), random_(seed) {}

  [[nodiscard]] device_info info() const noexcept { return next_.info(); }

  task<> read(std::uint64_t offset, bytes_span out) {
    co_await give_way();
    const result<> r = co_await next_.read(offset, out);
    co_await give_way();
    co_return r;
  }
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags)
    requires block_device<Next>
  {
    co_await give_way();
    const result<> r = co_await next_.write(offset, in, flags);
    co_await give_way();
    co_return r;
  }
  task<> flush()
    requires block_device<Next>
  {
    co_await give_way();
    co_return co_await next_.flush();
  }
  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_trim<Next>
  {
    co_await give_way();
    co_return co_await next_.trim(offset, length, flags);
  }
  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags)
    requires can_zero<Next>
  {
    co_await give_way();
    co_return co_await next_.zero(offset, length, flags);
  }
  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length)
    requires can_extents<Next>
  {
    co_await give_way();
    co_return co_await next_.extents(offset, length);
  }

 private:
  asio::awaitable<void> give_way() {
    for (auto turns = random_() % 4; turns != 0; --turns) co_await asio::post(asio::use_awaitable);
  }

  Next next_;
  std::minstd_rand random_;
};

}  // namespace shoal::test
