// SPDX-License-Identifier: BSL-1.0
//
// The commands of shoal-peer: each adds itself to the command line, and sets `chosen` when it is.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

/// What is left to do once the command line is known; gives the exit code.
using action = std::function<int()>;

void add_get(CLI::App& app, action& chosen);
void add_ping(CLI::App& app, action& chosen);
void add_findprovs(CLI::App& app, action& chosen);

/// Runs the context until the work is done, which may throw, or a signal interrupts it.
int run_interruptible(asio::io_context& context, asio::awaitable<void> work);

/// An unset variable of a script must not turn into another way to run.
void refuse_empty_values(CLI::App& app);
