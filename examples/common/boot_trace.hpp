// SPDX-License-Identifier: BSL-1.0
//
// boot_trace: what clients asked for, request by request as CSV and summed up at the end: how much of an image
// a boot touches decides how much of it has to travel.
//
//     common::boot_trace trace{path};
//     device = trace.watch(device);
//     ...
//     trace.finish(stderr);
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/logged.hpp>
#include <shoal/block/trace_csv.hpp>

#include "message.hpp"
#include "size.hpp"

namespace common {

/// Outlives the devices that it watches.
class boot_trace {
 public:
  /// @throws failure
  explicit boot_trace(const std::string& path) : path_(path), file_(path), csv_(file_) {
    if (!file_) {
      throw failure{"cannot write the trace " + path_, std::error_code{errno, std::system_category()},
                    "its directory must exist and be writable"};
    }
  }

  [[nodiscard]] shoal::any_device watch(shoal::any_device device) {
    return shoal::any_device{shoal::logged{std::move(device), observer{this}}};
  }

  /// Says what was touched, and whether the file could be written. @throws failure
  void finish(std::FILE* out) {
    std::fprintf(out, "%llu reads of %s; they touched %zu blocks of 64 KiB, %s\n",
                 static_cast<unsigned long long>(reads_), format_size(bytes_).c_str(), touched_.size(),
                 format_size(touched_.size() * block).c_str());
    file_.close();
    if (!file_) {
      throw failure{"cannot write the trace " + path_, std::error_code{errno, std::system_category()}};
    }
  }

 private:
  static constexpr std::uint64_t block = 64u << 10;
  /// Others may read the trace while it grows: a device that boots next, for one.
  static constexpr std::chrono::milliseconds longest_held{200};

  /// Copied with its device, as the trace is not.
  struct observer {
    boot_trace* trace;
    void operator()(const shoal::io_event& event) const { trace->note(event); }
  };

  void note(const shoal::io_event& event) {
    csv_(event);
    if (event.time - flushed_ > longest_held) {
      file_.flush();
      flushed_ = event.time;
    }
    if (event.operation != shoal::io_operation::read || event.length == 0) return;
    ++reads_;
    bytes_ += event.length;
    for (std::uint64_t at = event.offset / block; at <= (event.offset + event.length - 1) / block; ++at) {
      touched_.insert(at);
    }
  }

  std::string path_;
  std::ofstream file_;
  shoal::trace_csv csv_;
  std::uint64_t reads_ = 0;
  std::uint64_t bytes_ = 0;
  std::set<std::uint64_t> touched_;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace common
