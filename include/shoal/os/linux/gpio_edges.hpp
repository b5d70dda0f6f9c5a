// SPDX-License-Identifier: BSL-1.0
//
// gpio_edges: the edge events of a chip of the operating system, awaited.
//
//     linux_os::gpio_edges edges{executor, chip};
//     for (;;) {
//       result<hal::gpio_event> event = co_await edges.next();
//       if (!event) co_return event.error();
//       std::printf("%u %s\n", event->line, event->edge == hal::gpio_edge::rising ? "rises" : "falls");
//     }
//
// For cdev_gpio and sysfs_gpio; a header of its own, so that those who ask by themselves need no Asio.
#pragma once

#include <cerrno>
#include <concepts>
#include <system_error>

#include <fcntl.h>

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/task/task.hpp>

namespace shoal::linux_os {

/// A chip whose native_handle() polls as readable while the kernel has events for it.
template <class C>
concept pollable_gpio_events = hal::can_gpio_events<C> && requires(const C& constant) {
  { constant.native_handle() } noexcept -> std::same_as<int>;
};

/// Of the chip's strand; the chip outlives it. One next() at a time.
template <pollable_gpio_events Chip>
class gpio_edges {
 public:
  gpio_edges(const asio::any_io_executor& executor, Chip& chip) : chip_(chip), ready_(executor) {
    // a descriptor of its own, which Asio may close
    posix::unique_fd own{::fcntl(chip.native_handle(), F_DUPFD_CLOEXEC, 0)};
    if (own) ready_.assign(own.release());
  }

  /// The oldest event, as soon as there is one. errc::canceled after cancel(), or when the coroutine is
  /// canceled; nothing is lost then.
  task<hal::gpio_event> next() {
    hal::gpio_event event;
    while (!chip_.next_event(event)) {
      constexpr auto readable = asio::posix::stream_descriptor::wait_read;
      const auto [error] = co_await ready_.async_wait(readable, detail::no_throw);
      if (error == asio::error::operation_aborted) co_return errc::canceled;
      if (error) co_return error;
    }
    co_return event;
  }

  /// Ends the next() that waits.
  void cancel() {
    std::error_code ignored;
    ready_.cancel(ignored);
  }

 private:
  Chip& chip_;
  asio::posix::stream_descriptor ready_;
};

}  // namespace shoal::linux_os
