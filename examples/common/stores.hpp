// SPDX-License-Identifier: BSL-1.0
//
// Stores by URI: car:FILE, flatfs:DIR, ref:FILE. The one place where programs turn such a name into a store to
// read from, or into a sink to write to.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/os/posix/car_store.hpp>
#include <shoal/os/posix/car_writer.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/store/observer.hpp>
#include <shoal/task/io_pool.hpp>

#include "message.hpp"

namespace common {

inline constexpr std::string_view store_help =
    "a store is named by a URI: car:FILE (one CAR file), flatfs:DIR (a directory as Kubo's blocks/), "
    "ref:FILE (an index beside the image it was made from)";

struct store_uri {
  std::string scheme;
  std::filesystem::path path;

  /// @throws failure with the kinds there are
  static store_uri parse(const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string scheme = text.substr(0, colon);
    if (colon == std::string::npos || (scheme != "car" && scheme != "flatfs" && scheme != "ref")) {
      throw failure{"'" + text + "' is not a store", std::string{store_help}, exit_usage};
    }
    if (colon + 1 == text.size()) {
      throw failure{"the store '" + text + "' has no path", "write " + scheme + ":PATH", exit_usage};
    }
    return {scheme, text.substr(colon + 1)};
  }
};

/// Says which block of a store is damaged: an error code alone cannot.
struct corrupt_reporter {
  std::string store;
  void operator()(const shoal::block_corrupt& event) const {
    std::fprintf(stderr, "block %s in %s is corrupt: its bytes do not match its CID\n",
                 to_text(event.id).c_str(), store.c_str());
  }
};

struct opened_store {
  std::string uri;
  shoal::any_store blocks;
  std::vector<shoal::cid> roots;  ///< what the store says it holds; empty when it does not say
};

namespace detail {

inline failure cannot_open(const std::string& uri, std::error_code why) {
  if (why == std::errc::no_such_file_or_directory) {
    return failure{"cannot open the store " + uri, why, "make it with: shoal-image import FILE --store " + uri};
  }
  if (why == std::errc::is_a_directory) {
    return failure{"cannot open the store " + uri, why, "a directory of blocks is named flatfs:DIR"};
  }
  return failure{"cannot open the store " + uri, why, std::string{store_help}};
}

}  // namespace detail

/// @throws failure
inline opened_store open_store(const std::string& text, shoal::io_pool* pool = nullptr) {
  const store_uri uri = store_uri::parse(text);
  const corrupt_reporter report{text};
  using digester = shoal::openssl::digester;
  if (uri.scheme == "car") {
    using store = shoal::posix::car_store<digester, corrupt_reporter>;
    shoal::result<store> opened = store::open(uri.path, pool, {}, report);
    if (!opened) throw detail::cannot_open(text, opened.error());
    std::vector<shoal::cid> roots = opened->roots();
    return {text, shoal::any_store{std::make_shared<store>(std::move(*opened))}, std::move(roots)};
  }
  throw failure{"unreachable"};
}

/// A CID as a person writes it: alone, or as /ipfs/CID or ipfs://CID. @throws failure
inline shoal::cid parse_cid(std::string_view text) {
  std::string_view bare = text;
  for (const std::string_view prefix : {"/ipfs/", "ipfs://"}) {
    if (bare.starts_with(prefix)) bare.remove_prefix(prefix.size());
  }
  const shoal::result<shoal::cid> id = shoal::cid::parse(bare);
  if (!id) {
    throw failure{"'" + std::string{text} + "' is not a CID", "a CID looks like bafybei... or Qm...",
                  exit_usage};
  }
  return *id;
}

/// The CID that was given, or the only root of the store. @throws failure
inline shoal::cid root_of(const opened_store& store, const std::string& text) {
  if (!text.empty()) return parse_cid(text);
  if (store.roots.size() == 1) return store.roots.front();
  throw failure{"which image? " + store.uri + (store.roots.empty() ? " does not say" : " has several roots"),
                "give its CID", exit_usage};
}

}  // namespace common
