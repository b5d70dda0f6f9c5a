// SPDX-License-Identifier: BSL-1.0
//
// What shoal-tender says: what a guest asks for and is not given, why it is not started, how it ended.
#pragma once

#include <string>
#include <string_view>

#include <shoal/base/status.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/transport.hpp>
#include <shoal/os/linux/guest_console.hpp>
#include <shoal/os/linux/kvm_vcpu.hpp>

#include "../common/message.hpp"
#include "command.hpp"

/// Without what a terminal would do something with: a guest chooses its names.
[[nodiscard]] std::string printable(std::string_view text);

/// Why a file is not started.
[[nodiscard]] common::failure not_loaded(const tender_options& given, shoal::status why);

/// What it asks for and what it is given, line by line. The exit code: 1 when something is missing.
int print_plan(const tender_options& given, const shoal::hypercall::manifest& wanted);
/// @throws common::failure when it is not given what it asks for, or given something else
void refuse_gaps(const tender_options& given, const shoal::hypercall::manifest& wanted);

/// Only the first of two can be given. @throws common::failure
void refuse_namesakes(const shoal::hypercall::manifest& wanted);

/// The exit code of a guest that a signal has stopped.
int stopped_by(int signal, const tender_options& given);
/// How a guest ended that did not halt.
[[nodiscard]] common::failure ended_badly(const shoal::hypercall::ending& end,
                                          const shoal::linux_os::kvm_vcpu& cpu, const tender_options& given,
                                          const shoal::linux_os::guest_console& console);
