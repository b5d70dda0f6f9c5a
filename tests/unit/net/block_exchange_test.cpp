// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/block_exchange.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/openssl/peer_crypto.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/task/run.hpp>

namespace block_exchange_test {

using namespace shoal;
using libp2p::multiaddr;
using host = net::swarm_host<openssl::peer_crypto>;
using exchange_of = net::block_exchange<openssl::digester>;
using bytes = std::vector<std::byte>;
using namespace std::chrono_literals;

block make_block(int number, std::size_t size) {
  const auto data = std::make_shared<bytes>(size);
  for (std::size_t i = 0; i < size; ++i) {
    (*data)[i] = static_cast<std::byte>((i * 131 + static_cast<std::size_t>(number) * 7919) >> 3);
  }
  std::array<std::byte, 32> digest;
  REQUIRE(openssl::digester{}.digest(hash_code::sha2_256, *data, digest) == status::ok);
  const cid id{multicodec::raw, *multihash::make(hash_code::sha2_256, digest)};
  return {id, lease{data, *data}};
}

/// A peer with a cache of its own.
struct member {
  member(asio::io_context& context, int number, net::exchange_options options = {},
         std::size_t cache_size = 64u << 20)
      : swarm(context.get_executor(), openssl::ed25519_signer{bytes(32, static_cast<std::byte>(number))}),
        cache(std::make_shared<memory_cache>(cache_size)),
        blocks(swarm, cache, openssl::digester{}, std::move(options)) {
    const auto bound = swarm.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
    REQUIRE(bound.has_value());
    where = {net::with_peer(bound->front(), swarm.id())};
  }
  host swarm;
  std::shared_ptr<memory_cache> cache;
  exchange_of blocks;
  std::vector<multiaddr> where;
};

void meet(asio::io_context& context, member& a, member& b) {
  REQUIRE(run(context, a.swarm.connect(b.where)).has_value());
}

template <class Condition>
void run_until(asio::io_context& context, Condition met) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  context.restart();
  while (!met() && std::chrono::steady_clock::now() < deadline) context.run_one_for(100ms);
  REQUIRE(met());
}

asio::awaitable<void> read_one(member& by, cid id, std::size_t& done, std::size_t& good, bytes_view expected) {
  const result<block> got = co_await by.blocks.get(id);
  ++done;
  if (got && std::ranges::equal(got->data.bytes(), expected)) ++good;
}

TEST_CASE("blocks travel from peer to peer, and whoever has one serves it on") {
  asio::io_context context;
  io_pool threads{2};
  member origin{context, 1};
  member first{context, 2};
  member second{context, 3, {.hashers = &threads}};
  meet(context, first, origin);
  meet(context, second, first);
  std::vector<block> all;
  for (int i = 0; i < 40; ++i) all.push_back(make_block(i, i % 8 == 0 ? 1u << 20 : 64u << 10));
  for (const block& b : all) origin.cache->insert(b);

  for (member* const reader : {&first, &second}) {
    std::size_t done = 0;
    std::size_t good = 0;
    for (const block& b : all) {
      asio::co_spawn(context, read_one(*reader, b.id, done, good, b.data.bytes()), asio::detached);
      asio::co_spawn(context, read_one(*reader, b.id, done, good, b.data.bytes()), asio::detached);
    }
    run_until(context, [&] { return done == 2 * all.size(); });
    CHECK(good == 2 * all.size());
    CHECK(reader->blocks.received().blocks == all.size());
  }
  CHECK(first.blocks.sent().blocks_sent >= all.size());
  CHECK(second.blocks.traffic()[0].blocks_received == all.size());
}

TEST_CASE("a block that nobody has is waited for, served when it comes, and given up in the end") {
  asio::io_context context;
  member a{context, 1};
  member b{context, 2, {.patience = 2s, .tier = {}, .server = {}}};
  meet(context, b, a);
  const block late = make_block(1, 5000);
  const block never = make_block(2, 5000);
  int unmet = 0;
  b.blocks.on_unmet([&](const cid&) { ++unmet; });
  std::size_t done = 0;
  std::size_t good = 0;
  asio::co_spawn(context, read_one(b, late.id, done, good, late.data.bytes()), asio::detached);
  run_until(context, [&] { return unmet > 0; });
  // the peer gets it from somebody else meanwhile, and remembers who has asked
  a.blocks.fall_back_on([&](cid) { return shoal::done(block{late}); });
  const auto got = run(context, a.blocks.get(late.id));
  REQUIRE(got.has_value());
  run_until(context, [&] { return done == 1; });
  CHECK(good == 1);
  CHECK(run(context, b.blocks.get(never.id)).error() == errc::timed_out);
  CHECK(b.blocks.wanted() == 0);
}

