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
#include <string_view>
#include <utility>

#include <unistd.h>

#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/image/image_device.hpp>
#include <shoal/os/posix/file_device.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/store/tiered.hpp>
#include <shoal/task/io_pool.hpp>

#include "image.hpp"
#include "message.hpp"
#include "nbd_disk.hpp"
#include "size.hpp"
#include "stores.hpp"

namespace common {

inline constexpr std::string_view device_help =
    "a device is named by a URI: file:PATH, memory:SIZE, nbd://HOST:PORT/EXPORT, "
    "nbd+unix:///EXPORT?socket=PATH, or image:CID?store=STORE";

/// What opening devices needs, made once by the program.
struct device_opener {
  asio::io_context& context;
  shoal::io_pool& pool;
  bool read_only = false;
  std::optional<std::uint64_t>
      cache_bytes;  ///< of verified blocks, for each image; default: room for all of it

  /// @throws failure
  shoal::any_device open(const std::string& uri) const {
    const std::size_t colon = uri.find(':');
    const std::string scheme = uri.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : uri.substr(colon + 1);
    if (scheme == "file" && !rest.empty()) return file(rest);
    if (scheme == "memory" && !rest.empty()) return memory(rest);
    if (is_nbd(uri)) return open_nbd(context, uri, read_only);
    if (scheme == "image") {
      const std::size_t query = rest.find("?store=");
      if (query != std::string::npos) return image(rest.substr(0, query), rest.substr(query + 7));
    }
    throw failure{"'" + uri + "' is not a device", std::string{device_help}, exit_usage};
  }

  shoal::any_device file(const std::string& path) const {
    using shoal::posix::file_device;
    shoal::result<file_device> opened = file_device::open(path, {.read_only = read_only}, pool);
    if (opened.error() == shoal::errc::busy) {
      // a shared disk is a use too: the block layer does not mind, a file system on it might
      std::fprintf(stderr, "warning: %s is open in another server; what both write is not kept apart\n",
                   path.c_str());
      opened = file_device::open(path, {.read_only = read_only, .lock = false}, pool);
    }
    if (opened) return shoal::any_device{std::move(*opened)};
    const std::error_code why = opened.error();
    std::string next = "give the path of a disk image or a block device";
    if (why == std::errc::no_such_file_or_directory)
      next = "give the path of a disk image; truncate -s 1G " + path + " makes an empty one";
    if (why == std::errc::is_a_directory)
      next = "a device is a file or a block device; mkfs.ext4 -d makes an image of a directory";
    if (why == std::errc::permission_denied || why == std::errc::read_only_file_system) {
      const bool readable = ::access(path.c_str(), R_OK) == 0;
      next = readable ? "change its permissions, or serve it with --readonly" : "change its permissions";
    }
    throw failure{"cannot open " + path, why, next};
  }

  shoal::any_device memory(const std::string& text) const {
    const std::optional<std::uint64_t> size = parse_size(text);
    if (!size || *size == 0) {
      throw failure{"'" + text + "' is not a size", "sizes look like 4096, 64M or 1.5G", exit_usage};
    }
    return shoal::any_device{shoal::memory_device{*size}};
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
