// SPDX-License-Identifier: BSL-1.0
//
// Options that say how often to look (500ms, 5s, 1m, 1h), and how many times.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

/// @param seconds  has the default
inline CLI::Option* add_period(CLI::App& app, const std::string& name, double& seconds,
                               const std::string& help) {
  return app.add_option(name, seconds, help)
      ->type_name("TIME")
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}},
                                CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME"))
      ->check(CLI::Range(0.001, 86400.0 * 366));
}

/// @param count  0 stays where none is given: no end
inline CLI::Option* add_count(CLI::App& app, std::uint64_t& count) {
  return app.add_option("--count", count, "end after so many looks; default: when it is interrupted")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
}

[[nodiscard]] inline std::chrono::nanoseconds in_nanoseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{seconds});
}
