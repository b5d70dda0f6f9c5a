// SPDX-License-Identifier: BSL-1.0
//
// What the two objects that include everything say of one inline object: its address, which must be the same.
#pragma once

namespace shoal::world {

const void* first_error_category() noexcept;
const void* second_error_category() noexcept;

}  // namespace shoal::world
