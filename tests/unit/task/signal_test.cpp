// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/signal.hpp>  // first: shows that the header stands alone

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

}  // namespace
