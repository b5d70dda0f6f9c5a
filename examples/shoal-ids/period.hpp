// SPDX-License-Identifier: BSL-1.0
//
// An option that takes a time between two looks: 500ms, 5s, 1m, 1h.
#pragma once

#include <chrono>
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

[[nodiscard]] inline std::chrono::nanoseconds in_nanoseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{seconds});
}
