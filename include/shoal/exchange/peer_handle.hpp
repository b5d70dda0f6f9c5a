// SPDX-License-Identifier: BSL-1.0
//
// peer_handle: what the exchange calls a peer, and what time is to it. The driver numbers its connections and
// keeps the numbers' peer ids; the engines need no more than to tell peers apart.
//
//     peer_handle peer{++connections};
//
// Leaves out the clock: every function that needs the time is told it.
#pragma once

#include <chrono>
#include <cstdint>

namespace shoal::exchange {

/// A connection to a peer. A number is never used for a second connection.
enum class peer_handle : std::uint32_t {};

/// A moment. Comes from the driver's steady clock or from a simulation; the exchange never reads a clock.
using instant = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

}  // namespace shoal::exchange
