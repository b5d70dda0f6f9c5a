// SPDX-License-Identifier: BSL-1.0
//
// context_thread: a context with a thread of its own, for devices that can let a guest wait for ever: the
// guest's thread stays free to be told that it is over.
//
//     common::context_thread remote;
//     shoal::any_device disk = open_nbd(remote.context(), uri, false);
//     remote.start();                                                  // from now on the context is the
//     thread's const shoal::blocking_caller call = remote.caller(is_over);
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <shoal/task/blocking_caller.hpp>

namespace common {

/// Outlives the devices that were made on its context.
class context_thread {
 public:
  context_thread() = default;
  context_thread(const context_thread&) = delete;
  context_thread& operator=(const context_thread&) = delete;
  ~context_thread() { stop(); }

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] shoal::blocking_caller caller(std::function<bool()> is_over) {
    return shoal::blocking_caller::there(context_, std::move(is_over));
  }

  void start() {
    thread_ = std::thread{[this] { context_.run(); }};
  }
  /// Ends the thread. What it was doing is not done any more.
  void stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace common
