// SPDX-License-Identifier: BSL-1.0
//
// checks: looking for what is not as it should be in a guest's kernel, as the commands check, watch and serve
// do.
#pragma once

#include <string>
#include <vector>

#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/kernel_baseline.hpp>

#include "guest.hpp"
#include "output.hpp"

/// What is looked for, for --help.
extern const char* const what_is_checked;

/// What is wrong and still is, some milliseconds later: nothing of a guest that just changed its lists. Held
/// against guest.baseline() too, if there is one. Takes a fifth of a second when something is wrong.
std::vector<shoal::vmi::finding> look_into(guest& guest);

/// The same for who looks again and again. A kernel that stands and is written over, because its machine boots
/// again, is one finding and not thousands.
std::vector<shoal::vmi::finding> look_while_it_runs(guest& guest);

/// How the guest is now. @throws failure
shoal::vmi::kernel_baseline baseline_of(guest& guest);
/// @throws failure when it is not of this boot
shoal::vmi::kernel_baseline load_baseline(const std::string& path, guest& guest);

/// Rights are held against those of the look before; what was wrong with them has been told.
void renew_rights(guest& guest);

/// What to do where something could not be read, for people.
void advise(const std::vector<shoal::vmi::finding>& found, const output& out);

/// 0, 1 when something could not be read, 3 when something is wrong.
int exit_code(const std::vector<shoal::vmi::finding>& found);
