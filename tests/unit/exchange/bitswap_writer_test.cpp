// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/bitswap_writer.hpp>  // first: shows that the header stands alone

#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using shoal::cid;

shoal::shared_bytes shared(std::vector<std::byte> bytes) {
  return shoal::share(std::move(bytes));
}

TEST_CASE("what is written is what is read") {
  bitswap_writer out;
  out.set_full();
  out.add_want({.id = blocks::name(1), .priority = -7, .type = want_type::have, .send_dont_have = true});
  out.add_want({.id = blocks::name(2), .priority = 9});
  want_entry cancel;
  cancel.id = blocks::name(3);
  cancel.cancel = true;
  out.add_want(cancel);
  out.add_presence(blocks::name(4), presence::dont_have);
  const auto first = blocks::content(5, 3000);
  const auto second = blocks::content(6, 100);
  out.add_block(blocks::name_of(first), shared(first));
  out.add_presence(blocks::name(7), presence::have);
  const cid old = *cid::v0(blocks::hash_of(second));
  out.add_block(old, shared(second));
  out.add_block(blocks::name_of({}), {});

  const blocks::read_back back = blocks::read(out.finish());
  CHECK(back.message().full());
  REQUIRE(back.wants.size() == 3);
  CHECK(back.wants[0].id == blocks::name(1));
  CHECK(back.wants[0].priority == -7);
  CHECK(back.wants[0].type == want_type::have);
  CHECK(back.wants[0].send_dont_have);
  CHECK(back.wants[1].priority == 9);
  CHECK(back.wants[1].type == want_type::block);
  CHECK_FALSE(back.wants[1].send_dont_have);
  CHECK(back.wants[2].cancel);
  REQUIRE(back.presences.size() == 2);
  CHECK(back.presences[0].what == presence::dont_have);
  CHECK(back.presences[1].what == presence::have);
  REQUIRE(back.payloads.size() == 3);
  CHECK(*back.payloads[0].prefix.name(blocks::hash_of(first).digest()) == blocks::name_of(first));
  CHECK(*back.payloads[1].prefix.name(blocks::hash_of(second).digest()) == old);
  CHECK(std::ranges::equal(back.payloads[0].data, first));
  CHECK(std::ranges::equal(back.payloads[1].data, second));
  CHECK(back.payloads[2].data.empty());
}

TEST_CASE("blocks are handed on and not copied") {
  const shoal::shared_bytes block = shared(blocks::content(1, 5000));
  bitswap_writer out;
  out.add_block(blocks::name(1), block);
  const auto pieces = out.finish();
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].bytes.data() == block.bytes.data());
  CHECK(pieces[1].owner == block.owner);
}

TEST_CASE("the pieces outlive the writer, and the writer is as new") {
  bitswap_writer out;
  out.add_presence(blocks::name(1), presence::have);
  CHECK_FALSE(out.empty());
  const auto first = out.finish();
  CHECK(out.empty());
  CHECK(out.size() == 0);
  out.add_presence(blocks::name(2), presence::have);
  CHECK(blocks::read(first).presences.at(0).id == blocks::name(1));
  CHECK(blocks::read(out.finish()).presences.size() == 1);
}

TEST_CASE("entries and blocks are no longer than they are said to be at most") {
  const auto longest = shoal::multihash::make(shoal::hash_code::blake2b_512,
                                              std::vector<std::byte>(shoal::multihash::max_digest_size));
  const cid id{shoal::multicodec{(std::uint64_t{1} << 63) - 1}, *longest};
  bitswap_writer out;
  out.add_want({.id = id, .priority = -1, .type = want_type::have, .send_dont_have = true});
  CHECK(out.size() <= bitswap_writer::max_entry_size);
  const std::size_t before = out.size();
  out.add_presence(id, presence::dont_have);
  CHECK(out.size() - before <= bitswap_writer::max_entry_size);
  const std::size_t with_presence = out.size();
  out.add_block(id, shared(std::vector<std::byte>(shoal::max_block_size)));
  CHECK(out.size() - with_presence <= shoal::max_block_size + bitswap_writer::max_block_overhead);
}

TEST_CASE("an empty full wantlist is a message too") {
  bitswap_writer out;
  CHECK(out.empty());
  out.set_full();
  CHECK_FALSE(out.empty());
  CHECK(blocks::read(out.finish()).message().full());
}

}  // namespace
