// SPDX-License-Identifier: BSL-1.0
//
// noise_errc: why a secure channel did not come to be, or broke, as std::error_code values of the category
// "shoal.noise". What is wrong with the form of a message is an errc.
//
//     if (done.error() == libp2p::noise_errc::unwanted_peer) forget(address);
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <shoal/base/error.hpp>

namespace shoal::libp2p {

enum class noise_errc {
  forged = 1,     ///< a message does not open: it was changed on its way, or made with other keys
  weak_key,       ///< a key that would make the secret known to all
  bad_signature,  ///< the peer does not own the identity that it shows
  unwanted_peer,  ///< a peer that is not the one expected, or is not admitted
  exhausted,      ///< as many messages as one key may seal
};

namespace detail {

class noise_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "shoal.noise"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<noise_errc>(value)) {
      case noise_errc::forged: return "encrypted message was forged or damaged";
      case noise_errc::weak_key: return "peer sent a key that protects nothing";
      case noise_errc::bad_signature: return "peer cannot prove its identity";
      case noise_errc::unwanted_peer: return "not the expected peer, or one that is not admitted";
      case noise_errc::exhausted: return "too many messages under one key";
    }
    return "unknown noise error " + std::to_string(value);
  }
};

}  // namespace detail

/// The category of every noise_errc. As with shoal::error_category, compare codes with `==` and not categories
/// by address.
[[nodiscard]] inline const std::error_category& noise_error_category() noexcept {
  static const detail::noise_category instance;
  return instance;
}

[[nodiscard]] inline std::error_code make_error_code(noise_errc code) noexcept {
  return {static_cast<int>(code), noise_error_category()};
}

[[nodiscard]] inline bool operator==(const std::error_code& code, noise_errc expected) noexcept {
  return code.value() == static_cast<int>(expected) &&
         std::string_view{code.category().name()} == noise_error_category().name();
}

}  // namespace shoal::libp2p

template <>
struct std::is_error_code_enum<shoal::libp2p::noise_errc> : std::true_type {};
