// SPDX-License-Identifier: BSL-1.0
//
// CBOR sequences (RFC 8742): items one behind the other, as in a log or on a stream.
//
//     while (!received.empty()) {
//       const status_or<bytes_view> item = cbor::take_item(received);
//       if (item.code == status::truncated) break;             // wait for more
//       if (!item) return item.code;
//       handle(cbor::reader{*item});
//     }
//
// Freestanding. Who waits for more bounds the size of an item himself.
#pragma once

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/reader.hpp>

namespace shoal::cbor {

/// Takes one whole item, checked as cbor::reader checks it, off the front of `input`, which is unchanged on
/// error. Errors as reader::next.
[[nodiscard]] constexpr status_or<bytes_view> take_item(bytes_view& input,
                                                        key_order order = key_order::bytewise) noexcept {
  reader reader{input, order};
  if (const status read = reader.skip(); read != status::ok) return read;
  const bytes_view item = input.first(input.size() - reader.rest().size());
  input = reader.rest();
  return item;
}

}  // namespace shoal::cbor
