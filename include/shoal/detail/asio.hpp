// SPDX-License-Identifier: BSL-1.0
//
// The one file that knows Asio's versions. as_tuple lives in asio::experimental up to 1.22 (Debian 12) and in
// asio from 1.24 on; newer releases have removed the experimental header.
#pragma once

#include <asio/version.hpp>

#if ASIO_VERSION >= 102400
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include <asio/use_awaitable.hpp>

namespace shoal::detail {

#if ASIO_VERSION >= 102400
using asio::as_tuple;
#else
using asio::experimental::as_tuple;
#endif

/// Awaits without exceptions: `auto [error, n] = co_await socket.async_read_some(buffer, no_throw);`
inline constexpr auto no_throw = as_tuple(asio::use_awaitable);

}  // namespace shoal::detail
