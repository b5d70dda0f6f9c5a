// SPDX-License-Identifier: BSL-1.0
//
// io_pool: threads for calls that block. The caller's strand goes on meanwhile and gets the result back.
//
//     io_pool pool{4};
//     auto work = [fd] { return ::fsync(fd); };
//     int r = co_await pool.run(work);            // on a thread of the pool; resumes on the caller's executor
//
// For devices and stores on top of blocking system calls. It leaves out cancellation: a call in a
// thread cannot be taken back, so run() always waits for its end.
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

namespace shoal {

/// A fixed number of threads that run blocking calls in the order of their arrival. Thread-safe.
///
/// Destroying it waits for every call that was handed in. It must go before the io_contexts whose coroutines
/// wait for it: a call that ends is reported to one of them.
class io_pool {
 public:
  /// @throws std::invalid_argument if threads is 0
  explicit io_pool(std::size_t threads = 4) : threads_(checked(threads)) {}
  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;
  ~io_pool() { threads_.join(); }

  /// Calls `work()` on a thread of the pool and gives what it returns. `work` must not throw.
  template <std::invocable F>
  asio::awaitable<std::invoke_result_t<F&>> run(F work) {
    using value = std::invoke_result_t<F&>;
    starter start{threads_};
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(value)>(
        start, asio::use_awaitable, work);
  }

 private:
  static std::size_t checked(std::size_t threads) {
    if (threads == 0) throw std::invalid_argument("io_pool: needs at least one thread");
    return threads;
  }

  struct starter {
    asio::thread_pool& threads;

    template <class Handler, class F>
    void operator()(Handler handler, F work) const {
      // Tracked work keeps the caller's io_context running until the result is there.
      auto home =
          asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
      asio::post(threads, [handler = std::move(handler), work = std::move(work), home]() mutable {
        auto value = work();
        asio::post(home, [handler = std::move(handler), value = std::move(value)]() mutable {
          std::move(handler)(std::move(value));
        });
      });
    }
  };

  asio::thread_pool threads_;
};

/// Calls `work()` on a thread of `pool`, or at once on the caller's when there is no pool.
template <std::invocable F>
asio::awaitable<std::invoke_result_t<F&>> run_on(io_pool* pool, F work) {
  if (pool == nullptr) co_return work();
  auto value = co_await pool->run(work);
  co_return value;
}

}  // namespace shoal
