// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-record. Each adds itself to the command line and leaves behind what to run.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

/// What the command line asked for; returns the exit code.
using action = std::function<int()>;

void add_record(CLI::App& app, action& chosen);
void add_attach(CLI::App& app, action& chosen);
void add_collect(CLI::App& app, action& chosen);
void add_show(CLI::App& app, action& chosen);
void add_train(CLI::App& app, action& chosen);
void add_check(CLI::App& app, action& chosen);
void add_replay(CLI::App& app, action& chosen);

struct output_options;
/// --output, --name and --trust.
void add_output_options(CLI::App& app, output_options& options);
