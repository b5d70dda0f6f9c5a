// SPDX-License-Identifier: BSL-1.0
//
// blocking_caller: carries tasks out for a thread that has to wait for them, such as a guest's processor.
//
//     blocking_caller mine = blocking_caller::here(context);              // nobody else runs this context
//     blocking_caller others = blocking_caller::there(context, is_over);  // a thread of its own runs that one
//     const result<> r = others([&] { return device.read(0, sector); });
//
// What a device needs of its strand stays true: it is used by the thread that runs its context, and by no
// other. Leaves out canceling: a task that nobody waits for any more goes on, and what it refers to has to live
// until the context has gone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/task/run.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// Refers to a context, which outlives it.
class blocking_caller {
 public:
  /// Runs the context itself, for as long as a task takes.
  [[nodiscard]] static blocking_caller here(asio::io_context& context) { return {context, {}}; }
  /// Waits for the thread that runs the context.
  /// @param is_over  asked every 50 ms, by the thread that waits: true when it shall wait no longer
  [[nodiscard]] static blocking_caller there(asio::io_context& context, std::function<bool()> is_over) {
    return {context, std::move(is_over)};
  }

  /// True when tasks are carried out by the calling thread: it may use what belongs to the context at once.
  [[nodiscard]] bool is_here() const noexcept { return !is_over_; }

  /// Calls `make` on the context's thread, and carries the task out that it gives. errc::canceled when it is
  /// over before that is; errc::failed when the task throws.
  template <std::invocable Make>
  [[nodiscard]] auto operator()(Make make) const {
    using outcome = typename task_outcome<std::invoke_result_t<Make&>>::type;
    return is_here() ? outcome{run_here(make)} : wait_for<outcome>(std::move(make));
  }

 private:
  template <class Task>
  struct task_outcome;
  template <class T>
  struct task_outcome<task<T>> {
    using type = result<T>;
  };

  /// What the two threads share. It stays until both have left it.
  template <class Outcome>
  struct handover {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::optional<Outcome> outcome;  // none when it threw
  };

  blocking_caller(asio::io_context& context, std::function<bool()> is_over)
      : context_(&context), is_over_(std::move(is_over)) {}

  template <class Make>
  auto run_here(Make& make) const -> typename task_outcome<std::invoke_result_t<Make&>>::type {
    try {
      return run(*context_, make());
    } catch (const std::exception&) {
      return errc::failed;
    }
  }

  template <class Outcome, class Make>
  Outcome wait_for(Make make) const {
    const auto shared = std::make_shared<handover<Outcome>>();
    asio::post(*context_, [shared, context = context_, make = std::move(make)]() mutable {
      asio::co_spawn(*context, detail::drive(make(), shared->outcome), [shared](const std::exception_ptr&) {
        {
          const std::scoped_lock lock{shared->mutex};
          shared->ended = true;
        }
        shared->changed.notify_one();
      });
    });
    constexpr std::chrono::milliseconds between_looks{50};
    std::unique_lock lock{shared->mutex};
    while (!shared->changed.wait_for(lock, between_looks, [&] { return shared->ended; })) {
      if (is_over_()) return errc::canceled;
    }
    if (!shared->outcome) return errc::failed;
    return std::move(*shared->outcome);
  }

  asio::io_context* context_;
  std::function<bool()> is_over_;
};

}  // namespace shoal
