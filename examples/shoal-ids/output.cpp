// SPDX-License-Identifier: BSL-1.0
//
// Text, JSON and CBOR.
#include "output.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <shoal/cbor/utf8.hpp>
#include <shoal/cbor/writer.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/saved_form.hpp>

namespace {

using shoal::vmi::virtual_address;

/// A guest's bytes as JSON and CBOR take them: as they are where they are UTF-8.
std::string as_utf8(const std::string& text) {
  return shoal::cbor::is_utf8(shoal::as_bytes(text)) ? text : shoal::vmi::printable(text);
}

std::vector<std::byte> to_cbor(std::vector<field> fields) {
  // the order that deterministic CBOR wants of keys of less than 24 bytes
  std::ranges::sort(fields, [](const field& a, const field& b) {
    return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
  });
  shoal::vmi::saved_output out;
  shoal::cbor::writer writer{out};
  writer.map(fields.size());
  for (const field& each : fields) {
    writer.text(each.name);
    if (const auto* number = std::get_if<std::uint64_t>(&each.value)) writer.unsigned_integer(*number);
    if (const auto* text = std::get_if<std::string>(&each.value)) writer.text(as_utf8(*text));
    if (const auto* truth = std::get_if<bool>(&each.value)) writer.boolean(*truth);
    if (const auto* address = std::get_if<virtual_address>(&each.value))
      writer.unsigned_integer(value(*address));
  }
  return std::move(out.bytes);
}

}  // namespace

std::string to_json(const std::vector<field>& fields) {
  std::string out = "{";
  for (const field& each : fields) {
    if (out.size() > 1) out += ',';
    out += shoal::monitor::json_text(each.name) + ":";
    if (const auto* number = std::get_if<std::uint64_t>(&each.value)) out += std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&each.value))
      out += shoal::monitor::json_text(as_utf8(*text));
    if (const auto* truth = std::get_if<bool>(&each.value)) out += *truth ? "true" : "false";
    if (const auto* address = std::get_if<virtual_address>(&each.value)) {
      out += '"' + shoal::vmi::hexadecimal(value(*address)) + '"';
    }
  }
  return out + '}';
}

output output::standard(output_form form) {
  // a full disk is told by the program's end
  return {form, [](std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }};
}

void output::put(const std::string& line, std::vector<field> fields) const {
  if (form_ == output_form::text) to_(line + '\n');
  if (form_ == output_form::json) to_(to_json(fields) + '\n');
  if (form_ == output_form::cbor) to_(shoal::as_text(to_cbor(std::move(fields))));
}

void output::heading(const std::string& line) const {
  if (form_ == output_form::text) to_(line + '\n');
}
