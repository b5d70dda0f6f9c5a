// SPDX-License-Identifier: BSL-1.0
//
// task<T>: an asynchronous result, the return type of everything that may have to wait.
//
//     task<> copy_sector(auto& from, auto& to) {
//       std::array<std::byte, 512> sector;
//       result<> read = co_await from.read(0, sector);   // every argument is a named object
//       if (!read) co_return read.error();
//       co_return co_await to.write(0, sector, io_flags::none);
//     }
//
// A task does nothing until it is awaited, and runs on the awaiter's executor. Never build a temporary inside
// a co_await expression: g++ 12 destroys it twice (docs/adr/0003).
#pragma once

#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>

#include <shoal/base/result.hpp>

namespace shoal {

template <class T = void>
using task = asio::awaitable<result<T>>;

/// A task that succeeds at once.
inline task<> done() {
  co_return result<>{};
}

/// A task that has its value already.
template <class T>
task<T> done(T value) {
  co_return std::move(value);
}

/// A task that fails at once, for functions that forward to another task and are no coroutines themselves.
template <class T = void>
task<T> failed(std::error_code error) {
  co_return error;
}

/// A task whose outcome nobody waits for, to be spawned: asio::co_spawn(executor, ignore_result(...),
/// detached).
template <class T>
asio::awaitable<void> ignore_result(task<T> work) {
  (void)co_await std::move(work);
}

}  // namespace shoal
