// SPDX-License-Identifier: BSL-1.0
#include <shoal/store/own_blocks.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/task/run.hpp>

namespace {

using namespace shoal;

block numbered(int number) {
  std::array<std::byte, 32> digest{};
  digest[0] = static_cast<std::byte>(number);
  const auto data = std::make_shared<std::vector<std::byte>>(100, static_cast<std::byte>(number));
  return {cid{multicodec::raw, *multihash::make(hash_code::sha2_256, digest)}, lease{data, *data}};
}

}  // namespace

TEST_CASE("what is in memory or in the store is given, and nobody is asked for the rest") {
  asio::io_context context;
  const auto cache = std::make_shared<memory_cache>(1u << 20);
  const auto store = std::make_shared<memory_cache>(1u << 20);
  own_blocks mine{cache};
  const block here = numbered(1);
  const block stored = numbered(2);
  cache->insert(here);
  store->insert(stored);
  CHECK(run(context, mine.get(here.id)).has_value());
  CHECK(mine.try_get(here.id).size() == 100);
  CHECK(run(context, mine.get(stored.id)).error() == errc::not_found);
  mine.add(any_store{store});
  CHECK(run(context, mine.get(stored.id)).has_value());
  CHECK(run(context, mine.get(numbered(3).id)).error() == errc::not_found);
  const cid inlined{multicodec::raw, *multihash::make(hash_code::identity, as_bytes("hello"))};
  const auto carried = run(context, mine.get(inlined));
  REQUIRE(carried.has_value());
  CHECK(carried->data.size() == 5);
}
