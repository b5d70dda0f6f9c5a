// SPDX-License-Identifier: BSL-1.0
//
// The contract of randomness: `random_source` gives bytes that nobody can guess. Drivers have one, and hand
// what it gives to the state machines that need it: so a test or a simulation can repeat itself. Model:
// openssl::random. Freestanding.
//
//     secret<32> key;
//     if (random.fill(key.bytes()) != status::ok) ...
#pragma once

#include <concepts>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// `fill` writes all of `out`, good enough for keys. On failure the bytes are not to be used.
template <class R>
concept random_source = requires(R& r, bytes_span out) {
  { r.fill(out) } noexcept -> std::same_as<status>;
};

}  // namespace shoal
