// SPDX-License-Identifier: BSL-1.0
//
// The memory of a guest by the name that people give it, and what is wrong when it is not there.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include <CLI/CLI.hpp>

#include <shoal/os/linux/introspected_memory.hpp>

/// --machine.
CLI::Option* add_machine(CLI::App& app, std::string& machine);

/// The process of QEMU that a name means, if it means one. @throws common::failure
std::optional<pid_t> process_of(const std::string& name);

/// @throws common::failure
shoal::linux_os::introspected_memory memory_of_process(const std::string& name, pid_t pid);

/// @param machine  as of --machine  @throws common::failure
shoal::linux_os::introspected_memory memory_of_file(const std::string& name, const std::string& machine);
