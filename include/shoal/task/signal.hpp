// SPDX-License-Identifier: BSL-1.0
//
// signal: coroutines wait until somebody says that something has changed, and then look again.
//
//     while (!ready()) co_await changed.wait();   // in one coroutine
//     changed.notify();                           // in another, on the same strand
//
// A condition variable for one strand. It carries no value and remembers nothing: a notify() that nobody waits
// for is lost.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/detail/asio.hpp>

namespace shoal {

/// Belongs to one strand. Those who wait may outlive it, as when a context is torn down with them in it: nobody
/// wakes them then.
class signal {
 public:
  signal() = default;
  signal(const signal&) = delete;
  signal& operator=(const signal&) = delete;

  /// Ends with the next notify(), or at once when the coroutine is canceled.
  asio::awaitable<void> wait() { return wait_until(asio::steady_timer::time_point::max()); }

  /// The same, or when this time has come.
  asio::awaitable<void> wait_until(asio::steady_timer::time_point end) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer sleeper{executor, end};
    const entry listed{*this, sleeper};
    [[maybe_unused]] const auto woken = co_await sleeper.async_wait(detail::no_throw);
  }

  /// Wakes everybody who waits now. They go on after the caller has given way.
  void notify() {
    for (asio::steady_timer* sleeper : *sleepers_) sleeper->cancel();
  }

 private:
  using list = std::vector<asio::steady_timer*>;

  // In the list for as long as the coroutine's frame lives, however it ends.
  class entry {
   public:
    entry(const signal& of, asio::steady_timer& sleeper) : list_(of.sleepers_), sleeper_(&sleeper) {
      list_->push_back(sleeper_);
    }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry() { std::erase(*list_, sleeper_); }

   private:
    std::shared_ptr<list> list_;
    asio::steady_timer* sleeper_;
  };

  std::shared_ptr<list> sleepers_ = std::make_shared<list>();
};

}  // namespace shoal
