// SPDX-License-Identifier: BSL-1.0
//
// private_network: the wrapping that keeps strangers out of a private network (libp2p specs, pnet/
// Private-Networks-PSK-V1.md): every byte of a connection, from the first, goes through XSalsa20 under the
// swarm key.
//
//     private_network wrap{key, nonce};
//     send(wrap.nonce());                        // as it is, before all else
//     wrap.seal(out);  send(out);
//     bytes_span in = wrap.open(received);       // takes the other side's nonce off by itself
//
// Whoever has another key sees and is seen as noise: the first message of multistream-select is malformed. It
// proves nothing else; the channel inside it does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/crypto/xsalsa20.hpp>
#include <shoal/libp2p/swarm_key.hpp>

namespace shoal::libp2p {

class private_network {
 public:
  static constexpr std::size_t nonce_size = xsalsa20::nonce_size;

  /// @param nonce  random; for this connection alone
  private_network(const swarm_key& key, std::span<const std::byte, nonce_size> nonce) noexcept
      : key_(key), out_(key.bytes.view(), nonce) {
    std::ranges::copy(nonce, nonce_.begin());
  }

  /// What the other side needs first, as it is.
  [[nodiscard]] bytes_view nonce() const noexcept { return nonce_; }

  /// Encrypts what is sent next, in place.
  void seal(bytes_span bytes) noexcept { out_.apply(bytes); }

  /// Decrypts what was received next, in place, and returns the part that is not the other side's nonce.
  [[nodiscard]] bytes_span open(bytes_span bytes) noexcept {
    if (!in_) {
      const std::size_t n = std::min(bytes.size(), nonce_size - have_);
      std::ranges::copy(bytes.first(n), their_nonce_.begin() + static_cast<std::ptrdiff_t>(have_));
      have_ += n;
      bytes = bytes.subspan(n);
      if (have_ < nonce_size) return bytes;
      in_.emplace(key_.bytes.view(), their_nonce_);
    }
    in_->apply(bytes);
    return bytes;
  }

 private:
  swarm_key key_;
  xsalsa20 out_;
  std::array<std::byte, nonce_size> nonce_{};
  std::optional<xsalsa20> in_;
  std::array<std::byte, nonce_size> their_nonce_{};
  std::size_t have_ = 0;  // bytes of their_nonce_
};

}  // namespace shoal::libp2p
