// SPDX-License-Identifier: BSL-1.0
//
// memory_watch: looks into the running guest from a thread of its own, every so often and when the guest has
// ended: whether its text and constants are those of its file, and what its globals hold.
//
//     std::optional<memory_watch> memory;
//     if (given.watch != 0) memory.emplace(given, file, machine->ram(), stop, watch.post());
//     enter_sandbox();                                     // it needs nothing that a guest's own thread does
//     not
//     ...
//     if (memory && memory->finish()) return memory_watch::exit_found;
#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/os/linux/guest_console.hpp>
#include <shoal/os/linux/stop_signals.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/image_memory.hpp>

#include "../common/unikernel_look.hpp"
#include "../common/watch_post.hpp"
#include "command.hpp"

class memory_watch {
 public:
  /// The tender's exit status when a guest was stopped for what was found in it: as shoal-ids has it.
  static constexpr int exit_found = 3;
  /// The source of findings in a recording, and for rules.
  static constexpr const char* source_name = "memory";

  /// Has looked once when it returns.
  /// @param file    the guest's
  /// @param ram     its memory from address 0 on
  /// @param stop    what stops the guest; all of these outlive this
  /// @param source  of what is found, in the records of the post
  /// @throws common::failure when the file has not what --watch-global names
  memory_watch(const tender_options& given, shoal::bytes_view file, shoal::bytes_view ram,
               const shoal::linux_os::stop_signals& stop, common::watch_post& post, std::uint16_t source);
  memory_watch(const memory_watch&) = delete;
  memory_watch& operator=(const memory_watch&) = delete;
  ~memory_watch() = default;

  /// The guest has ended: looks once more, and ends the thread. True when something was found and --watch-stop
  /// says that this is the guest's end.
  bool finish();

 private:
  void run(const std::stop_token& end);
  void look();
  void say(const std::string& line);

  const tender_options& given_;
  const shoal::linux_os::stop_signals& stop_;
  common::watch_post& post_;
  std::uint16_t source_;
  shoal::linux_os::guest_console messages_;
  common::unikernel_look look_;
  shoal::vmi::image_memory<shoal::vmi::bytes_source> memory_;
  std::vector<shoal::vmi::finding> open_;  // was found by the last look
  bool found_ = false;
  std::atomic<bool> has_looked_ = false;
  std::jthread thread_;  // alone with all of this while it runs
};
