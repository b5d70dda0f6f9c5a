// SPDX-License-Identifier: BSL-1.0
//
// The command line of shoal-tender: devices of the guest, whose names only the guest knows, and all other
// options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/hypercall/manifest.hpp>
#include <shoal/os/linux/tap.hpp>

/// One --KIND:NAME=VALUE: a device, or something about one.
struct given_device {
  std::string kind;  ///< block, block-sector-size, net, net-mac, gpio, i2c
  std::string name;
  std::string value;
};

struct tender_options {
  std::string guest;
  std::string words;  ///< of the guest's command line
  std::vector<given_device> devices;
  std::uint64_t memory_mib = 64;
  std::string ram_file;
  std::string rules;
  std::string record;
  double watch = 0;  ///< seconds; 0: not at all
  std::vector<std::string> watch_globals;
  bool watch_stop = false;
  double max_time = 0;  ///< seconds; 0: none
  std::string max_output;
  std::string max_io;
  bool overlay = false;
  bool readonly = false;
  bool dry_run = false;
  bool no_sandbox = false;

  /// What was given for a device, or null.
  [[nodiscard]] const std::string* find(std::string_view kind, std::string_view name) const;
  [[nodiscard]] const std::string* find(shoal::hypercall::device_type kind, std::string_view name) const;
  /// Bytes that the guest may print. @throws common::failure
  [[nodiscard]] std::uint64_t output_limit() const;
  /// Bytes that it may move in a second; 0: as many as it likes. @throws common::failure
  [[nodiscard]] std::uint64_t io_limit() const;
  /// Bytes of a block of this disk. @throws common::failure
  [[nodiscard]] std::uint32_t sector_size(std::string_view disk) const;
};

/// The option that gives a device of this type; empty for one that this tender does not have.
[[nodiscard]] std::string_view option_of(shoal::hypercall::device_type type);
/// The type of the device that an option is about.
[[nodiscard]] shoal::hypercall::device_type type_of(const given_device& given);

/// The URI of a disk, of which a path is one.
[[nodiscard]] inline std::string disk_uri(const std::string& given) {
  return given.find(':') == given.npos ? "file:" + given : given;  // as Solo5's tender has it
}

/// The exit code, when nothing is left to do. @throws common::failure
std::optional<int> read_command_line(int argc, char** argv, tender_options& given);

/// As it is written, 02:00:5e:00:53:01; by chance for null. @throws common::failure
shoal::linux_os::mac_address mac_of(const std::string* text);
