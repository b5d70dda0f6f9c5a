// SPDX-License-Identifier: BSL-1.0
//
// block: content and its name, the unit in which images travel.
#pragma once

#include <shoal/content/cid.hpp>
#include <shoal/task/lease.hpp>

namespace shoal {

/// A block whose bytes have been verified against `id`: whoever makes one vouches for that.
struct block {
  cid id;
  lease data;
};

}  // namespace shoal
