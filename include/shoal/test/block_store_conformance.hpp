// SPDX-License-Identifier: BSL-1.0
//
// What every block_store has to do, as a test of yours can ask of a store of yours:
//
//     TEST_CASE("my store is a block store") {
//       openssl::digester digester;
//       test::conforms_to_block_store([] { return std::make_unique<my_store>(); }, digester);
//     }
//
// For a store that is only read, conforms_to_read_only_store. The tests are doctest subcases, each on a fresh
// store.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/test/run.hpp>

namespace shoal::test {

/// The block of these bytes, under SHA-256.
template <digester Digester>
block make_block(const Digester& digester, bytes_view bytes, multicodec codec = multicodec::raw) {
  std::array<std::byte, 32> digest;
  REQUIRE(digester.digest(hash_code::sha2_256, bytes, digest) == status::ok);
  auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  const bytes_view kept{*copy};
  return {cid{codec, *multihash::make(hash_code::sha2_256, digest)}, lease{std::move(copy), kept}};
}

/// Blocks of the sizes at which stores go wrong: empty, tiny, one leaf, and the longest that is allowed. All
/// differ.
template <digester Digester>
std::vector<block> sample_blocks(const Digester& digester) {
  std::vector<block> blocks;
  std::mt19937 random{20};
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128},
                                 std::size_t{4096}, std::size_t{65535}, std::size_t{65536}, max_block_size}) {
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() >> 24);
    blocks.push_back(make_block(digester, bytes));
  }
  return blocks;
}

namespace detail {

template <block_fetcher F>
void check_gives(F& fetcher, const block& expected) {
  const result<block> found = run(fetcher.get(expected.id));
  REQUIRE(found.error().message() == std::error_code{}.message());
  CHECK(found->id == expected.id);
  CHECK(std::ranges::equal(found->data.bytes(), expected.data.bytes()));
}

template <class Make, digester Digester>
void check_reading(Make make, const std::vector<block>& held, const Digester& digester) {
  SUBCASE("it gives every block that it holds, whole") {
    const auto store = make();
    for (const block& b : held) check_gives(*store, b);
  }
  SUBCASE("it has what it holds and nothing else") {
    const auto store = make();
    const block other = make_block(digester, as_bytes("held by nobody"));
    for (const block& b : held) {
      const result<bool> has = run(store->has(b.id));
      REQUIRE(has);
      CHECK(*has);
    }
    const result<bool> has = run(store->has(other.id));
    REQUIRE(has);
    CHECK_FALSE(*has);
    CHECK(run(store->get(other.id)).error() == errc::not_found);
  }
  SUBCASE("a block is found under another codec of the same hash, and answers to the name that was asked for") {
    const auto store = make();
    const cid other{multicodec::dag_cbor, held.back().id.hash()};
    const result<block> found = run(store->get(other));
    REQUIRE(found);
    CHECK(found->id == other);
    CHECK(std::ranges::equal(found->data.bytes(), held.back().data.bytes()));
  }
  SUBCASE("the same digest of another hash function is another block") {
    const auto store = make();
    const bytes_view digest = held.back().id.hash().digest();
    const cid other{multicodec::raw, *multihash::make(hash_code::sha3_256, digest)};
    CHECK_FALSE(run(store->get(other)));
  }
  SUBCASE("it gives the block that a CID carries in itself") {
    const auto store = make();
    const cid self{multicodec::raw, *multihash::make(hash_code::identity, as_bytes("inside"))};
    const result<block> found = run(store->get(self));
    REQUIRE(found);
    CHECK(as_text(found->data.bytes()) == "inside");
    const result<bool> has = run(store->has(self));
    REQUIRE(has);
    CHECK(*has);
  }
  SUBCASE("what was given stays when the store goes") {
    auto store = make();
    const result<block> found = run(store->get(held.back().id));
    store.reset();
    REQUIRE(found);
    CHECK(std::ranges::equal(found->data.bytes(), held.back().data.bytes()));
  }
}

}  // namespace detail

/// @param make  gives a pointer to a store that holds exactly `held`, which may be asked for several times
template <class Make, digester Digester>
void conforms_to_read_only_store(Make make, const std::vector<block>& held, const Digester& digester) {
  detail::check_reading(make, held, digester);
  SUBCASE("it refuses to keep a block") {
    const auto store = make();
    const block other = make_block(digester, as_bytes("held by nobody"));
    CHECK(run(store->put(other)).error() == errc::read_only);
    CHECK(run(store->get(other.id)).error() == errc::not_found);
  }
}

/// @param make  gives a pointer to an empty store with room for 4 MiB
template <class Make, digester Digester>
void conforms_to_block_store(Make make, const Digester& digester) {
  const std::vector<block> blocks = sample_blocks(digester);
  const auto filled = [&] {
    auto store = make();
    for (const block& b : blocks) {
      const result<> put = run(store->put(b));
      REQUIRE(put.error().message() == std::error_code{}.message());
    }
    return store;
  };
  detail::check_reading(filled, blocks, digester);
  SUBCASE("an empty store has nothing") {
    const auto store = make();
    CHECK(run(store->get(blocks.back().id)).error() == errc::not_found);
  }
  SUBCASE("putting a block again changes nothing") {
    const auto store = filled();
    for (const block& b : blocks) CHECK(run(store->put(b)));
    for (const block& b : blocks) detail::check_gives(*store, b);
  }
}

}  // namespace shoal::test
