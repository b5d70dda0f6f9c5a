// SPDX-License-Identifier: BSL-1.0
//
// run: drives one task to its end on an io_context of its own, so that a test reads like plain code.
//
//     result<> r = test::run(device.read(0, sector));
#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/task/task.hpp>

namespace shoal::test {

namespace detail {

template <class T>
asio::awaitable<void> drive(task<T> work, std::optional<result<T>>& outcome) {
  outcome.emplace(co_await std::move(work));
}

}  // namespace detail

/// The task's result. Rethrows what the task throws. @throws std::logic_error if the task waits for something
/// that never happens
template <class T>
result<T> run(asio::io_context& context, task<T> work) {
  std::optional<result<T>> outcome;
  std::exception_ptr thrown;
  asio::co_spawn(context, detail::drive(std::move(work), outcome), [&](std::exception_ptr e) { thrown = e; });
  context.restart();
  while (!outcome && !thrown && context.run_one() != 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  if (!outcome) throw std::logic_error("test::run: the task never ended");
  return std::move(*outcome);
}

template <class T>
result<T> run(task<T> work) {
  asio::io_context context;
  return run(context, std::move(work));
}

}  // namespace shoal::test
