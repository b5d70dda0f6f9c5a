// SPDX-License-Identifier: BSL-1.0
//
// Block devices by URI: file:PATH, memory:SIZE, nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH,
// image:CID?store=URI. The one place where programs turn such a name into a device.
#pragma once

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/image/image_device.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/store/tiered.hpp>
#include <shoal/task/io_pool.hpp>

#include "image.hpp"
#include "local_devices.hpp"
#include "message.hpp"
#include "nbd_disk.hpp"
#include "stores.hpp"

namespace common {

/// What opening devices needs, made once by the program.
struct device_opener {
  asio::io_context& context;
  shoal::io_pool& pool;
  bool read_only = false;
  std::optional<std::uint64_t>
      cache_bytes;  ///< of verified blocks, for each image; default: room for all of it

  /// @throws failure
  shoal::any_device open(const std::string& uri) const {
    if (is_local_device(uri)) return open_local_device(uri, read_only, pool);
    if (is_nbd(uri)) return open_nbd(context, uri, read_only);
    if (uri.starts_with("image:")) {
      const std::size_t query = uri.find("?store=");
      if (query != std::string::npos) return image(uri.substr(6, query - 6), uri.substr(query + 7));
    }
    throw no_device(uri);
  }

  shoal::any_device image(const std::string& cid, const std::string& store_uri) const {
    opened_store store = open_store(store_uri, &pool);
    const shoal::cid root = root_of(store, cid);
    auto index = load_image(context, store.blocks, store_uri, root);
    auto cache = std::make_shared<shoal::memory_cache>(cache_bytes.value_or(affordable_cache(*index)));
    using cached = shoal::tiered<shoal::memory_cache, shoal::any_store>;
    auto blocks = std::make_shared<cached>(std::move(cache), std::make_shared<shoal::any_store>(store.blocks));
    return shoal::any_device{shoal::image_device<cached>{std::move(index), std::move(blocks)}};
  }

 private:
  /// Enough for every leaf, so that each is verified once, but no more than half of the memory that is free.
  static std::uint64_t affordable_cache(const shoal::image_index& index) {
    std::ifstream meminfo{"/proc/meminfo"};
    std::uint64_t free_kib = 512u << 10;
    for (std::string line; std::getline(meminfo, line);) {
      if (std::sscanf(line.c_str(), "MemAvailable: %" SCNu64, &free_kib) == 1) break;
    }
    // a cache of shards wastes some of what it is given
    return std::min(index.size() + index.size() / 8 + (16u << 20), free_kib * 1024 / 2);
  }
};

}  // namespace common
