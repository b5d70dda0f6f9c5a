// SPDX-License-Identifier: BSL-1.0
//
// What a store tells whoever watches it: that a block was not what its CID names.
//
//     struct reporter {
//       void operator()(const block_corrupt& event) const { complain_about(event.id); }
//     };
//     posix::car_store<openssl::digester, reporter> store = ...;
//
// The error code says what happened; the event says to which block.
#pragma once

#include <concepts>

#include <shoal/content/cid.hpp>

namespace shoal {

/// A store holds bytes for `id` that do not match it. Whoever asked got errc::block_mismatch.
struct block_corrupt {
  const cid& id;
};

/// Called on the store's strand, with events that live for the call.
template <class O>
concept store_observer = requires(O& observer, const block_corrupt& event) { observer(event); };

/// Nobody watches. Costs nothing.
struct no_store_observer {
  void operator()(const block_corrupt&) const noexcept {}
};
static_assert(store_observer<no_store_observer>);

}  // namespace shoal
