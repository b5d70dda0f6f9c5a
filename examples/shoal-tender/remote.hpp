// SPDX-License-Identifier: BSL-1.0
//
// What takes a network, or cryptography: disks of swarms, of NBD servers and of images, and collectors of
// records. shoal-tender is linked without it, so that it starts at once, and goes on as shoal-tender-remote,
// which is the same program with remote.cpp, when a guest is given some of it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <shoal/block/any_device.hpp>
#include <shoal/task/blocking_caller.hpp>

#include "command.hpp"

struct remote_disk {
  shoal::any_device device;
  shoal::blocking_caller caller;  ///< carries out its tasks
};

/// Outlives its disks, which are used between start() and stop().
class remote_disks {
 public:
  remote_disks() = default;
  remote_disks(const remote_disks&) = delete;
  remote_disks& operator=(const remote_disks&) = delete;
  virtual ~remote_disks() = default;

  /// @throws common::failure
  virtual remote_disk open(const std::string& uri, bool read_only) = 0;
  /// All are open.
  virtual void start() = 0;
  /// From now on nobody writes to what the disks were to read into.
  virtual void stop() = 0;
  /// Says what was received, and from whom.
  virtual void tell() const = 0;
};

/// Null in a program without remote.cpp.
/// @param is_over  asked now and then: true when nobody waits any more
[[gnu::weak]] std::unique_ptr<remote_disks> make_remote_disks(std::function<bool()> is_over);

/// Returns in a program that has all that is asked for. @throws common::failure when there is none
void go_on_where_all_is(const tender_options& given, char** argv);
