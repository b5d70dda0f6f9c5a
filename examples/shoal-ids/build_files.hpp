// SPDX-License-Identifier: BSL-1.0
//
// Files of a kernel's build, for kernels that do not carry all their symbols and types: --system-map,
// --vmlinux.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include <shoal/vmi/linux/kernel_file.hpp>

/// At most one is named.
struct build_files {
  std::string system_map;
  std::string vmlinux;
  std::shared_ptr<const shoal::vmi::kernel_file> content;  ///< of that one; none before it was read

  /// The one that was named; empty: none was.
  [[nodiscard]] const std::string& path() const noexcept { return vmlinux.empty() ? system_map : vmlinux; }
};

/// --system-map and --vmlinux.
void add_build_files(CLI::App& app, build_files& files);

/// Reads the one that was named, if it was not. @throws common::failure
void read_build_files(build_files& files);
