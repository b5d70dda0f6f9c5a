// SPDX-License-Identifier: BSL-1.0
#include <shoal/store/tiered.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/openssl/digester.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/test/block_store_conformance.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::block;
using shoal::cid;
using shoal::memory_cache;
using shoal::result;
using shoal::task;
using shoal::test::run;

// Holds one block, and answers when it is told to.
struct slow_source {
  block held;
  int asked = 0;
  bool open = true;
  bool broken = false;
  shoal::signal opened;

  task<block> get(const cid& id) {
    ++asked;
    while (!open) co_await opened.wait();
    if (broken) co_return shoal::errc::timed_out;
    if (id.hash() != held.id.hash()) co_return shoal::errc::not_found;
    co_return block{id, held.data};
  }
};

using blocks = shoal::tiered<memory_cache, slow_source>;
static_assert(shoal::block_fetcher<blocks> && shoal::can_try_get<blocks>);
static_assert(!shoal::block_store<blocks>, "what the source cannot keep, nobody can");

struct fixture {
  shoal::openssl::digester digester;
  std::shared_ptr<memory_cache> cache = std::make_shared<memory_cache>(1_MiB);
  std::shared_ptr<slow_source> source = std::make_shared<slow_source>();
  blocks store{cache, source};
  asio::io_context context;
  std::vector<std::optional<result<block>>> outcomes = std::vector<std::optional<result<block>>>(3);

  fixture() { source->held = shoal::test::make_block(digester, shoal::as_bytes("what everybody wants")); }

  static asio::awaitable<void> ask(blocks& from, const cid& id, std::optional<result<block>>& outcome) {
    result<block> found = co_await from.get(id);
    outcome.emplace(std::move(found));
  }
  void ask_thrice() {
    for (auto& outcome : outcomes) {
      asio::co_spawn(context, ask(store, source->held.id, outcome), asio::detached);
    }
  }
};

TEST_CASE("a cache in front of a store is a block store") {
  shoal::openssl::digester digester;
  shoal::test::conforms_to_block_store(
      [] {
        return std::make_unique<shoal::tiered<memory_cache, memory_cache>>(
            std::make_shared<memory_cache>(1_MiB), std::make_shared<memory_cache>(8_MiB));
      },
      digester);
}

TEST_CASE_FIXTURE(fixture, "what was fetched once comes from the cache") {
  CHECK_FALSE(store.try_get(source->held.id));
  CHECK(run(store.get(source->held.id)));
  CHECK(run(store.get(source->held.id)));
  CHECK(source->asked == 1);
  CHECK(store.try_get(source->held.id));
}

TEST_CASE_FIXTURE(fixture, "tasks that want the same block at once share one fetch") {
  source->open = false;
  ask_thrice();
  context.poll();
  CHECK(source->asked == 1);
  source->open = true;
  source->opened.notify();
  context.run();
  CHECK(source->asked == 1);
  for (const auto& outcome : outcomes) {
    REQUIRE(outcome);
    REQUIRE(*outcome);
    CHECK(shoal::as_text((*outcome)->data.bytes()) == "what everybody wants");
  }
}

TEST_CASE_FIXTURE(fixture, "tasks that share a fetch share its error, and the next one tries again") {
  source->open = false;
  source->broken = true;
  ask_thrice();
  context.poll();
  source->open = true;
  source->opened.notify();
  context.run();
  CHECK(source->asked == 1);
  for (const auto& outcome : outcomes) {
    REQUIRE(outcome);
    CHECK(outcome->error() == shoal::errc::timed_out);
  }
  source->broken = false;
  CHECK(run(store.get(source->held.id)));
}

TEST_CASE_FIXTURE(fixture, "when the task that fetches is called off, one that waits takes over") {
  source->open = false;
  asio::cancellation_signal cancel;
  asio::co_spawn(context, ask(store, source->held.id, outcomes[0]),
                 asio::bind_cancellation_slot(cancel.slot(), asio::detached));
  context.poll();
  asio::co_spawn(context, ask(store, source->held.id, outcomes[1]), asio::detached);
  context.poll();
  CHECK(source->asked == 1);
  cancel.emit(asio::cancellation_type::terminal);
  context.poll();
  CHECK(source->asked == 2);
  source->open = true;
  source->opened.notify();
  context.run();
  CHECK_FALSE(outcomes[0]);
  REQUIRE(outcomes[1]);
  CHECK(*outcomes[1]);
}

}  // namespace
