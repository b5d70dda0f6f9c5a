// SPDX-License-Identifier: BSL-1.0
#include "devices.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <memory>
#include <utility>

#include <shoal/content/cid.hpp>
#include <shoal/image/image_device.hpp>
#include <shoal/image/index.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/store/tiered.hpp>

#include "image.hpp"
#include "local_devices.hpp"
#include "nbd_disk.hpp"
#include "stores.hpp"
#include "uri.hpp"

namespace common {

namespace {

/// Enough for every leaf, so that each is verified once, but no more than half of the memory that is free.
std::uint64_t affordable_cache(const shoal::image_index& index) {
  std::ifstream meminfo{"/proc/meminfo"};
  std::uint64_t free_kib = 512u << 10;
  for (std::string line; std::getline(meminfo, line);) {
    if (std::sscanf(line.c_str(), "MemAvailable: %" SCNu64, &free_kib) == 1) break;
  }
  // a cache of shards wastes some of what it is given
  return std::min(index.size() + index.size() / 8 + (16u << 20), free_kib * 1024 / 2);
}

}  // namespace

shoal::any_device device_opener::open(const std::string& uri) const {
  if (is_local_device(uri)) return open_local_device(uri, read_only, pool);
  if (is_nbd(uri)) return open_nbd(context, uri, read_only);
  if (uri.starts_with("image:")) {
    const std::size_t query = uri.find("?store=");
    if (query != std::string::npos) return image(uri.substr(6, query - 6), uri.substr(query + 7));
  }
  throw no_device(uri);
}

shoal::any_device device_opener::image(const std::string& cid, const std::string& store_uri) const {
  opened_store store = open_store(store_uri, &pool);
  const shoal::cid root = root_of(store, cid);
  auto index = load_image(context, store.blocks, store_uri, root);
  auto cache = std::make_shared<shoal::memory_cache>(cache_bytes.value_or(affordable_cache(*index)));
  using cached = shoal::tiered<shoal::memory_cache, shoal::any_store>;
  auto blocks = std::make_shared<cached>(std::move(cache), std::make_shared<shoal::any_store>(store.blocks));
  return shoal::any_device{shoal::image_device<cached>{std::move(index), std::move(blocks)}};
}

}  // namespace common
