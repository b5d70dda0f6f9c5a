// SPDX-License-Identifier: BSL-1.0
//
// recording_output: where a recording goes, by URI: cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>

struct output_options {
  std::string uri;
  std::string name;     ///< of the recording at a collector
  std::string trust;    ///< certificates of collectors, PEM; empty: the system's
  bool events = false;  ///< it may hold more than accesses to lines and registers
};

/// --output, --name and --trust.
void add_output_options(CLI::App& app, output_options& options);

/// One thread. A file gets every record; to a collector goes what it takes in time, and a count of the rest.
class recording_output {
 public:
  /// The counter of the records and the wall clock, at once.
  using clock = shoal::monitor::clock_point (*)() noexcept;

  /// @throws failure
  recording_output(const output_options& options, std::vector<std::string> sources, clock now);
  ~recording_output();
  recording_output(const recording_output&) = delete;
  recording_output& operator=(const recording_output&) = delete;

  void put(const shoal::hal::access_record& record) noexcept;
  /// Some time has passed: what was put should not only be in memory. @throws failure
  void tick();
  /// The end: everything is there, or it is said what is not. @throws failure
  void finish();

 private:
  class target;
  class file_target;
  class collector_target;
  std::unique_ptr<target> target_;
};
