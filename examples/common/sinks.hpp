// SPDX-License-Identifier: BSL-1.0
//
// Stores to write to, by URI.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <shoal/os/posix/car_writer.hpp>

#include "message.hpp"
#include "stores.hpp"

namespace common {

/// Makes the sink that `text` names, for an import of `source`, and calls `use` with it. Returns what that
/// returns.
/// @throws failure when the sink cannot be made
template <class Use>
auto with_sink(const std::string& text, const std::filesystem::path& source, Use&& use) {
  const store_uri uri = store_uri::parse(text);
  std::error_code ignored;
  if (std::filesystem::equivalent(uri.path, source, ignored)) {
    throw failure{"the store " + text + " is the image itself", "give the store a name of its own", exit_usage};
  }
  const auto made = [&](auto sink) {
    if (!sink) {
      throw failure{"cannot write the store " + text, sink.error(), "its directory must exist and be writable"};
    }
    return use(*sink);
  };
  return made(shoal::posix::car_writer::create(uri.path));
}

}  // namespace common
