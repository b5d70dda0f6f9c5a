// SPDX-License-Identifier: BSL-1.0
//
// status: how an operation of a freestanding room ended. Hosted code turns it into a std::error_code
// (base/error.hpp); a guest without a standard library looks at the enum. Freestanding.
//
//     const status_or<head> h = read_head(bytes);
//     if (!h) return h.code;
#pragma once

#include <cstdint>

namespace shoal {

enum class status : std::uint8_t {
  ok,
  truncated,         ///< the input ends inside an item
  malformed,         ///< the input breaks the format's rules
  limit_exceeded,    ///< a named limit forbids it
  unsupported,       ///< well formed, but not something this code can do
  out_of_range,      ///< an index or address outside what exists
  no_space,          ///< the output is too small
  invalid_argument,  ///< the caller broke a precondition that is checked
  busy,              ///< somebody else holds it
  timed_out,         ///< no answer in time
  failed,            ///< the device says no and does not say why
};

/// A value, or the reason why there is none. `value` is meaningful only when the code is `ok`.
template <class T>
struct [[nodiscard]] status_or {
  T value{};
  status code = status::ok;

  constexpr status_or() noexcept = default;
  constexpr status_or(T v) noexcept : value(static_cast<T&&>(v)) {}
  constexpr status_or(status s) noexcept : code(s) {}

  explicit constexpr operator bool() const noexcept { return code == status::ok; }
  constexpr T& operator*() noexcept { return value; }
  constexpr const T& operator*() const noexcept { return value; }
  constexpr T* operator->() noexcept { return &value; }
  constexpr const T* operator->() const noexcept { return &value; }
};

}  // namespace shoal
