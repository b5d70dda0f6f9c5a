// SPDX-License-Identifier: BSL-1.0
//
// The one table from std::error_code to an NBD error, and the way back. What it does not know is EIO.
#pragma once

#include <cerrno>
#include <system_error>

#include <shoal/base/error.hpp>
#include <shoal/nbd/wire.hpp>

namespace shoal::nbd {

namespace detail {

/// EDQUOT has no std::errc.
inline bool is_over_quota([[maybe_unused]] std::error_code code) noexcept {
#ifdef EDQUOT
  return code.value() == EDQUOT &&
         (code.category() == std::system_category() || code.category() == std::generic_category());
#else
  return false;
#endif
}

}  // namespace detail

/// The error as a client is told it. reply_writer sees to it that only fast zeroes are "not supported".
[[nodiscard]] inline error to_nbd_error(std::error_code code) noexcept {
  if (!code) return error::ok;
  if (code == errc::read_only || code == std::errc::operation_not_permitted ||
      code == std::errc::permission_denied || code == std::errc::read_only_file_system) {
    return error::perm;
  }
  if (code == errc::no_space || code == std::errc::no_space_on_device || code == std::errc::file_too_large ||
      detail::is_over_quota(code)) {
    return error::nospc;
  }
  if (code == errc::out_of_range || code == errc::invalid_argument || code == std::errc::invalid_argument) {
    return error::inval;
  }
  if (code == errc::unsupported || code == std::errc::operation_not_supported) return error::notsup;
  if (code == std::errc::not_enough_memory) return error::nomem;
  if (code == errc::shutting_down) return error::shutdown;
  return error::io;
}

/// What a client makes of an error that a server has told it; no error for error::ok.
[[nodiscard]] inline std::error_code from_nbd_error(error told) noexcept {
  switch (told) {
    case error::ok: return {};
    case error::perm: return std::make_error_code(std::errc::operation_not_permitted);
    case error::nomem: return std::make_error_code(std::errc::not_enough_memory);
    case error::inval: return errc::invalid_argument;
    case error::nospc: return errc::no_space;
    case error::overflow: return std::make_error_code(std::errc::value_too_large);
    case error::notsup: return errc::unsupported;
    case error::shutdown: return errc::shutting_down;
    case error::io: break;
  }
  return std::make_error_code(std::errc::io_error);
}

}  // namespace shoal::nbd
