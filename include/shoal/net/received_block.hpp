// SPDX-License-Identifier: BSL-1.0
//
// received_block: a block as a peer has sent it, before anybody knows whether it is one that was asked for. A
// part of net/block_exchange.hpp.
//
//     const received_block came{payload};
//     const result<cid> name = came.name(digester);   // on any thread
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/task/lease.hpp>

namespace shoal::net {

class received_block {
 public:
  /// Copies the bytes: the message goes, and the block stays.
  explicit received_block(const exchange::block_payload& payload)
      : prefix_(payload.prefix),
        size_(payload.data.size()),
        bytes_(std::make_shared_for_overwrite<std::byte[]>(size_)) {
    std::ranges::copy(payload.data, bytes_.get());
  }

  /// What its bytes hash to, by the function that it came with.
  template <digester Digester>
  [[nodiscard]] result<cid> name(const Digester& digester) const {
    std::array<std::byte, multihash::max_digest_size> digest;
    const bytes_span mine = bytes_span{digest}.first(prefix_.digest_size);
    if (const status s = digester.digest(prefix_.hash, view(), mine); s != status::ok) {
      return make_error_code(s);
    }
    return prefix_.name(mine);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] lease data() const { return {bytes_, view()}; }

 private:
  [[nodiscard]] bytes_view view() const noexcept { return {bytes_.get(), size_}; }

  exchange::block_prefix prefix_;
  std::size_t size_;
  std::shared_ptr<std::byte[]> bytes_;
};

}  // namespace shoal::net
