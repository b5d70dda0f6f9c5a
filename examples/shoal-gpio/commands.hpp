// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-gpio. Each adds itself to the command line and leaves behind what to run.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

/// What the command line asked for; returns the exit code.
using action = std::function<int()>;

void add_detect(CLI::App& app, action& chosen);
void add_info(CLI::App& app, action& chosen);
void add_get(CLI::App& app, action& chosen);
void add_set(CLI::App& app, action& chosen);
void add_watch(CLI::App& app, action& chosen);
