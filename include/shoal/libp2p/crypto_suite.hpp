// SPDX-License-Identifier: BSL-1.0
//
// crypto_suite: the five things of crypto/ that a peer needs, under one name, so that a connection has one
// template parameter. Model: openssl::peer_crypto.
//
//     struct my_crypto {
//       using cipher = ...;      // noise_aead
//       using agreement = ...;   // key_agreement
//       using signer = ...;      // its own identity
//       using verifier = ...;    // everybody's
//     };
//
// Leaves out randomness: whoever drives a connection brings its keys.
#pragma once

#include <shoal/crypto/key_agreement.hpp>
#include <shoal/crypto/signer.hpp>
#include <shoal/libp2p/noise_cipher.hpp>

namespace shoal::libp2p {

template <class S>
concept crypto_suite = noise_aead<typename S::cipher> && key_agreement<typename S::agreement> &&
                       signer<typename S::signer> && verifier<typename S::verifier>;

}  // namespace shoal::libp2p
