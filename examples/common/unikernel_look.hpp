// SPDX-License-Identifier: BSL-1.0
//
// unikernel_look: what people want to know of a unikernel's memory, in the words of command lines: whether text
// and constants are the file's, and globals, by "NAME" or "NAME=LEAST..MOST".
//
//     common::unikernel_look look{"guest", file, {"count", "state=0..3"}};
//     const std::vector<finding> wrong = look.findings(memory);
//     for (const common::global_change& each : look.changes(memory)) print(each.text());
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/physical_memory.hpp>
#include <shoal/vmi/unikernel_check.hpp>
#include <shoal/vmi/unikernel_image.hpp>

#include "message.hpp"

namespace common {

/// A global has another value than at the look before.
struct global_change {
  std::string name;
  shoal::vmi::global_value now;
  std::optional<shoal::vmi::global_value> before;  ///< none at the first look

  /// "count is 2, was 1"
  [[nodiscard]] std::string text() const {
    return name + " is " + now.text() + (before ? ", was " + before->text() : "");
  }
};

class unikernel_look {
 public:
  /// @param name     of the file, for messages
  /// @param file     the unikernel's ELF file; outlives this
  /// @param globals  each "NAME", of which changes are told, or "NAME=LEAST..MOST"
  /// @throws failure
  unikernel_look(const std::string& name, shoal::bytes_view file, const std::vector<std::string>& globals)
      : image_(parse(name, file)) {
    for (const std::string& each : globals) add(name, each);
  }

  /// What is not as it should be.
  template <shoal::vmi::physical_memory M>
  [[nodiscard]] std::vector<shoal::vmi::finding> findings(const M& memory) const {
    std::vector<shoal::vmi::finding> found = check_unikernel(memory, image_);
    for (const checked& each : checked_) {
      if (auto wrong = check_global(memory, each.symbol, each.range)) found.push_back(std::move(*wrong));
    }
    return found;
  }

  /// What has changed since the last time; at the first, all globals that can be read.
  template <shoal::vmi::physical_memory M>
  [[nodiscard]] std::vector<global_change> changes(const M& memory) {
    std::vector<global_change> out;
    for (watched& each : watched_) {
      const shoal::status_or<shoal::vmi::global_value> now = read_global(memory, each.symbol);
      if (!now || each.last == *now) continue;
      out.push_back({shoal::vmi::printable(each.symbol.name), *now, each.last});
      each.last = *now;
    }
    return out;
  }

 private:
  struct watched {
    shoal::vmi::unikernel_symbol symbol;
    std::optional<shoal::vmi::global_value> last;
  };
  struct checked {
    shoal::vmi::unikernel_symbol symbol;
    shoal::vmi::global_range range;
  };

  static shoal::vmi::unikernel_image parse(const std::string& name, shoal::bytes_view file) {
    auto read = shoal::vmi::unikernel_image::parse(file);
    if (read) return std::move(*read);
    throw failure{"cannot read the segments and symbols of " + name, read.error(),
                  "give the ELF file of a unikernel, as the linker wrote it"};
  }

  void add(const std::string& file, const std::string& given) {
    const std::size_t equals = given.find('=');
    const std::string name = given.substr(0, equals);
    const shoal::vmi::unikernel_symbol symbol = find(file, name);
    if (equals == given.npos) {
      watched_.push_back({symbol, std::nullopt});
      return;
    }
    const auto range = shoal::vmi::global_range::parse(std::string_view{given}.substr(equals + 1));
    if (!range) {
      throw failure{"'" + given.substr(equals + 1) + "' is no range of values for " + name,
                    "give LEAST..MOST, such as 0..100 or -1..1", exit_usage};
    }
    if (symbol.size != 1 && symbol.size != 2 && symbol.size != 4 && symbol.size != 8) {
      throw failure{name + " has " + std::to_string(symbol.size) + " bytes, which is no number",
                    "give it without a range, and its changes are told", exit_usage};
    }
    checked_.push_back({symbol, *range});
  }

  [[nodiscard]] shoal::vmi::unikernel_symbol find(const std::string& file, const std::string& name) const {
    const shoal::result<shoal::vmi::unikernel_symbol> found = image_.find(name);
    if (!found) {
      if (image_.symbol_count() == 0) {
        throw failure{file + " has no symbols: it was stripped", "give the file that the linker wrote",
                      exit_usage};
      }
      const bool several = found.error() == shoal::errc::invalid_argument;
      throw failure{several ? "several sources of " + file + " have a '" + name + "'"
                            : file + " has no '" + name + "' in its memory",
                    several ? "one that is not static can be watched" : "nm " + file + " prints what it has",
                    exit_usage};
    }
    if (found->size == 0 || found->size > shoal::vmi::max_global) {
      throw failure{found->size == 0 ? file + " does not say how large " + name + " is"
                                     : name + " has " + std::to_string(found->size) + " bytes",
                    "globals of 1 to " + std::to_string(shoal::vmi::max_global) + " bytes can be watched",
                    exit_usage};
    }
    return *found;
  }

  shoal::vmi::unikernel_image image_;
  std::vector<watched> watched_;
  std::vector<checked> checked_;
};

}  // namespace common
