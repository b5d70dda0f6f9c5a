// SPDX-License-Identifier: BSL-1.0
//
// Where a path leads inside one DAG-CBOR block: through maps by key and arrays by position, to a link or a
// value (ipld.io/specs/codecs/dag-cbor).
//
//     const result<dag_cbor_place> place = find_in_dag_cbor(block, path);
//     if (place && place->link) follow(*place->link, path.subspan(place->used));
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/dag_cbor.hpp>
#include <shoal/http/syntax.hpp>

namespace shoal::gateway {

struct dag_cbor_place {
  std::size_t used = 0;     ///< segments of the path that lie inside the block
  std::optional<cid> link;  ///< none: the path ends inside the block
};

namespace detail {

/// Reads over a whole value.
inline result<> skip_dag_cbor(dag_cbor_reader& reader) noexcept {
  const std::size_t before = reader.depth();
  do {
    if (const result<cbor::item> piece = reader.next(); !piece) return piece.error();
  } while (reader.depth() > before && !reader.done());
  return {};
}

/// Goes on to the child of that name. errc::not_found when there is none.
inline result<> enter_dag_cbor(dag_cbor_reader& reader, const cbor::item& parent,
                               const std::string& name) noexcept {
  std::uint64_t index = 0;
  if (parent.type == cbor::kind::array) {
    const result<std::uint64_t> position = http::parse_decimal(name);
    if (!position || *position >= parent.argument()) return errc::not_found;
    index = *position;
  } else if (parent.type != cbor::kind::map) {
    return errc::not_found;
  }
  for (std::uint64_t i = 0; i < parent.argument(); ++i) {
    if (parent.type == cbor::kind::map) {
      const result<cbor::item> key = reader.next();
      if (!key) return key.error();
      if (as_text(key->bytes) == name) return {};
    } else if (i == index) {
      return {};
    }
    if (const result<> r = skip_dag_cbor(reader); !r) return r.error();
  }
  return errc::not_found;
}

}  // namespace detail

/// Follows the path to its end, or to the first link on it. errc::not_found when it leads nowhere, otherwise as
/// dag_cbor_reader::next.
[[nodiscard]] inline result<dag_cbor_place> find_in_dag_cbor(bytes_view block,
                                                             std::span<const std::string> path) noexcept {
  dag_cbor_reader reader{block};
  for (std::size_t used = 0;; ++used) {
    const result<cbor::item> here = reader.next();
    if (!here) return here.error();
    if (here->type == cbor::kind::tag) {
      const result<cid> link = dag_cbor_link(*here);
      if (!link) return link.error();
      return dag_cbor_place{used, *link};
    }
    if (used == path.size()) return dag_cbor_place{used, std::nullopt};
    if (const result<> r = detail::enter_dag_cbor(reader, *here, path[used]); !r) return r.error();
  }
}

}  // namespace shoal::gateway
