// SPDX-License-Identifier: BSL-1.0
//
// The contracts of block stores. A fetcher gets blocks from wherever they are: a local store, a peer, a
// gateway, or the first of these that answers. A store also keeps them.
//
//     task<> show(block_fetcher auto& from, const cid& id) {
//       result<block> found = co_await from.get(id);
//       if (!found) co_return found.error();               // errc::not_found, errc::block_mismatch, ...
//       ...
//     }
//
// One strand, like a device. Nothing here says where blocks lie or whether get() waits.
#pragma once

#include <concepts>
#include <utility>

#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// `get(id)`: the block, verified against its CID. errc::not_found when nobody has it, errc::block_mismatch
/// when what was found is not what the CID names: such bytes never reach the caller. `id` must outlive the
/// task.
template <class F>
concept block_fetcher = requires(F& fetcher, const cid& id) {
  { fetcher.get(id) } -> std::same_as<task<block>>;
};

/// `has(id)`: without reading the content. `put(b)`: keeps the block; putting it again changes nothing. A store
/// that cannot be written to gives errc::read_only.
template <class S>
concept block_store = block_fetcher<S> && requires(S& store, const cid& id, block b) {
  { store.has(id) } -> std::same_as<task<bool>>;
  { store.put(std::move(b)) } -> std::same_as<task<>>;
};

/// `try_get(id)`: the block's verified bytes if they are in memory now; otherwise an empty lease. Never blocks.
template <class F>
concept can_try_get = requires(F& fetcher, const cid& id) {
  { fetcher.try_get(id) } noexcept -> std::same_as<lease>;
};

}  // namespace shoal
