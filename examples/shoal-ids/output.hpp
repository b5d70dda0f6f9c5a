// SPDX-License-Identifier: BSL-1.0
//
// output: what a command says, as lines for people, as objects of JSON, or as a CBOR sequence of maps.
//
//     out.put("up for 12 s", {{"seconds", std::uint64_t{12}}});
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <shoal/vmi/address.hpp>

enum class output_form : std::uint8_t { text, json, cbor };

/// Addresses are texts in JSON, whose numbers end at 2^53.
struct field {
  std::string_view name;
  std::variant<std::uint64_t, std::string, bool, shoal::vmi::virtual_address> value;
};

/// `{"pid":1}`; texts may hold any bytes.
[[nodiscard]] std::string to_json(const std::vector<field>& fields);

class output {
 public:
  /// Where it goes: the bytes of a line with its end, or of a map.
  using sink = std::function<void(std::string_view)>;

  output(output_form form, sink to) : form_(form), to_(std::move(to)) {}

  /// To standard output.
  [[nodiscard]] static output standard(output_form form);

  /// One thing.
  /// @param line    for people, printable
  /// @param fields  for programs; texts may hold any bytes of the guest's
  void put(const std::string& line, std::vector<field> fields) const;
  /// What only people read.
  void heading(const std::string& line) const;

 private:
  output_form form_;
  sink to_;
};
