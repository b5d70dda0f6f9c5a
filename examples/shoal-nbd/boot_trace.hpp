// SPDX-License-Identifier: BSL-1.0
//
// boot_trace: what clients asked for, request by request as CSV and summed up at the end: how much of an image
// a boot touches decides how much of it has to travel.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ostream>
#include <set>

#include <shoal/block/filter/logged.hpp>
#include <shoal/block/trace_csv.hpp>

#include "../common/size.hpp"

class boot_trace {
 public:
  explicit boot_trace(std::ostream& out) : csv_(out) {}

  void operator()(const shoal::io_event& event) {
    csv_(event);
    if (event.operation != shoal::io_operation::read || event.length == 0) return;
    ++reads_;
    bytes_ += event.length;
    for (std::uint64_t at = event.offset / block; at <= (event.offset + event.length - 1) / block; ++at) {
      touched_.insert(at);
    }
  }

  void report(std::FILE* out) const {
    std::fprintf(out, "%llu reads of %s; they touched %zu blocks of 64 KiB, %s\n",
                 static_cast<unsigned long long>(reads_), common::format_size(bytes_).c_str(), touched_.size(),
                 common::format_size(touched_.size() * block).c_str());
  }

 private:
  static constexpr std::uint64_t block = 64u << 10;

  shoal::trace_csv csv_;
  std::uint64_t reads_ = 0;
  std::uint64_t bytes_ = 0;
  std::set<std::uint64_t> touched_;
};

/// An observer that is copied with its device, of a trace that is not.
struct trace_observer {
  boot_trace* trace;
  void operator()(const shoal::io_event& event) const { (*trace)(event); }
};
