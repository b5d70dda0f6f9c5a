// SPDX-License-Identifier: BSL-1.0
//
// gpio_script: calls of a GPIO chip as people write them, one a line, and running them on any chip.
//
//     output 0 0      # line 0, low from the start
//     input 1 up      # pulled up; also: down, edges
//     set 0 1
//     get 1           # prints "1 = 0"
//     wait 100ms
//     repeat 5        # what stands above, five times in all
//     release 0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <shoal/base/error.hpp>
#include <shoal/hal/gpio_chip.hpp>
#include <shoal/monitor/rule_file.hpp>

#include "../common/message.hpp"
#include "../common/read_file.hpp"

class gpio_script {
 public:
  /// @throws common::failure
  explicit gpio_script(const std::string& path) : path_(path) {
    std::istringstream lines{
        common::read_file(path, "script", 1u << 20, "shoal-record record --help tells how it is written")};
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number)
      read(line.substr(0, line.find('#')), number);
  }

  /// Runs it to its end, or until `stop`; false then. What fails is told, and counted.
  /// @param may_pause  called before each wait; it goes on at once where that says false
  template <shoal::hal::gpio_chip Chip, std::predicate Pausing>
  bool run(Chip& chip, const std::stop_token& stop, Pausing may_pause) {
    for (std::size_t round = 0; round < rounds_; ++round) {
      for (const call& each : calls_) {
        if (stop.stop_requested()) return false;
        if (each.what == verb::wait) {
          if (may_pause()) pause(std::chrono::nanoseconds{each.time}, stop);
          continue;
        }
        const shoal::status done = make(chip, each);
        if (done == shoal::status::ok) continue;
        ++failures_;
        std::fprintf(stderr, "%s:%zu: '%s': %s\n", path_.c_str(), each.number, each.text.c_str(),
                     make_error_code(done).message().c_str());
      }
    }
    return true;
  }

  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

 private:
  enum class verb : std::uint8_t { output, input, set, get, release, wait };
  struct call {
    verb what = verb::get;
    std::uint32_t line = 0;
    bool level = false;
    shoal::hal::gpio_config config;
    std::uint64_t time = 0;
    std::size_t number = 0;
    std::string text;
  };

  template <class Chip>
  static shoal::status make(Chip& chip, const call& each) {
    switch (each.what) {
      case verb::output:
      case verb::input: return chip.request(each.line, each.config);
      case verb::set: return chip.write(each.line, each.level);
      case verb::release: return chip.release(each.line);
      default: break;
    }
    const shoal::status_or<bool> level = chip.read(each.line);
    if (level) std::printf("%u = %d\n", each.line, *level ? 1 : 0);
    return level.code;
  }

  static void pause(std::chrono::nanoseconds time, const std::stop_token& stop) {
    const auto end = std::chrono::steady_clock::now() + time;
    constexpr std::chrono::milliseconds piece{20};  // Ctrl-C does not wait for the end of a long pause
    while (!stop.stop_requested() && std::chrono::steady_clock::now() + piece < end)
      std::this_thread::sleep_for(piece);
    if (!stop.stop_requested()) std::this_thread::sleep_until(end);
  }

  void read(const std::string& line, std::size_t number) {
    std::istringstream words{line};
    std::string name;
    if (!(words >> name)) return;
    const auto fail = [&](const std::string& advice) {
      throw common::failure{path_ + ":" + std::to_string(number) + ": '" + line + "' is no call of a GPIO chip",
                            advice, common::exit_usage};
    };
    call each;
    each.number = number;
    each.text = line.substr(line.find_first_not_of(" \t"));
    std::vector<std::string> rest;
    for (std::string word; words >> word;) rest.push_back(word);
    constexpr std::uint64_t none = ~std::uint64_t{0};
    const std::uint64_t first = rest.empty() ? none : shoal::monitor::parse_number(rest[0]).value_or(none);
    if (name == "wait") {
      const auto time = rest.size() == 1 ? shoal::monitor::parse_duration(rest[0]) : std::nullopt;
      if (!time) fail("write wait TIME, as wait 100ms");
      each.what = verb::wait;
      each.time = *time;
    } else if (name == "repeat") {
      if (rest.size() != 1 || first == 0 || first > 1'000'000'000) fail("write repeat N, as repeat 5");
      rounds_ = static_cast<std::size_t>(first);
      return;
    } else {
      if (first > 0xffff'ffff) fail("write output, input, set, get or release, then the number of a line");
      each.line = static_cast<std::uint32_t>(first);
      const bool level_there = rest.size() == 2 && (rest[1] == "0" || rest[1] == "1");
      each.level = level_there && rest[1] == "1";
      if (name == "output" && (rest.size() == 1 || level_there)) {
        each.what = verb::output;
        each.config.direction = shoal::hal::gpio_direction::output;
        each.config.level = each.level;
      } else if (name == "set" && level_there) {
        each.what = verb::set;
      } else if ((name == "get" || name == "release") && rest.size() == 1) {
        each.what = name == "get" ? verb::get : verb::release;
      } else if (name == "input") {
        each.what = verb::input;
        for (std::size_t i = 1; i < rest.size(); ++i) {
          if (rest[i] == "up") {
            each.config.bias = shoal::hal::gpio_bias::pull_up;
          } else if (rest[i] == "down") {
            each.config.bias = shoal::hal::gpio_bias::pull_down;
          } else if (rest[i] == "edges") {
            each.config.edges = shoal::hal::gpio_edge::both;
          } else {
            fail("write input LINE, and perhaps up, down or edges");
          }
        }
      } else {
        fail(
            "write output LINE [0|1], input LINE [up|down] [edges], set LINE 0|1, get LINE, release LINE, wait "
            "TIME");
      }
    }
    calls_.push_back(std::move(each));
  }

  std::string path_;
  std::vector<call> calls_;
  std::size_t rounds_ = 1;
  std::size_t failures_ = 0;
};