TEST_CASE("an origin is asked only for what no neighbour has") {
  asio::io_context context;
  member origin{context, 1};
  member neighbour{context, 2};
  member reader{context,
                3,
                {.tier = [&](const net::peer_link& link) { return link.peer() == origin.swarm.id() ? 1u : 0u; },
                 .server = {}}};
  const block shared = make_block(1, 70'000);
  const block rare = make_block(2, 70'000);
  origin.cache->insert(shared);
  origin.cache->insert(rare);
  neighbour.cache->insert(shared);
  meet(context, reader, origin);
  meet(context, reader, neighbour);
  CHECK(run(context, reader.blocks.get(shared.id)).has_value());
  CHECK(origin.blocks.sent().blocks_sent == 0);
  CHECK(run(context, reader.blocks.get(rare.id)).has_value());
  CHECK(reader.blocks.traffic()[0].blocks_received == 1);
  CHECK(reader.blocks.traffic()[1].blocks_received == 1);
}

TEST_CASE("when a peer dies, another one is asked, and nobody notices") {
  asio::io_context context;
  auto dying = std::make_unique<member>(context, 1);
  member other{context, 2};
  member reader{context, 3};
  std::vector<block> all;
  for (int i = 0; i < 60; ++i) all.push_back(make_block(i, 256u << 10));
  for (const block& b : all) {
    dying->cache->insert(b);
    other.cache->insert(b);
  }
  meet(context, reader, *dying);
  meet(context, reader, other);
  std::size_t done = 0;
  std::size_t good = 0;
  for (const block& b : all) {
    asio::co_spawn(context, read_one(reader, b.id, done, good, b.data.bytes()), asio::detached);
  }
  run_until(context, [&] { return done > 5; });
  dying->swarm.close();
  run_until(context, [&] { return done == all.size(); });
  CHECK(good == all.size());
}

TEST_CASE("a peer that sends other bytes than were asked for is cut off and not met again") {
  asio::io_context context;
  io_pool threads{1};
  net::exchange_options options;
  SUBCASE("found out by the strand") {}
  SUBCASE("found out by a thread") {
    options.hashers = &threads;
  }
  member reader{context, 1, options};
  member honest{context, 2};
  host liar{context.get_executor(), openssl::ed25519_signer{bytes(32, std::byte{9})}};
  const block wanted = make_block(1, 3000);
  honest.cache->insert(wanted);
  // answers whatever it hears with a block that nobody has asked for
  struct answer final : net::stream_user {
    explicit answer(std::shared_ptr<net::peer_link> l) : link(std::move(l)) {}
    void data(bytes_view) override {
      const block other = make_block(77, 3000);
      exchange::bitswap_writer out;
      out.add_block(other.id, {std::make_shared<lease>(other.data), other.data.bytes()});
      const auto stream = link->open(net::bitswap_protocol, std::make_shared<answer>(link));
      for (shared_bytes& piece : out.finish()) (void)link->write(*stream, std::move(piece));
    }
    std::shared_ptr<net::peer_link> link;
  };
  liar.handle(std::string{net::bitswap_protocol},
              [](const auto& link, auto) { return std::make_shared<answer>(link); });
  const auto at_liar = liar.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  REQUIRE(run(context, reader.swarm.connect(*at_liar)).has_value());
  std::size_t done = 0;
  std::size_t good = 0;
  reader.blocks.prefetch(make_block(2, 3000).id, 1);  // threads hash when several are wanted
  asio::co_spawn(context, read_one(reader, wanted.id, done, good, wanted.data.bytes()), asio::detached);
  run_until(context, [&] { return reader.blocks.banned() == 1; });
  CHECK(done == 0);
  meet(context, reader, honest);
  run_until(context, [&] { return done == 1; });
  CHECK(good == 1);
  (void)run(context, reader.swarm.connect(*at_liar));
  run_until(context, [&] { return reader.swarm.link(liar.id()) == nullptr; });
  CHECK(reader.cache->try_get(make_block(77, 3000).id).size() == 0);
}

TEST_CASE("a peer without Bitswap does no harm") {
  asio::io_context context;
  member reader{context, 1};
  host mute{context.get_executor(), openssl::ed25519_signer{bytes(32, std::byte{9})}};
  const auto where = mute.listen(*multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  REQUIRE(run(context, reader.swarm.connect(*where)).has_value());
  member honest{context, 2};
  const block wanted = make_block(1, 3000);
  honest.cache->insert(wanted);
  meet(context, reader, honest);
  CHECK(run(context, reader.blocks.get(wanted.id)).has_value());
}

TEST_CASE("an origin serves from a store what is not in its memory") {
  asio::io_context context;
  member origin{context, 1, {}, 1u << 20};
  member reader{context, 2};
  const auto store = std::make_shared<memory_cache>(64u << 20);
  std::vector<block> all;
  for (int i = 0; i < 20; ++i) all.push_back(make_block(i, 200'000));
  for (const block& b : all) store->insert(b);
  origin.blocks.provide(any_store{store});
  meet(context, reader, origin);
  for (const block& b : all) {
    const auto got = run(context, reader.blocks.get(b.id));
    REQUIRE(got.has_value());
    CHECK(std::ranges::equal(got->data.bytes(), b.data.bytes()));
  }
  CHECK(run(context, origin.blocks.get(all[0].id)).has_value());
}

TEST_CASE("what is fetched before it is read is in memory when it is") {
  asio::io_context context;
  member origin{context, 1};
  member reader{context, 2};
  meet(context, reader, origin);
  std::vector<block> all;
  for (int i = 0; i < 10; ++i) all.push_back(make_block(i, 10'000));
  for (const block& b : all) origin.cache->insert(b);
  for (int i = 0; i < 10; ++i) CHECK(reader.blocks.prefetch(all[static_cast<std::size_t>(i)].id, 100 - i));
  run_until(context, [&] { return reader.blocks.wanted() == 0; });
  for (const block& b : all) CHECK(reader.blocks.try_get(b.id));
  CHECK_FALSE(reader.blocks.prefetch(all[0].id, 1));
}

}  // namespace block_exchange_test
