// SPDX-License-Identifier: BSL-1.0
//
// The search that every content-defined chunker makes: the first place at which a hash of the bytes just before
// it says "cut". For authors of chunkers.
//
//     const std::size_t cut = first_hit(hash, data, begin, from, to);   // 0: nowhere
//
// A rolling hash is a chain of dependent steps, on which a CPU mostly waits. But it depends on its last few
// bytes alone, so it can be started anywhere: four parts of the input are hashed at once, and only when one of
// them has a hit are they gone through again, in order.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

namespace shoal {

/// A hash of the last `H::window` bytes. `add(state, byte)` takes a byte in while fewer than `window` were
/// taken, from the state `{}` on; `roll(state, at)` takes in `*at` and drops `at[-window]`; `hit(state)` says
/// whether to cut.
template <class H>
concept rolling_hash = requires(const H& hash, typename H::state state, const std::byte* at) {
  { hash.add(state, *at) } noexcept -> std::same_as<typename H::state>;
  { hash.roll(state, at) } noexcept -> std::same_as<typename H::state>;
  { hash.hit(state) } noexcept -> std::same_as<bool>;
  { H::window } -> std::convertible_to<std::size_t>;
};

namespace detail {

/// The hash of the bytes before `position`, none of them before `begin`.
template <rolling_hash Hash>
typename Hash::state state_at(const Hash& hash, const std::byte* data, std::size_t begin,
                              std::size_t position) noexcept {
  typename Hash::state state{};
  for (std::size_t i = position - std::min(position - begin, Hash::window); i < position; ++i) {
    state = hash.add(state, data[i]);
  }
  return state;
}

/// True when there is a hit after `from`, up to 4 * Lane bytes further on.
template <std::size_t Lane, rolling_hash Hash>
bool any_hit(const Hash hash, const std::byte* data, std::size_t begin, std::size_t from) noexcept {
  auto a = state_at(hash, data, begin, from);
  auto b = state_at(hash, data, begin, from + Lane);
  auto c = state_at(hash, data, begin, from + 2 * Lane);
  auto d = state_at(hash, data, begin, from + 3 * Lane);
  const auto step = [&](const std::byte* at) noexcept {
    a = hash.roll(a, at);
    b = hash.roll(b, at + Lane);
    c = hash.roll(c, at + 2 * Lane);
    d = hash.roll(d, at + 3 * Lane);
    return hash.hit(a) || hash.hit(b) || hash.hit(c) || hash.hit(d);
  };
  const std::byte* const end = data + from + Lane;
  for (const std::byte* at = data + from; at != end; at += 4) {
    if (step(at) || step(at + 1) || step(at + 2) || step(at + 3)) return true;
  }
  return false;
}

/// Goes past blocks of four lanes without a hit.
template <std::size_t Lane, rolling_hash Hash>
std::size_t skip_misses(const Hash& hash, const std::byte* data, std::size_t begin, std::size_t from,
                        std::size_t to) noexcept {
  while (to - from >= 4 * Lane && !any_hit<Lane>(hash, data, begin, from)) from += 4 * Lane;
  return from;
}

}  // namespace detail

/// The first position in [from, to] at which the hash of the bytes just before it is a hit, or 0 if there is
/// none. The hash sees no byte before `begin`. Reads data[begin, to).
/// @pre begin <= from <= to, 0 < from; and begin + Hash::window <= from if `roll` looks at the byte it drops
template <rolling_hash Hash>
[[nodiscard]] std::size_t first_hit(const Hash& hash, const std::byte* data, std::size_t begin,
                                    std::size_t from, std::size_t to) noexcept {
  if (hash.hit(detail::state_at(hash, data, begin, from))) return from;
  // Long lanes suit the memory: it is read ahead of whoever reads on. Short ones then close in on the hit.
  from = detail::skip_misses<4096>(hash, data, begin, from, to);
  from = detail::skip_misses<512>(hash, data, begin, from, to);
  auto state = detail::state_at(hash, data, begin, from);
  while (from < to) {
    state = hash.roll(state, data + from);
    ++from;
    if (hash.hit(state)) return from;
  }
  return 0;
}

}  // namespace shoal
