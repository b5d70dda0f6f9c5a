// SPDX-License-Identifier: BSL-1.0
//
// read_file: small files that people name on command lines: keys, rules, traces.
//
//     const std::string text = common::read_file(path, "swarm key", 64_KiB, "Kubo calls it swarm.key");
#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <system_error>

#include "message.hpp"

namespace common {

/// The whole of a file, or of a pipe.
/// @param what  it is  @param most  bytes that one can have  @throws failure
inline std::string read_file(const std::string& path, const std::string& what, std::uintmax_t most,
                             const std::string& next_step) {
  const auto fail = [&](std::error_code why) {
    throw failure{"cannot read the " + what + " " + path, why, next_step};
  };
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) fail(make_error_code(std::errc::is_a_directory));
  std::ifstream file{path, std::ios::binary};
  if (!file) fail({errno, std::system_category()});
  std::string content;
  constexpr std::size_t piece = 1u << 16;
  while (file && content.size() <= most) {
    const std::size_t before = content.size();
    content.resize(before + piece);
    file.read(content.data() + before, piece);
    content.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) fail(make_error_code(std::errc::io_error));
  if (content.size() > most) fail(make_error_code(std::errc::file_too_large));
  return content;
}

}  // namespace common
