// SPDX-License-Identifier: BSL-1.0
//
// result<T>: a value or a std::error_code. What every fallible function of shoal returns; it never
// changes with -std or a macro, so it may stand in a public signature.
//
//     result<cid> id = cid::parse(text);
//     if (!id) return id.error();
//     use(*id);
//
// It leaves out the monadic members: the code here takes a result apart where it is made.
#pragma once

#include <cassert>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include <shoal/base/error.hpp>

namespace shoal {

/// A value, or the error that took its place. Reading a value that is not there is a precondition
/// violation, checked by assert.
template <class T = void>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// @pre error is not zero
  result(std::error_code error) noexcept : state_(std::in_place_index<1>, error) { assert(error); }
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E error) noexcept : result(std::error_code{make_error_code(error)}) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }

  T& operator*() & noexcept { return *pointer(); }
  const T& operator*() const& noexcept { return *pointer(); }
  T&& operator*() && noexcept { return std::move(*pointer()); }
  T* operator->() noexcept { return pointer(); }
  const T* operator->() const noexcept { return pointer(); }

  /// No error when there is a value.
  [[nodiscard]] std::error_code error() const noexcept {
    const auto* error = std::get_if<1>(&state_);
    return error != nullptr ? *error : std::error_code{};
  }

 private:
  T* pointer() noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }
  const T* pointer() const noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }

  std::variant<T, std::error_code> state_;
};

/// Success, or the error that prevented it.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  /// A zero code is success.
  result(std::error_code error) noexcept : error_(error) {}
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E error) noexcept : error_(make_error_code(error)) {}

  explicit operator bool() const noexcept { return !error_; }
  [[nodiscard]] bool has_value() const noexcept { return !error_; }
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  std::error_code error_;
};

}  // namespace shoal
