// SPDX-License-Identifier: BSL-1.0
//
// Block devices by URI: file:PATH, memory:SIZE, nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH,
// image:CID?store=URI. The one place where programs turn such a name into a device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/task/io_pool.hpp>

namespace common {

/// What opening devices needs, made once by the program.
struct device_opener {
  asio::io_context& context;
  shoal::io_pool& pool;
  bool read_only = false;
  std::optional<std::uint64_t>
      cache_bytes;  ///< of verified blocks, for each image; default: room for all of it

  /// @throws failure
  shoal::any_device open(const std::string& uri) const;

 private:
  shoal::any_device image(const std::string& cid, const std::string& store_uri) const;
};

}  // namespace common
