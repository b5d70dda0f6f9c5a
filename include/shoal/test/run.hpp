// SPDX-License-Identifier: BSL-1.0
//
// test::run: drives tasks to their end on an io_context of their own, so that a test reads like plain code.
//
//     result<> r = test::run(device.read(0, sector));
//     result<> all = test::run_all(std::move(many));      // outstanding together, on one strand
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/task/run.hpp>
#include <shoal/task/task.hpp>

namespace shoal::test {

using shoal::run;

/// As shoal::run, on a context that lives for the call. Returns when nothing is left to do: a thread that has
/// just delivered the result may hold on to the context a little longer.
template <class T>
result<T> run(task<T> work) {
  asio::io_context context;
  std::optional<result<T>> outcome;
  std::exception_ptr thrown;
  asio::co_spawn(context, shoal::detail::drive(std::move(work), outcome),
                 [&](std::exception_ptr e) { thrown = e; });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  if (!outcome) throw std::logic_error("test::run: the task waits for something that never happens");
  return std::move(*outcome);
}

/// Runs the tasks together. The first error in their order, or success.
inline result<> run_all(std::vector<task<>> work) {
  asio::io_context context;
  std::vector<std::optional<result<>>> outcomes(work.size());
  std::exception_ptr thrown;
  for (std::size_t i = 0; i < work.size(); ++i) {
    asio::co_spawn(context, shoal::detail::drive(std::move(work[i]), outcomes[i]), [&](std::exception_ptr e) {
      if (e) thrown = e;
    });
  }
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  for (const std::optional<result<>>& each : outcomes) {
    if (!each) throw std::logic_error("test::run_all: a task waits for something that never happens");
    if (!*each) return *each;
  }
  return {};
}

}  // namespace shoal::test
