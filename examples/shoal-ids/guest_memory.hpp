// SPDX-License-Identifier: BSL-1.0
//
// The memory of a guest by the name that people give it, and what is wrong when it is not there.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include <CLI/CLI.hpp>

#include <shoal/os/linux/introspected_memory.hpp>
#include <shoal/os/posix/unique_fd.hpp>

/// --machine.
CLI::Option* add_machine(CLI::App& app, std::string& machine);

/// A process of QEMU, and no other that gets its number when it has ended.
class guest_process {
 public:
  explicit guest_process(pid_t id);

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  [[nodiscard]] bool has_ended() const noexcept;

 private:
  pid_t id_;
  shoal::posix::unique_fd fd_;  // a pidfd; readable when it has ended
};

/// The process that a name means, or null when it means a file. To ask at a socket takes QEMU's only place for
/// a client, if for a moment: who has the process does not ask again. @throws common::failure
std::shared_ptr<const guest_process> process_of(const std::string& name);

/// @throws common::failure
shoal::linux_os::introspected_memory memory_of_process(const std::string& name, pid_t pid);

/// @param machine  as of --machine  @throws common::failure
shoal::linux_os::introspected_memory memory_of_file(const std::string& name, const std::string& machine);
