// SPDX-License-Identifier: BSL-1.0
//
// guest: the machine that a command of shoal-ids looks at: its memory, and the kernel that was found there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <sys/types.h>

#include <shoal/os/linux/introspected_memory.hpp>
#include <shoal/vmi/linux/kernel_baseline.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>
#include <shoal/vmi/linux/linux_kernel.hpp>

#include "build_files.hpp"
#include "guest_memory.hpp"

using guest_kernel = shoal::vmi::linux_kernel<shoal::linux_os::introspected_memory>;

struct guest_options {
  std::string name;     ///< a file, a process id, pid:ID, qmp:SOCKET
  std::string machine;  ///< of a file of RAM, as of --machine; empty: flat or virt, whichever fits
  std::string profile;  ///< a file with what is known of kernels like this; empty: none
  build_files build;    ///< of its kernel
};

class guest {
 public:
  /// Opens the memory and finds the kernel.
  /// @param process  process_of the options' name  @throws failure
  guest(const guest_options& options, std::shared_ptr<const guest_process> process);
  ~guest();
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;

  [[nodiscard]] guest_kernel& kernel() noexcept { return *kernel_; }
  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  /// How its kernel was, for checks to hold it against; none until somebody has it taken or read.
  [[nodiscard]] std::optional<shoal::vmi::kernel_baseline>& baseline() noexcept { return baseline_; }

  /// The clock of its kernel since it was last looked at. Of a kernel that does not tell where it is, it moves;
  /// where it can no longer be read, it stands. Who went back once, did for ever: it is another boot.
  enum class clock_state : std::uint8_t { moves, stands, went_back };
  [[nodiscard]] clock_state look_at_clock();

  /// The ticks of its clock when that was looked at last; 0: never, or it does not tell.
  [[nodiscard]] std::uint64_t ticks() const noexcept { return ticks_; }

  /// The process has not ended, the file is the same.
  [[nodiscard]] bool has_memory() const;
  /// The same kernel still runs: it has its memory, and has not booted again.
  [[nodiscard]] bool is_there();

  /// Asked behind each look, before it is believed. @throws failure when its file has become another under it
  void must_be_whole() const;

  /// Saves what was learnt about the kernel, when a profile was named and knew less. @throws failure
  void save_profile() const;

 private:
  /// Whether what would be found now is another kernel.
  [[nodiscard]] bool another_runs();
  [[nodiscard]] std::error_code attach();
  [[nodiscard]] bool attach_by_profile();
  [[noreturn]] void refuse_build_file() const;

  guest_options options_;
  std::shared_ptr<const guest_process> process_;  // null: a file
  ino_t file_ = 0;
  std::unique_ptr<shoal::linux_os::introspected_memory> memory_;
  std::unique_ptr<guest_kernel> kernel_;
  std::vector<shoal::vmi::kernel_profile> builds_;  // its own alone, for searches
  std::optional<shoal::vmi::kernel_baseline> baseline_;
  bool went_back_ = false;
  std::uint64_t ticks_ = 0;                         // jiffies_64, when it was last asked for
  std::chrono::steady_clock::time_point moved_;     // ticks_ did
  std::chrono::steady_clock::time_point searched_;  // for another kernel
  bool attached_ = false;                           // by the profile, which knew so many fields
  std::size_t known_ = 0;
};
