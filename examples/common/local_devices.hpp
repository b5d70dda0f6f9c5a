// SPDX-License-Identifier: BSL-1.0
//
// Block devices of this machine: files, and memory.
//
//     if (common::is_local_device(uri)) disk = common::open_local_device(uri, read_only, pool);
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/os/posix/file_device.hpp>
#include <shoal/task/io_pool.hpp>

#include "message.hpp"
#include "size.hpp"

namespace common {

inline constexpr std::string_view device_help =
    "a device is named by a URI: file:PATH, memory:SIZE, nbd://HOST:PORT/EXPORT, "
    "nbd+unix:///EXPORT?socket=PATH, or image:CID?store=STORE";

namespace detail {

/// A file or a block device.
inline shoal::any_device open_file(const std::string& path, bool read_only, shoal::io_pool& pool) {
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

/// @param text  its size
inline shoal::any_device open_memory(const std::string& text) {
  const std::optional<std::uint64_t> size = parse_size(text);
  if (!size || *size == 0) {
    throw failure{"'" + text + "' is not a size", "sizes look like 4096, 64M or 1.5G", exit_usage};
  }
  return shoal::any_device{shoal::memory_device{*size}};
}

}  // namespace detail

/// What is wrong with a URI that names none.
[[nodiscard]] inline failure no_device(const std::string& uri) {
  return failure{"'" + uri + "' is not a device", std::string{device_help}, exit_usage};
}

/// True for file:PATH and memory:SIZE.
inline bool is_local_device(std::string_view uri) {
  return uri.starts_with("file:") || uri.starts_with("memory:");
}
/// @param uri  of which that is true. @throws failure
inline shoal::any_device open_local_device(const std::string& uri, bool read_only, shoal::io_pool& pool) {
  const std::string what = uri.substr(uri.find(':') + 1);
  if (what.empty()) throw no_device(uri);
  return uri.starts_with("file:") ? detail::open_file(what, read_only, pool) : detail::open_memory(what);
}

}  // namespace common
