// SPDX-License-Identifier: BSL-1.0
//
// The disk of an NBD server by its URI, and what to say when it is not to be had.
//
//     shoal::any_device disk = common::open_nbd(context, "nbd://localhost/disk", read_only);
#pragma once

#include <string>

#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>

namespace common {

/// Connects on this thread; then whoever runs `context` uses the device. @throws failure
shoal::any_device open_nbd(asio::io_context& context, const std::string& uri, bool read_only);

}  // namespace common
