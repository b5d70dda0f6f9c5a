// SPDX-License-Identifier: BSL-1.0
//
// What a guest could do that has found a hole in this process: nothing but what its devices do.
#pragma once

#include "command.hpp"

/// From now on system calls are those that these devices make, and root's rights are gone. All files are open.
/// @throws common::failure
void enter_sandbox(const tender_options& given);
