// SPDX-License-Identifier: BSL-1.0
//
// Stores by URI: car:FILE, flatfs:DIR, ref:FILE. The one place where programs turn such a name into a store to
// read from, or into a sink to write to.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/os/posix/car_store.hpp>
#include <shoal/os/posix/flatfs_store.hpp>
#include <shoal/os/posix/reference_file.hpp>
#include <shoal/os/posix/reference_store.hpp>
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

/// Says which block of a store is damaged, once for each: an error code alone cannot.
struct corrupt_reporter {
  static constexpr std::size_t most = 1000;  ///< blocks named; who reads a damaged disk knows by then

  std::string store;
  std::set<shoal::cid> told = {};

  void operator()(const shoal::block_corrupt& event) {
    if (told.size() == most || !told.insert(event.id).second) return;
    std::fprintf(stderr, "block %s in %s is corrupt: its bytes do not match its CID\n",
                 to_text(event.id).c_str(), store.c_str());
  }
};

struct opened_store {
  std::string uri;
  shoal::any_store blocks;
  std::vector<shoal::cid> roots;             ///< what the store says it holds; empty when it does not say
  std::vector<std::filesystem::path> files;  ///< that it is read from and that must not change
};

namespace detail {

inline failure cannot_open(const store_uri& uri, const std::string& text, std::error_code why) {
  std::string next;
  if (why == std::errc::no_such_file_or_directory) {
    next = "make it with: shoal-image import FILE --store " + text;
    if (std::filesystem::exists(uri.path)) {
      next = uri.scheme == "flatfs"
                 ? "a flatfs directory has a file SHARDING; Kubo's is the folder blocks/ of its repository"
                 : "the image it refers to is not where it was; put it back, or import it again";
    }
  } else if (why == std::errc::is_a_directory) {
    next = "a directory of blocks is named flatfs:DIR";
  } else if (why == std::errc::not_a_directory) {
    next = "a single file is named car:FILE or ref:FILE";
  } else if (why == shoal::errc::malformed || why == shoal::errc::truncated) {
    next = "it is not a whole " + uri.scheme + " store; import the image again, or fetch the file again";
  } else if (why == shoal::errc::source_changed) {
    next = "the image it refers to has been changed or moved; import that again";
  } else if (why == std::errc::permission_denied) {
    next = "change its permissions, or run this as its owner";
  } else {
    next = "it is nothing that shoal-image import --store " + uri.scheme + ":... has made";
  }
  return failure{"cannot open the store " + text, why, next};
}

}  // namespace detail

/// @throws failure
inline opened_store open_store(const std::string& text, shoal::io_pool* pool = nullptr) {
  using digester = shoal::openssl::digester;
  using car = shoal::posix::car_store<digester, corrupt_reporter>;
  using flatfs = shoal::posix::flatfs_store<digester, corrupt_reporter>;
  using reference = shoal::posix::reference_store<digester, corrupt_reporter>;

  const store_uri uri = store_uri::parse(text);
  const auto opened = [&](auto store) {
    if (!store) throw detail::cannot_open(uri, text, store.error());
    std::vector<shoal::cid> roots;
    if constexpr (requires { store->roots(); }) roots = store->roots();
    using type = typename decltype(store)::value_type;
    return opened_store{
        text, shoal::any_store{std::make_shared<type>(std::move(*store))}, std::move(roots), {uri.path}};
  };
  const corrupt_reporter report{text};
  if (uri.scheme == "flatfs") return opened(flatfs::open(uri.path, pool, {}, report));
  if (uri.scheme == "ref") {
    const auto file = shoal::posix::reference_file::open(uri.path);
    if (!file) throw detail::cannot_open(uri, text, file.error());
    opened_store store = opened(shoal::result<reference>{reference{*file, pool, {}, report}});
    store.files.push_back(uri.path.parent_path() / (*file)->reference().source_path);
    return store;
  }
  return opened(car::open(uri.path, pool, {}, report));
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
