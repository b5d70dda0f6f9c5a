// SPDX-License-Identifier: BSL-1.0
//
// option_reader: the command line of a program that is started often: what CLI11 does, as far as that needs it,
// and without iostreams, which cost a program more than a small guest.
//
//     std::string record;
//     bool dry = false;
//     const option_reader reader{"shoal-tender", {{"--record", "URI", "record to", &record},
//                                                 {"--dry-run", "", "only print", &dry}}};
//     std::vector<std::string> words = reader.read(argc, argv);            // what is no option
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "message.hpp"

namespace common {

struct option {
  std::string_view name;   ///< with its two dashes
  std::string_view value;  ///< what --help calls its value
  std::string_view help;
  /// Where its presence goes, its value, or the values of all times that it is there.
  std::variant<bool*, std::string*, std::vector<std::string>*> to;
};

class option_reader {
 public:
  /// @param program  its name, for messages
  option_reader(std::string_view program, std::vector<option> options)
      : program_(program), options_(std::move(options)) {}

  /// Takes NAME VALUE, NAME=VALUE and NAME, wherever they are before "--". The words that are left.
  /// @throws failure
  [[nodiscard]] std::vector<std::string> read(int argc, char** argv) const {
    std::vector<std::string> words;
    std::vector<std::string_view> seen;
    int i = 1;
    for (; i < argc && std::string_view{argv[i]} != "--"; ++i) {
      const std::string_view word = argv[i];
      if (word.size() < 2 || word[0] != '-') {
        words.emplace_back(word);
        continue;
      }
      const std::size_t equals = std::min(word.find('='), word.size());
      const std::string name{word == "-h" ? "--help" : word.substr(0, equals)};
      const auto found = std::ranges::find(options_, name, &option::name);
      if (found == options_.end()) {
        throw wrong(name + ": there is no such option" +
                    (words.empty() ? "" : "; what is for " + words.front() + " itself goes behind --"));
      }
      const bool has_value = equals < word.size();
      if (bool* const* flag = std::get_if<bool*>(&found->to)) {
        if (has_value) throw wrong(name + " has no value");
        **flag = true;
        continue;
      }
      if (!has_value && ++i == argc) throw wrong(name + " needs a value: " + std::string{found->value});
      const std::string_view value = has_value ? word.substr(equals + 1) : std::string_view{argv[i]};
      if (std::vector<std::string>* const* list = std::get_if<std::vector<std::string>*>(&found->to)) {
        (*list)->emplace_back(value);
        continue;
      }
      if (std::ranges::find(seen, found->name) != seen.end()) throw wrong(name + " is given twice");
      seen.push_back(found->name);
      *std::get<std::string*>(found->to) = value;
    }
    if (i < argc) words.insert(words.end(), argv + i + 1, argv + argc);
    return words;
  }

  /// A mistake on the command line.
  [[nodiscard]] failure wrong(const std::string& what) const {
    return failure{what, program_ + " --help tells how to use it, with examples", exit_usage};
  }

  /// The options, for --help.
  void print() const {
    for (const option& each : options_) {
      const std::string names = std::string{each.name} + " " + std::string{each.value};
      std::string help{each.help};
      for (std::size_t at = help.find('\n'); at != help.npos; at = help.find('\n', at + 1)) {
        help.insert(at + 1, 30, ' ');
      }
      std::printf("  %-27s %s\n", names.c_str(), help.c_str());
    }
  }

 private:
  std::string program_;
  std::vector<option> options_;
};

}  // namespace common
