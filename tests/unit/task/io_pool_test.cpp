// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/io_pool.hpp>  // first: shows that the header stands alone

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/base/error.hpp>
#include <shoal/test/run.hpp>

namespace {

using shoal::io_pool;
using shoal::result;
using shoal::task;

struct where_am_i {
  result<std::thread::id> operator()() const { return std::this_thread::get_id(); }
};

task<std::thread::id> ask_and_return(io_pool& pool, std::thread::id& resumed) {
  where_am_i question;
  const result<std::thread::id> answer = co_await pool.run(question);
  resumed = std::this_thread::get_id();
  co_return answer;
}

TEST_CASE("work runs on a thread of the pool, and its caller goes on on its own") {
  io_pool pool{1};
  std::thread::id resumed;
  const result<std::thread::id> worked = shoal::test::run(ask_and_return(pool, resumed));
  REQUIRE(worked);
  CHECK(*worked != std::this_thread::get_id());
  CHECK(resumed == std::this_thread::get_id());
}

TEST_CASE("without a pool, work runs where its caller is") {
  where_am_i question;
  const result<std::thread::id> worked = shoal::test::run(shoal::run_on(nullptr, question));
  REQUIRE(worked);
  CHECK(*worked == std::this_thread::get_id());
}

TEST_CASE("an error of the work is the error of the task") {
  io_pool pool{1};
  struct fails {
    result<> operator()() const { return shoal::errc::busy; }
  };
  CHECK(shoal::test::run(pool.run(fails{})).error() == shoal::errc::busy);
}

TEST_CASE("a value that can only be moved gets through") {
  io_pool pool{1};
  struct makes {
    result<std::unique_ptr<int>> operator()() const { return std::make_unique<int>(7); }
  };
  const result<std::unique_ptr<int>> made = shoal::test::run(pool.run(makes{}));
  REQUIRE(made);
  CHECK(**made == 7);
}

// Each waits until all of them are running, so the test ends only if they run at once.
struct meets {
  std::atomic<int>* arrived;
  int expected;
  result<> operator()() const {
    ++*arrived;
    while (arrived->load() < expected) std::this_thread::yield();
    return {};
  }
};

TEST_CASE("as many calls run at once as there are threads") {
  io_pool pool{3};
  std::atomic<int> arrived = 0;
  std::vector<task<>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(pool.run(meets{&arrived, 3}));
  CHECK(shoal::test::run_all(std::move(calls)));
}

struct counts {
  std::atomic<int>* done;
  result<> operator()() const {
    ++*done;
    return {};
  }
};

TEST_CASE("far more calls than threads all end") {
  io_pool pool{2};
  std::atomic<int> done = 0;
  std::vector<task<>> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(pool.run(counts{&done}));
  CHECK(shoal::test::run_all(std::move(calls)));
  CHECK(done == 1000);
}

struct waits_for {
  std::shared_future<void> signal;
  std::atomic<int>* done;
  result<> operator()() const {
    signal.wait();
    ++*done;
    return {};
  }
};

asio::awaitable<void> call(io_pool& pool, waits_for work) {
  [[maybe_unused]] const result<> ended = co_await pool.run(work);
}

TEST_CASE("destroying a pool waits for what was handed in") {
  asio::io_context context;
  std::promise<void> go;
  std::atomic<int> done = 0;
  std::thread opener;
  {
    io_pool pool{1};
    const waits_for work{go.get_future().share(), &done};
    for (int i = 0; i < 3; ++i) asio::co_spawn(context, call(pool, work), [](std::exception_ptr) {});
    context.poll();
    opener = std::thread{[&] { go.set_value(); }};
  }
  CHECK(done == 3);
  opener.join();
  context.run();
}

TEST_CASE("a pool without threads is refused when it is made") {
  CHECK_THROWS_AS(io_pool{0}, std::invalid_argument);
}

}  // namespace
