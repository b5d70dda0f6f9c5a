// SPDX-License-Identifier: BSL-1.0
//
// The one table from std::error_code to an NBD error. What it does not know is EIO.
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

}  // namespace shoal::nbd
