// SPDX-License-Identifier: BSL-1.0
//
// What commands that read a guest's records share: how they fail, and columns of text.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <shoal/base/result.hpp>
#include <shoal/vmi/kernel_list.hpp>

#include "../common/message.hpp"
#include "guest.hpp"

/// Of a kernel that does not say where something is.
inline constexpr const char* missing_advice =
    "a kernel built without CONFIG_KALLSYMS_ALL or CONFIG_DEBUG_INFO_BTF does not tell: give --vmlinux or "
    "--system-map";

/// The value, or the end of the program. @throws common::failure
template <class T>
T required(shoal::result<T> found, const std::string& what, const guest& guest) {
  if (found) return std::move(*found);
  throw common::failure{"cannot read " + what + " of " + guest.name(), found.error(), missing_advice};
}

/// @throws common::failure when a walk did not come to its end
inline void require_complete(shoal::vmi::walk_end end, const std::string& what, const guest& guest) {
  if (end == shoal::vmi::walk_end::complete) return;
  throw common::failure{what + " of " + guest.name() + " is " + std::string{name_of(end)},
                        "the guest may have changed it meanwhile: ask again"};
}

/// Spaces in front of a number.
inline std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}
