// SPDX-License-Identifier: BSL-1.0
//
// Files of a kernel's build, for kernels that do not carry all their symbols and types: --system-map,
// --vmlinux.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <shoal/vmi/linux/kernel_file.hpp>

/// At most one is named.
struct build_files {
  std::string system_map;
  std::string vmlinux;

  /// The one that was named; empty: none was.
  [[nodiscard]] const std::string& path() const noexcept { return vmlinux.empty() ? system_map : vmlinux; }
};

/// --system-map and --vmlinux.
void add_build_files(CLI::App& app, build_files& files);

/// Nothing when none was named. @throws common::failure
[[nodiscard]] std::optional<shoal::vmi::kernel_file> read_build_files(const build_files& files);
