// SPDX-License-Identifier: BSL-1.0
//
// swarm_host: a swarm (net/swarm.hpp) whose links are Noise and yamux over TCP.
//
//     openssl::ed25519_signer me{seed};
//     net::swarm_host<openssl::peer_crypto> host{context.get_executor(), std::move(me), {.admits = listed}};
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>

#include <shoal/base/status.hpp>
#include <shoal/libp2p/connection.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/libp2p/public_key.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/secure_link.hpp>
#include <shoal/net/swarm.hpp>

namespace shoal::net {

template <swarm_suite Suite>
class swarm_host final : public swarm {
 public:
  /// @param me  who this peer is
  /// @throws std::runtime_error when the system has no randomness to give
  swarm_host(asio::any_io_executor executor, typename Suite::signer me, swarm_options options = {})
      : swarm(std::move(executor), libp2p::peer_id::of(public_key_of(me)), std::move(options)),
        me_(std::move(me)) {
    if (random_.fill(proof_.bytes()) != status::ok)
      throw std::runtime_error("the system has no randomness to give");
  }
  ~swarm_host() { close(); }

  /// This peer's public key, as identify tells it.
  [[nodiscard]] libp2p::public_key public_key() const { return public_key_of(me_); }

 private:
  static libp2p::public_key public_key_of(const typename Suite::signer& me) {
    return *libp2p::public_key::make(me.kind(), me.public_key());
  }

  std::shared_ptr<peer_link> make_link(asio::ip::tcp::socket socket, libp2p::noise_role role,
                                       const std::optional<libp2p::peer_id>& wanted,
                                       libp2p::multiaddr remote) override {
    libp2p::connection_keys keys{.identity_proof = proof_};
    if (random_.fill(keys.ephemeral.bytes()) != status::ok || random_.fill(keys.nonce) != status::ok)
      return nullptr;
    libp2p::connection_options with;
    with.speaks = [this](std::string_view protocol) { return speaks(protocol); };
    with.admits = [this, wanted](const libp2p::peer_id& peer) {
      return (!wanted || peer == *wanted) && (!options().admits || options().admits(peer));
    };
    with.network = options().network ? &*options().network : nullptr;
    auto link = std::make_shared<secure_link<Suite>>(std::move(socket), owner(), buffers_, role, me_, keys,
                                                     std::move(with), std::move(remote), options().times);
    link->start();
    return link;
  }

  typename Suite::signer me_;
  typename Suite::random random_;
  secret<32> proof_;  // the static key of Noise
  std::shared_ptr<link_buffers> buffers_ = std::make_shared<link_buffers>();
};

}  // namespace shoal::net
