// SPDX-License-Identifier: BSL-1.0
//
// What a guest could do that has found a hole in this process: nothing but what its devices do.
#pragma once

#include "command.hpp"

/// Descriptors that were open when the program was started are closed, but those that the command line names.
/// Before anything is opened; does nothing with --no-sandbox.
void close_what_is_not_given(const tender_options& given);

/// From now on system calls are those that these devices make, and root's rights and all capabilities are gone.
/// All files are open.
/// @throws common::failure
void enter_sandbox(const tender_options& given);
