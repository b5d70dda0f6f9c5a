// SPDX-License-Identifier: BSL-1.0
//
// run: drives tasks to their end on an io_context, so that a test reads like plain code.
//
//     result<> r = test::run(device.read(0, sector));
//     test::run_all(std::move(many));                     // all outstanding at once, on one strand
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/task/task.hpp>

namespace shoal::test {

namespace detail {

// How a task ended.
template <class T>
struct outcome {
  std::optional<result<T>> value;
  std::exception_ptr thrown;

  [[nodiscard]] bool ended() const noexcept { return value || thrown; }
  result<T> get() && {
    if (thrown) std::rethrow_exception(thrown);
    if (!value) throw std::logic_error("test::run: the task never ended");
    return std::move(*value);
  }
};

template <class T>
asio::awaitable<void> drive(task<T> work, outcome<T>& end) {
  end.value.emplace(co_await std::move(work));
}

template <class T>
void start(asio::io_context& context, task<T> work, outcome<T>& end) {
  asio::co_spawn(context, drive(std::move(work), end), [&](std::exception_ptr thrown) { end.thrown = thrown; });
}

}  // namespace detail

/// The task's result; what else runs on the context goes on until then. Rethrows what the task throws.
/// @throws std::logic_error if the task waits for something that never happens
template <class T>
result<T> run(asio::io_context& context, task<T> work) {
  detail::outcome<T> end;
  detail::start(context, std::move(work), end);
  context.restart();
  while (!end.ended() && context.run_one() != 0) {
  }
  return std::move(end).get();
}

/// The same on a context of its own, which runs until nothing is left to do.
template <class T>
result<T> run(task<T> work) {
  asio::io_context context;
  detail::outcome<T> end;
  detail::start(context, std::move(work), end);
  // To the last handler: a thread that has just delivered a result may still hold on to the context.
  context.run();
  return std::move(end).get();
}

/// Runs all tasks together on one strand. The first error in the order of the tasks, or success.
inline result<> run_all(std::vector<task<>> work) {
  asio::io_context context;
  std::vector<detail::outcome<void>> ends(work.size());
  for (std::size_t i = 0; i < work.size(); ++i) detail::start(context, std::move(work[i]), ends[i]);
  context.run();
  result<> first;
  for (detail::outcome<void>& end : ends) {
    const result<> each = std::move(end).get();
    if (first) first = each;
  }
  return first;
}

}  // namespace shoal::test
