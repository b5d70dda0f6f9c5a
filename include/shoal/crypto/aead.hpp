// SPDX-License-Identifier: BSL-1.0
//
// The contract of authenticated encryption (RFC 5116): `aead` is a cipher with a key in it, which seals a
// message together with data that stays readable, and opens it again. Model: openssl::chacha20_poly1305.
// Freestanding.
//
//     cipher.set_key(key);
//     cipher.seal(nonce, extra, text, sealed);                      // sealed.size() == text.size() + tag_size
//     if (cipher.open(nonce, extra, sealed, text) != status::ok) ...   // forged
//
// A nonce must never come twice under one key: whoever calls counts them.
#pragma once

#include <concepts>
#include <cstddef>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>

namespace shoal {

/// Has key_size, nonce_size and tag_size, in bytes. A default one has no key and cannot be used.
///
/// `set_key` takes a new key of key_size bytes. `seal` writes text.size() bytes and the tag behind them; `open`
/// checks the tag and writes the text without it. The output may begin where the input does, and then the work
/// is done in place; otherwise the two do not overlap. status::invalid_argument for a nonce or an output of
/// another size; status::failed from `open` when the tag is wrong, and then what was written is not to be used.
/// One thread at a time.
template <class A>
concept aead =
    std::default_initializable<A> && std::movable<A> &&
    requires(A& a, bytes_view key, bytes_view nonce, bytes_view extra, bytes_view in, bytes_span out) {
      { A::key_size } -> std::convertible_to<std::size_t>;
      { A::nonce_size } -> std::convertible_to<std::size_t>;
      { A::tag_size } -> std::convertible_to<std::size_t>;
      { a.set_key(key) } noexcept -> std::same_as<status>;
      { a.seal(nonce, extra, in, out) } noexcept -> std::same_as<status>;
      { a.open(nonce, extra, in, out) } noexcept -> std::same_as<status>;
    };

}  // namespace shoal
