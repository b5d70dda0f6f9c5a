// SPDX-License-Identifier: BSL-1.0
//
// Stores to write to, by URI.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <shoal/os/posix/car_writer.hpp>
#include <shoal/os/posix/flatfs_directory.hpp>
#include <shoal/os/posix/flatfs_sink.hpp>
#include <shoal/os/posix/reference_writer.hpp>

#include "message.hpp"
#include "stores.hpp"

namespace common {

namespace detail {

inline failure cannot_write(const store_uri& uri, const std::string& text, std::error_code why) {
  std::string next = "its directory must exist and be writable";
  if (why == shoal::errc::busy) next = "another import is writing it: wait for that, or give another name";
  if (why == shoal::errc::unsupported)
    next = "what is there is no regular file, and would be lost; give another name";
  if (why == std::errc::is_a_directory) next = "name a file in it, such as " + (uri.path / "image").string();
  if (why == std::errc::directory_not_empty)
    next = "it holds something else; name a new folder or an empty one";
  if (why == shoal::errc::limit_exceeded)
    next = "ref: refers to images of less than 4 TiB; use car: or flatfs:";
  return failure{"cannot write the store " + text, why, next};
}

}  // namespace detail

/// Makes the sink that `text` names, for an import of `source`, and calls `use` with it. Returns what that
/// returns.
/// @throws failure when the sink cannot be made
template <class Use>
auto with_sink(const std::string& text, const std::filesystem::path& source, Use&& use) {
  const store_uri uri = store_uri::parse(text);
  std::filesystem::path partial = uri.path;
  partial += ".partial";  // what is being written is called that (os/posix/atomic_file.hpp)
  for (const std::filesystem::path& written : {uri.path, partial}) {
    std::error_code ignored;
    if (std::filesystem::equivalent(written, source, ignored)) {
      throw failure{"writing the store " + text + " would overwrite " + written.string() + ", the image itself",
                    "give the store another name", exit_usage};
    }
  }
  const auto made = [&](auto sink) {
    if (!sink) throw detail::cannot_write(uri, text, sink.error());
    return std::move(*sink);
  };
  if (uri.scheme == "flatfs") {
    shoal::posix::flatfs_sink sink{made(shoal::posix::flatfs_directory::create(uri.path))};
    return use(sink);
  }
  if (uri.scheme == "ref") {
    shoal::posix::reference_writer sink = made(shoal::posix::reference_writer::create(uri.path, source));
    return use(sink);
  }
  shoal::posix::car_writer sink = made(shoal::posix::car_writer::create(uri.path));
  return use(sink);
}

}  // namespace common
