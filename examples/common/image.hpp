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

/// What to say when a block of an image could not be had. `what`: "cannot open image bafy...".
inline failure cannot_read_image(const std::string& what, const std::string& stores, std::error_code why) {
  if (why == shoal::errc::not_found) {
    return failure{what, why,
                   "a block is not in " + stores + "; import the image there, or name the store it is in"};
  }
  if (why == shoal::errc::block_mismatch) {
    return failure{what, why, "import the image again: " + stores + " is damaged"};
  }
  if (why == shoal::errc::unsupported) {
    return failure{what, why, "the CID names something that is not a file, such as a directory"};
  }
  return failure{what, why};
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
