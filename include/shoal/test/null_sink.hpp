// SPDX-License-Identifier: BSL-1.0
//
// null_sink: a block_sink that counts and forgets, for tests and for measuring an import without its output.
//
//     test::null_sink sink;
//     import_image(source, chunker, digester, sink, options);
//     sink.leaves;
#pragma once

#include <cstdint>
#include <optional>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/store/block_sink.hpp>

namespace shoal::test {

struct null_sink {
  std::uint64_t leaves = 0;
  std::uint64_t nodes = 0;
  std::uint64_t bytes = 0;  ///< of leaves and nodes, repeated ones included
  std::optional<cid> root;  ///< set by finish

  result<> leaf(const cid&, bytes_view block, std::uint64_t) noexcept {
    ++leaves;
    bytes += block.size();
    return {};
  }
  result<> node(const cid&, bytes_view block) noexcept {
    ++nodes;
    bytes += block.size();
    return {};
  }
  result<> finish(const cid& id) noexcept {
    root = id;
    return {};
  }
};
static_assert(block_sink<null_sink>);

}  // namespace shoal::test
