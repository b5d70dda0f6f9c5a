// SPDX-License-Identifier: BSL-1.0
#include <everything.hpp>

#include "world.hpp"

namespace shoal::world {

const void* first_error_category() noexcept {
  return &error_category();
}

}  // namespace shoal::world
