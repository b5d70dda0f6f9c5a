// SPDX-License-Identifier: BSL-1.0
#include <shoal/task/run.hpp>  // first: shows that the header stands alone

#include <stdexcept>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

namespace {

using shoal::result;
using shoal::task;

task<int> value(int n) {
  co_return n;
}

task<> thrower() {
  throw std::runtime_error("on purpose");
  co_return result<>{};
}

TEST_CASE("a task's result is returned, again and again on one context") {
  asio::io_context context;
  for (int i = 0; i < 1000; ++i) {
    const result<int> got = shoal::run(context, value(i));
    REQUIRE(got);
    REQUIRE(*got == i);
    // nothing of a run is left on the context: it would refer to a frame that is gone
    context.restart();
    REQUIRE(context.poll() == 0);
  }
}

TEST_CASE("what a task throws comes out of run") {
  asio::io_context context;
  CHECK_THROWS_AS((void)shoal::run(context, thrower()), std::runtime_error);
}

}  // namespace
