// SPDX-License-Identifier: BSL-1.0
//
// map_store: blocks in a std::map, filled by an import or by hand; counts what is asked of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/image/import.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>

struct map_store {
  std::map<shoal::cid, std::shared_ptr<const std::vector<std::byte>>> blocks;
  std::size_t gets = 0;
  bool lends = true;

  shoal::result<> leaf(const shoal::cid& id, shoal::bytes_view block, std::uint64_t) { return node(id, block); }
  shoal::result<> node(const shoal::cid& id, shoal::bytes_view block) {
    blocks[id] = std::make_shared<const std::vector<std::byte>>(block.begin(), block.end());
    return {};
  }
  shoal::result<> finish(const shoal::cid&) { return {}; }

  shoal::lease find(const shoal::cid& id) const {
    const auto at = blocks.find(id);
    if (at == blocks.end()) return {};
    return {at->second, shoal::bytes_view{*at->second}};
  }
  shoal::lease try_get(const shoal::cid& id) noexcept { return lends ? find(id) : shoal::lease{}; }
  shoal::task<shoal::block> get(const shoal::cid& id) {
    ++gets;
    const shoal::lease found = find(id);
    if (!blocks.contains(id)) return shoal::failed<shoal::block>(shoal::errc::not_found);
    return give({id, found});
  }

 private:
  static shoal::task<shoal::block> give(shoal::block b) { co_return b; }
};
static_assert(shoal::block_sink<map_store> && shoal::block_fetcher<map_store> && shoal::can_try_get<map_store>);

/// Cuts every `size` bytes.
struct every {
  std::size_t size;
  [[nodiscard]] std::size_t max_size() const noexcept { return size; }
  [[nodiscard]] std::size_t next_cut(shoal::bytes_view window, bool at_end) const noexcept {
    return window.size() < size && !at_end ? 0 : std::min(size, window.size());
  }
};

inline std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937_64 random{size};
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// Imports `bytes` into `store` and returns the root.
inline shoal::cid import_into(map_store& store, shoal::bytes_view bytes, const shoal::unixfs_profile& profile) {
  const shoal::memory_source source{bytes};
  const shoal::openssl::digester digester;
  return shoal::import_image(source, every{profile.chunk_size}, digester, store, {.profile = profile})->root;
}
