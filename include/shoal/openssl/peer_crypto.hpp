// SPDX-License-Identifier: BSL-1.0
//
// openssl::peer_crypto: all that a libp2p peer needs of OpenSSL (libp2p/crypto_suite.hpp), and its random
// numbers.
//
//     net::swarm_host<openssl::peer_crypto> host{executor, identity};
#pragma once

#include <shoal/openssl/chacha20_poly1305.hpp>
#include <shoal/openssl/ed25519.hpp>
#include <shoal/openssl/random.hpp>
#include <shoal/openssl/signature_verifier.hpp>
#include <shoal/openssl/x25519.hpp>

namespace shoal::openssl {

/// Models libp2p::crypto_suite.
struct peer_crypto {
  using cipher = chacha20_poly1305;
  using agreement = x25519;
  using signer = ed25519_signer;
  using verifier = signature_verifier;
  using random = openssl::random;
};

}  // namespace shoal::openssl
