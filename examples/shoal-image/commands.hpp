// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-image. Each adds itself to the command line and leaves behind what to run.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

/// What the command line asked for; returns the exit code.
using action = std::function<int()>;

void add_import(CLI::App& app, action& chosen);
void add_info(CLI::App& app, action& chosen);
void add_verify(CLI::App& app, action& chosen);
void add_cat(CLI::App& app, action& chosen);
void add_export(CLI::App& app, action& chosen);
void add_diff(CLI::App& app, action& chosen);
void add_locate(CLI::App& app, action& chosen);
