// SPDX-License-Identifier: BSL-1.0
//
// Parsing a command line with CLI11, with mistakes told as all others are: what is wrong, and what to do next.
//
//     if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "message.hpp"

namespace common {

/// The exit code, when nothing is left to do: help or the version was asked for, or something is wrong.
inline std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& e) {
    std::string command = app.get_name();
    for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
    std::fprintf(stderr, "%s: %s\n  %s --help tells how to use it, with examples\n", command.c_str(), e.what(),
                 command.c_str());
    return exit_usage;
  }
}

}  // namespace common
