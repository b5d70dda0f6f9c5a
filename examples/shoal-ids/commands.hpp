// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-ids. To add one, write a function like add_tainted in tainted.cpp, name it here, and
// call it in main.cpp.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "guest.hpp"
#include "output.hpp"

/// The program's exit code when something is not as it should be.
inline constexpr int exit_alerts = 3;

/// What the command line asked for; returns the exit code.
using action = std::function<int()>;

/// What a command does with the guest it was given; returns the exit code.
using guest_command = std::function<int(guest& guest, const output& out)>;

/// Adds `shoal-ids NAME GUEST`, with the options that all commands share.
/// @param help    one line  @param example  behind "shoal-ids NAME "
/// @return where further options are added
CLI::App* add_command(CLI::App& app, action& chosen, const std::string& name, const std::string& help,
                      const std::string& example, guest_command run);

void add_banner(CLI::App& app, action& chosen);
void add_syscall(CLI::App& app, action& chosen);
void add_plist(CLI::App& app, action& chosen);
void add_modules(CLI::App& app, action& chosen);
void add_tainted(CLI::App& app, action& chosen);
void add_baseline(CLI::App& app, action& chosen);
void add_check(CLI::App& app, action& chosen);
void add_watch(CLI::App& app, action& chosen);
