// SPDX-License-Identifier: BSL-1.0
//
// What the tests of this room share: hexadecimal both ways, and the strings of a JSON file by their names.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>

namespace vectors {

inline std::string hex(shoal::bytes_view bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
    text += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
  }
  return text;
}

inline std::vector<std::byte> unhex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  }
  return bytes;
}

/// A file of the conformance data; empty when there is none.
inline std::string fixture(const std::string& name) {
  std::ifstream file(std::filesystem::path{SHOAL_FIXTURES} / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Every string of that name in a JSON text, in order; the data has no escapes.
inline std::vector<std::string> strings_of(const std::string& json, const std::string& name) {
  std::vector<std::string> found;
  const std::string head = '"' + name + "\": \"";
  for (std::size_t at = json.find(head); at != json.npos; at = json.find(head, at)) {
    at += head.size();
    found.push_back(json.substr(at, json.find('"', at) - at));
  }
  return found;
}

}  // namespace vectors
