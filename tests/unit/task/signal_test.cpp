// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/signal.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <exception>
#include <memory>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace {

asio::awaitable<void> wait_twice(shoal::signal& changed, int& woken) {
  co_await changed.wait();
  ++woken;
  co_await changed.wait();
  ++woken;
}

void spawn(asio::io_context& context, shoal::signal& changed, int& woken) {
  asio::co_spawn(context, wait_twice(changed, woken), [](std::exception_ptr) {});
}

asio::awaitable<void> wait_for(shoal::signal& changed, std::chrono::steady_clock::duration time, int& woken) {
  const auto end = std::chrono::steady_clock::now() + time;
  co_await changed.wait_until(end);
  ++woken;
}

TEST_CASE("a notification wakes all who wait, once") {
  shoal::signal changed;
  asio::io_context context;
  int woken = 0;
  spawn(context, changed, woken);
  spawn(context, changed, woken);
  context.poll();
  CHECK(woken == 0);
  changed.notify();
  CHECK(woken == 0);
  context.poll();
  CHECK(woken == 2);
  changed.notify();
  context.run();
  CHECK(woken == 4);
}

TEST_CASE("a notification that nobody waits for is lost") {
  shoal::signal changed;
  asio::io_context context;
  int woken = 0;
  changed.notify();
  spawn(context, changed, woken);
  context.poll();
  CHECK(woken == 0);
}

TEST_CASE("who waits may outlive what it waits for") {
  asio::io_context context;
  auto changed = std::make_unique<shoal::signal>();
  int woken = 0;
  spawn(context, *changed, woken);
  context.poll();
  changed.reset();
  context.poll();
  CHECK(woken == 0);
}

TEST_CASE("who waits may go away") {
  shoal::signal changed;
  int woken = 0;
  {
    asio::io_context context;
    spawn(context, changed, woken);
    context.poll();
  }
  changed.notify();
  CHECK(woken == 0);
}

TEST_CASE("who waits until a time is woken by it, or before it") {
  shoal::signal changed;
  asio::io_context context;
  int woken = 0;
  asio::co_spawn(context, wait_for(changed, std::chrono::milliseconds{1}, woken), [](std::exception_ptr) {});
  context.run();
  CHECK(woken == 1);
  context.restart();
  asio::co_spawn(context, wait_for(changed, std::chrono::hours{1}, woken), [](std::exception_ptr) {});
  context.poll();
  CHECK(woken == 1);
  changed.notify();
  context.run();
  CHECK(woken == 2);
}

}  // namespace
