// SPDX-License-Identifier: BSL-1.0
//
// finding_recorder: what is found in guests, in a recording: with the same clock as what other programs record
// of devices, disks and networks, so that one rule can span them.
//
//     finding_recorder recorder{options, {"guest0"}};
//     recorder.put(news, 0);
//     recorder.finish();
//
// Each finding is recorded when it is told, and its end is not. Leaves out its words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <asio/awaitable.hpp>

#include "../common/chip_recording.hpp"
#include "alerts.hpp"
#include "service.hpp"

struct record_options {
  std::string uri;    ///< empty: nowhere
  std::string trust;  ///< certificates of collectors, PEM; empty: the system's
};

/// --record and --record-trust.
void add_record_options(CLI::App& app, record_options& options);

/// One thread.
class finding_recorder {
 public:
  /// @param guests  their names: source i of the recording is guests[i]  @throws common::failure
  finding_recorder(const record_options& options, std::vector<std::string> guests);

  void put(const std::vector<guest_alert>& news, std::uint16_t source) noexcept;
  /// Records what is put into the log of `service`, until that is stopped.
  asio::awaitable<void> follow(ids_service& service);
  /// @throws common::failure when the recording is not whole
  void finish() { recording_.finish(); }

 private:
  std::vector<std::string> guests_;
  common::chip_recording recording_;
};
