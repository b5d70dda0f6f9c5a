// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/range_lock.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <exception>
#include <random>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

namespace {

using shoal::range_lock;

TEST_CASE("ranges that touch exclude each other, and neighbours do not") {
  range_lock lock;
  CHECK(lock.is_free(0, UINT64_MAX));
  {
    const range_lock::hold held{lock, 10, 20};
    CHECK_FALSE(lock.is_free(20, 20));
    CHECK_FALSE(lock.is_free(0, 10));
    CHECK_FALSE(lock.is_free(12, 13));
    CHECK_FALSE(lock.is_free(0, UINT64_MAX));
    CHECK(lock.is_free(0, 9));
    CHECK(lock.is_free(21, UINT64_MAX));
  }
  CHECK(lock.is_free(10, 20));
}

// Marks its range while it holds it; nobody else's mark may be there.
asio::awaitable<void> work(range_lock& lock, int (&inside)[16], std::uint32_t seed) {
  std::minstd_rand random{seed};
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t first = random() % 16;
    const std::uint64_t last = first + random() % (16 - first);
    if (!lock.is_free(first, last)) co_await lock.wait_free(first, last);
    const range_lock::hold held{lock, first, last};
    for (std::uint64_t n = first; n <= last; ++n) CHECK(++inside[n] == 1);
    co_await asio::post(asio::use_awaitable);
    for (std::uint64_t n = first; n <= last; ++n) --inside[n];
  }
}

TEST_CASE("many tasks with random ranges all get their turn, one at a time for each number") {
  asio::io_context context;
  range_lock lock;
  int inside[16] = {};
  int ended = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    asio::co_spawn(context, work(lock, inside, seed), [&](std::exception_ptr) { ++ended; });
  }
  context.run();
  CHECK(ended == 20);
  CHECK(lock.is_free(0, UINT64_MAX));
}

}  // namespace
