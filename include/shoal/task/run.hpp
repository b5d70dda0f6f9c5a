// SPDX-License-Identifier: BSL-1.0
//
// run: drives one task to its end from plain code, as programs and tests do that have nothing else to do
// meanwhile.
//
//     asio::io_context context;
//     result<> r = run(context, device.read(0, sector));
//
// Not for use inside a coroutine: there, co_await the task.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/task/task.hpp>

namespace shoal {

namespace detail {

template <class T>
asio::awaitable<void> drive(task<T> work, std::optional<result<T>>& outcome) {
  outcome.emplace(co_await std::move(work));
}

}  // namespace detail

/// The task's result, found by running `context` until the task ends. Rethrows what the task throws.
template <class T>
result<T> run(asio::io_context& context, task<T> work) {
  std::optional<result<T>> outcome;
  std::exception_ptr thrown;
  bool ended = false;
  asio::co_spawn(context, detail::drive(std::move(work), outcome), [&](std::exception_ptr e) {
    thrown = e;
    ended = true;
  });
  context.restart();
  // until the handler above has run: it refers to this frame
  while (!ended && context.run_one() != 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*outcome);
}

}  // namespace shoal
