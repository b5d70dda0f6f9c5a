// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-ids, for its command line and for the lines of clients of 'serve'. To add one, write a
// function like add_tainted in tainted.cpp, name it here, and in add_commands (commands.cpp).
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "guest.hpp"
#include "output.hpp"

/// The program's exit code when something is not as it should be.
inline constexpr int exit_alerts = 3;

/// What a command does with the guest it was given; returns the exit code. @throws common::failure
using guest_command = std::function<int(guest& guest, const output& out)>;

/// What a command line, or a client's line, asked for.
struct action {
  bool served = false;                   ///< set before: by a client, who is given no files of this machine
  guest_options guest;                   ///< a client says its name alone
  output_form form = output_form::text;  ///< of the answer
  guest_command run;                     ///< what to do with the guest
  std::function<int()> alone;            ///< instead: what to do without one
};

/// Adds `shoal-ids NAME GUEST`, with the options that all commands share.
/// @param help    one line  @param example  behind "shoal-ids NAME "
/// @return where further options are added
CLI::App* add_command(CLI::App& app, action& chosen, const std::string& name, const std::string& help,
                      const std::string& example, guest_command run);

/// Calls it. @throws common::failure, also when the guest's memory went away meanwhile
int run(const guest_command& command, guest& guest, const output& out);

/// --json and --cbor.
void add_forms(CLI::App& app, action& chosen);

/// All that look at a guest once and say what they see. `chosen` outlives the parsing.
void add_commands(CLI::App& app, action& chosen);

void add_banner(CLI::App& app, action& chosen);
void add_syscall(CLI::App& app, action& chosen);
void add_plist(CLI::App& app, action& chosen);
void add_modules(CLI::App& app, action& chosen);
void add_files(CLI::App& app, action& chosen);
void add_sockets(CLI::App& app, action& chosen);
void add_tainted(CLI::App& app, action& chosen);
void add_check(CLI::App& app, action& chosen);

// Of the command line alone: they write files, or do not end by themselves.
void add_baseline(CLI::App& app, action& chosen);
void add_watch(CLI::App& app, action& chosen);
void add_serve(CLI::App& app, action& chosen);
void add_unikernel(CLI::App& app, action& chosen);
