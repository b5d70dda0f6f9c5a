// SPDX-License-Identifier: BSL-1.0
//
// DAG-CBOR: CBOR in exactly one form, with CIDs as links (ipld.io/specs/codecs/dag-cbor/spec). CAR headers and
// IPLD data are written in it.
//
//     dag_cbor_reader reader{block};
//     while (!reader.done()) {
//       const result<cbor::item> item = reader.next();
//       if (!item) return item.error();
//       if (item->type == cbor::kind::tag) follow(*dag_cbor_link(*item));
//     }
//
// Strict: what is not canonical is refused, so a block that was read can be written again byte for byte.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/cbor/reader.hpp>
#include <shoal/cbor/writer.hpp>
#include <shoal/content/cid.hpp>

namespace shoal {

/// The only tag that DAG-CBOR has: a link.
inline constexpr std::uint64_t dag_cbor_link_tag = 42;

/// The CID of a link: bytes that start with a zero, the multibase prefix of binary. errc::malformed without it,
/// otherwise as cid::decode.
[[nodiscard]] inline result<cid> dag_cbor_link(const cbor::item& item) noexcept {
  if (item.bytes.empty() || item.bytes[0] != std::byte{0}) return errc::malformed;
  return cid::decode(item.bytes.subspan(1));
}

/// Reads one block that holds one item.
class dag_cbor_reader {
 public:
  /// @param block  outlives the reader
  explicit dag_cbor_reader(bytes_view block) noexcept : reader_(block, cbor::key_order::length_first) {}

  [[nodiscard]] bool done() const noexcept { return reader_.done(); }
  [[nodiscard]] std::size_t depth() const noexcept { return reader_.depth(); }
  [[nodiscard]] bool at_key() const noexcept { return reader_.at_key(); }

  /// The next piece. A link is one piece, of kind tag with the bytes of its CID: see dag_cbor_link.
  ///
  /// errc::malformed for what DAG-CBOR forbids: keys that are not text, tags other than links, floats shorter
  /// than eight bytes, NaN and infinities, undefined and other simple values, and bytes behind the item.
  /// Otherwise as cbor::reader::next.
  [[nodiscard]] result<cbor::item> next() noexcept {
    const bool key = reader_.at_key();
    status_or<cbor::item> item = reader_.next();
    if (!item) return make_error_code(item.code);
    if (key && item->type != cbor::kind::text) return errc::malformed;
    switch (item->type) {
      case cbor::kind::undefined:
      case cbor::kind::simple: return errc::malformed;
      case cbor::kind::floating:
        if (item->head.width != 8 || !std::isfinite(cbor::float_value(item->head))) return errc::malformed;
        break;
      case cbor::kind::tag: {
        if (item->argument() != dag_cbor_link_tag) return errc::malformed;
        const status_or<cbor::item> bytes = reader_.expect(cbor::kind::bytes);
        if (!bytes) return make_error_code(bytes.code);
        item->bytes = bytes->bytes;
        if (const result<cid> link = dag_cbor_link(*item); !link) return link.error();
        break;
      }
      default: break;
    }
    if (reader_.done() && !reader_.rest().empty()) return errc::malformed;
    return *item;
  }

 private:
  cbor::reader reader_;
};

/// Walks a whole block and calls `visit(const cid&)` for each link, in order. The first error of the block ends
/// it.
template <class Visit>
result<> for_each_dag_cbor_link(bytes_view block, Visit&& visit) {
  dag_cbor_reader reader{block};
  while (!reader.done()) {
    const result<cbor::item> item = reader.next();
    if (!item) return item.error();
    if (item->type == cbor::kind::tag) visit(*dag_cbor_link(*item));
  }
  return {};
}

/// An output of cbor::writer that appends to a vector.
struct vector_output {
  std::vector<std::byte>& bytes;

  void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};
static_assert(cbor::output<vector_output>);

/// Writes a link. Everything else of DAG-CBOR is written by `writer` itself, map keys by length first.
template <cbor::output Output>
void write_dag_cbor_link(cbor::writer<Output>& writer, const cid& id) {
  std::array<std::byte, 1 + cid::max_size> bytes{};
  writer.tag(dag_cbor_link_tag);
  writer.bytes(bytes_view{bytes}.first(1 + id.encode(bytes.data() + 1)));
}

}  // namespace shoal
