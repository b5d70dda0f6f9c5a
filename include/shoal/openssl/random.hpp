// SPDX-License-Identifier: BSL-1.0
//
// openssl::random: random bytes for keys, seeded by the operating system.
//
//     openssl::random random;
//     secret<32> key;
//     if (random.fill(key.bytes()) != status::ok) ...
#pragma once

#include <openssl/rand.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/random_source.hpp>
#include <shoal/openssl/key.hpp>

namespace shoal::openssl {

/// Models `random_source`. status::failed where the system has no randomness to give. Several threads may call
/// it at once.
struct random {
  [[nodiscard]] status fill(bytes_span out) const noexcept {
    return RAND_priv_bytes_ex(nullptr, detail::data(out), out.size(), 0) == 1 ? status::ok : status::failed;
  }
};
static_assert(random_source<random>);

}  // namespace shoal::openssl
