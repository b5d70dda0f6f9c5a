// SPDX-License-Identifier: BSL-1.0
#include <shoal/store/memory_cache.hpp>  // first: shows that the header stands alone

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/openssl/digester.hpp>
#include <shoal/test/block_store_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::block;
using shoal::lease;
using shoal::memory_cache;

// A block whose bytes say its number. Nothing here checks hashes, and hashing thousands of blocks takes time.
block numbered(std::uint64_t number, std::size_t size = 1024) {
  std::array<std::byte, 32> digest{};
  // spread over the digest's end, which is what tables look at
  const std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15;
  std::memcpy(digest.data(), &number, sizeof number);
  std::memcpy(digest.data() + 24, &mixed, sizeof mixed);
  auto bytes = std::make_shared<std::vector<std::byte>>(size, static_cast<std::byte>(number));
  const shoal::bytes_view view{*bytes};
  return {shoal::cid{shoal::multicodec::raw, *shoal::multihash::make(shoal::hash_code::sha2_256, digest)},
          lease{std::move(bytes), view}};
}

std::size_t how_many(memory_cache& cache, std::uint64_t first, std::uint64_t last) {
  std::size_t found = 0;
  for (std::uint64_t i = first; i != last; ++i) found += cache.try_get(numbered(i, 1).id) ? 1u : 0u;
  return found;
}

TEST_CASE("a memory cache is a block store") {
  shoal::openssl::digester digester;
  shoal::test::conforms_to_block_store([] { return std::make_unique<memory_cache>(8_MiB); }, digester);
}

TEST_CASE("the bytes of a cache never exceed its capacity") {
  for (const std::size_t capacity : {1_KiB, 100_KiB, 64_MiB}) {
    memory_cache cache{capacity};
    for (std::uint64_t i = 0; i != 3000; ++i) {
      cache.insert(numbered(i, (i * 7919) % 65536));
      REQUIRE(cache.bytes() <= capacity);
    }
    CHECK(cache.bytes() > 0);
  }
}

TEST_CASE("a block that is larger than the cache is not kept, and pushes nothing out") {
  memory_cache cache{10_KiB};
  cache.insert(numbered(1));
  cache.insert(numbered(2, 10_KiB + 1));
  CHECK_FALSE(cache.try_get(numbered(2).id));
  CHECK(cache.try_get(numbered(1).id));
}

TEST_CASE("reading an image once does not push out what is asked for again and again") {
  memory_cache cache{1_MiB};
  // a working set of half the cache, used among other traffic
  for (int round = 0; round != 6; ++round) {
    for (std::uint64_t i = 0; i != 512; ++i) {
      if (!cache.try_get(numbered(i).id)) cache.insert(numbered(i));
    }
    for (std::uint64_t i = 0; i != 64; ++i) {
      cache.insert(numbered(1'000'000 + static_cast<std::uint64_t>(round) * 64 + i));
    }
  }
  REQUIRE(how_many(cache, 0, 512) == 512);
  for (std::uint64_t i = 2'000'000; i != 2'020'000; ++i) cache.insert(numbered(i));
  CHECK(how_many(cache, 0, 512) > 460);
}

TEST_CASE("a scan in small pieces is still a scan: its bursts count once") {
  memory_cache cache{1_MiB};
  for (int round = 0; round != 6; ++round) {
    for (std::uint64_t i = 0; i != 512; ++i) {
      if (!cache.try_get(numbered(i).id)) cache.insert(numbered(i));
    }
    for (std::uint64_t i = 0; i != 64; ++i) {
      cache.insert(numbered(1'000'000 + static_cast<std::uint64_t>(round) * 64 + i));
    }
  }
  for (std::uint64_t i = 2'000'000; i != 2'020'000; ++i) {
    cache.insert(numbered(i));
    for (int piece = 0; piece != 16; ++piece) CHECK(cache.try_get(numbered(i, 1).id));
  }
  CHECK(how_many(cache, 0, 512) > 460);
}

TEST_CASE("a block that comes back soon after it was evicted stays") {
  memory_cache cache{1_MiB};
  for (std::uint64_t i = 0; i != 1100; ++i) cache.insert(numbered(i));
  REQUIRE_FALSE(cache.try_get(numbered(0).id));
  cache.insert(numbered(0));  // to the main queue
  for (std::uint64_t i = 2000; i != 4000; ++i) cache.insert(numbered(i));
  CHECK(cache.try_get(numbered(0).id));
}

TEST_CASE("a pinned block stays until it has been unpinned as often") {
  memory_cache cache{64_KiB};
  CHECK(cache.pin(numbered(1)));
  CHECK(cache.pin(numbered(1)));
  cache.unpin(numbered(1).id);
  for (std::uint64_t i = 10; i != 1000; ++i) cache.insert(numbered(i));
  CHECK(cache.try_get(numbered(1).id));
  cache.unpin(numbered(1).id);
  for (std::uint64_t i = 1000; i != 3000; ++i) cache.insert(numbered(i));
  CHECK_FALSE(cache.try_get(numbered(1).id));
  cache.unpin(numbered(1).id);  // one too many: nothing happens
}

TEST_CASE("pins are refused when they would fill the cache beyond its capacity") {
  memory_cache cache{8_KiB};
  for (std::uint64_t i = 0; i != 8; ++i) CHECK(cache.pin(numbered(i)));
  CHECK(cache.pin(numbered(8)).error() == shoal::errc::no_space);
  CHECK(cache.bytes() == 8_KiB);
  cache.insert(numbered(9));  // no room left for what is not pinned
  CHECK_FALSE(cache.try_get(numbered(9).id));
  CHECK(how_many(cache, 0, 8) == 8);
}

TEST_CASE("pinning a block that is here already takes its bytes once") {
  memory_cache cache{8_KiB};
  cache.insert(numbered(1));
  CHECK(cache.pin(numbered(1)));
  CHECK(cache.bytes() == 1_KiB);
  cache.unpin(numbered(1).id);
  CHECK(cache.bytes() == 1_KiB);
}

TEST_CASE("a lease outlives the eviction of its block") {
  memory_cache cache{4_KiB};
  cache.insert(numbered(7));
  const lease held = cache.try_get(numbered(7).id);
  for (std::uint64_t i = 100; i != 200; ++i) cache.insert(numbered(i));
  REQUIRE_FALSE(cache.try_get(numbered(7).id));
  CHECK(held.bytes().back() == std::byte{7});
}

TEST_CASE("threads share a cache") {
  memory_cache cache{64_MiB};
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t != 4; ++t) {
      threads.emplace_back([&cache, &wrong, t] {
        for (std::uint64_t i = 0; i != 20'000; ++i) {
          const std::uint64_t number = (i * (t + 1)) % 5000;
          const block b = numbered(number, 16384);
          if (const lease found = cache.try_get(b.id)) {
            if (found.bytes().front() != static_cast<std::byte>(number)) ++wrong;
          } else {
            cache.insert(b);
          }
          if (i % 64 == 0 && cache.pin(b)) cache.unpin(b.id);
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(cache.bytes() <= 64_MiB);
}

}  // namespace
