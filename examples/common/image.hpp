// SPDX-License-Identifier: BSL-1.0
//
// Opening an image by the CID and stores that a command line names.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <shoal/content/cid.hpp>
#include <shoal/image/index.hpp>
#include <shoal/image/load_index.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/task/run.hpp>

#include "message.hpp"
#include "stores.hpp"

namespace common {

/// What to say when an image cannot be had from a store. `what`: "cannot open image bafy...".
inline failure cannot_read_image(const std::string& what, const std::string& store, std::error_code why) {
  std::string next = "is the disk that " + store + " is on in order?";
  if (why == shoal::errc::not_found)
    next = "a block is not there; import the image there, or name the store it is in";
  if (why == shoal::errc::block_mismatch || why == shoal::errc::truncated)
    next = "import the image again: " + store + " is damaged";
  if (why == shoal::errc::source_changed)
    next = "something was written there meanwhile; import the image again";
  if (why == shoal::errc::malformed)
    next =
        "its blocks are whole, but contradict each other: whatever made it is at fault; import the image again";
  if (why == shoal::errc::limit_exceeded)
    next = "it is deeper or has more leaves than shoal opens; import it again";
  if (why == shoal::errc::unsupported) next = "the CID names something that is not a file, such as a directory";
  return failure{what + " from " + store, why, next};
}

/// Reads the inner nodes of the image under `root`. @throws failure
inline std::shared_ptr<const shoal::image_index> load_image(asio::io_context& context, shoal::any_store& blocks,
                                                            const std::string& stores, const shoal::cid& root) {
  shoal::openssl::digester digester;
  shoal::result<shoal::image_index> index =
      shoal::run(context, shoal::load_image_index(blocks, digester, root, shoal::image_limits{}));
  if (!index) throw cannot_read_image("cannot open image " + to_text(root), stores, index.error());
  return std::make_shared<const shoal::image_index>(std::move(*index));
}

}  // namespace common
