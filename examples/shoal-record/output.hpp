// SPDX-License-Identifier: BSL-1.0
//
// recording_output: where a recording goes, by URI: cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>

struct output_options {
  std::string uri;
  std::string name;     ///< of the recording at a collector
  std::string trust;    ///< certificates of collectors, PEM; empty: the system's
  bool events = false;  ///< it may hold more than accesses to lines and registers

  /// Of the recording's format.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return events ? shoal::monitor::event_recording : shoal::monitor::device_recording;
  }
};

/// The counter of the records and the wall clock, at once.
using recording_clock = shoal::monitor::clock_point (*)() noexcept;

/// What recording_output writes to.
class recording_target {
 public:
  recording_target() = default;
  recording_target(const recording_target&) = delete;
  recording_target& operator=(const recording_target&) = delete;
  virtual ~recording_target() = default;
  virtual void put(const shoal::hal::access_record& record) noexcept = 0;
  virtual void tick() = 0;
  virtual void finish() = 0;
};

/// True for tcp: and tls:.
inline bool is_collector(std::string_view uri) {
  return uri.starts_with("tcp://") || uri.starts_with("tls://");
}
/// In collector.cpp; a program without it goes on as another one before it gets here. @throws failure
[[gnu::weak]] std::unique_ptr<recording_target> open_collector(const output_options& options,
                                                               std::vector<std::string> sources,
                                                               recording_clock now);

/// One thread. A file gets every record; to a collector goes what it takes in time, and a count of the rest.
class recording_output {
 public:
  /// @throws failure
  recording_output(const output_options& options, std::vector<std::string> sources, recording_clock now);
  ~recording_output();
  recording_output(const recording_output&) = delete;
  recording_output& operator=(const recording_output&) = delete;

  void put(const shoal::hal::access_record& record) noexcept;
  /// Some time has passed: what was put should not only be in memory. @throws failure
  void tick();
  /// The end: everything is there, or it is said what is not. @throws failure
  void finish();

 private:
  std::unique_ptr<recording_target> target_;
};
