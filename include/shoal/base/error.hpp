// SPDX-License-Identifier: BSL-1.0
//
// errc: what can go wrong in shoal, as std::error_code values of the category "shoal".
//
//     if (auto r = co_await device.read(0, sector); r.error() == errc::out_of_range) ...
//
// Failures of the operating system keep their own category; errc is for what shoal finds by itself.
// Leaves out: texts about *which* file or peer. Whoever knows the name adds it to the message.
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <shoal/base/status.hpp>

namespace shoal {

enum class errc {
  truncated = 1,     ///< the input ends inside an item
  malformed,         ///< the input breaks the format's rules
  limit_exceeded,    ///< a named limit forbids it
  unsupported,       ///< well formed, but not something this code can do
  out_of_range,      ///< outside the device or file
  no_space,          ///< no room for what is to be written
  invalid_argument,  ///< the caller broke a rule that is checked
  busy,              ///< somebody else holds it
  timed_out,         ///< no answer in time
  failed,            ///< the device says no and does not say why
  read_only,         ///< a change to something that must not change
  not_found,         ///< no such block, export or file
  block_mismatch,    ///< bytes that do not hash to their CID
  source_changed,    ///< a file is no longer what its index describes
  canceled,          ///< the operation was called off
  closed,            ///< the other side has gone
  shutting_down,     ///< the server is draining and takes no new work
};

namespace detail {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "shoal"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::truncated: return "input ends inside an item";
      case errc::malformed: return "input breaks the rules of its format";
      case errc::limit_exceeded: return "input exceeds a limit";
      case errc::unsupported: return "not supported";
      case errc::out_of_range: return "outside the device or file";
      case errc::no_space: return "no space left";
      case errc::invalid_argument: return "invalid argument";
      case errc::busy: return "busy";
      case errc::timed_out: return "timed out";
      case errc::failed: return "operation failed";
      case errc::read_only: return "read-only";
      case errc::not_found: return "not found";
      case errc::block_mismatch: return "bytes do not match their CID";
      case errc::source_changed: return "file has changed since it was indexed";
      case errc::canceled: return "canceled";
      case errc::closed: return "closed by the other side";
      case errc::shutting_down: return "shutting down";
    }
    return "unknown shoal error " + std::to_string(value);
  }
};

}  // namespace detail

/// The category of every errc. Two copies can exist in one process, one on each side of a dlopen, so
/// compare codes with `==` against an errc, which goes by name, and not by the category's address.
[[nodiscard]] inline const std::error_category& error_category() noexcept {
  static const detail::category instance;
  return instance;
}

[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// The same failure as a hosted error; no error for status::ok.
[[nodiscard]] inline std::error_code make_error_code(status code) noexcept {
  return code == status::ok ? std::error_code{} : make_error_code(static_cast<errc>(code));
}

[[nodiscard]] inline bool operator==(const std::error_code& code, errc expected) noexcept {
  return code.value() == static_cast<int>(expected) &&
         std::string_view{code.category().name()} == error_category().name();
}

static_assert(static_cast<int>(errc::failed) == static_cast<int>(status::failed),
              "errc starts with the values of status, in the same order");

}  // namespace shoal

template <>
struct std::is_error_code_enum<shoal::errc> : std::true_type {};
template <>
struct std::is_error_code_enum<shoal::status> : std::true_type {};
