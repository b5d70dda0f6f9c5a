// SPDX-License-Identifier: BSL-1.0
//
// Heads and bodies say the same however the stream is cut, stay within their limits, and a head that was read
// can be written so that it is read as the same. The first byte chooses: its lowest bit whether the stream is a
// client's or a server's, the others the cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/percent_coding.hpp>
#include <shoal/http/body_reader.hpp>
#include <shoal/http/etag.hpp>
#include <shoal/http/head_reader.hpp>
#include <shoal/http/head_writer.hpp>
#include <shoal/http/media_range.hpp>
#include <shoal/http/request_head.hpp>
#include <shoal/http/response_head.hpp>
#include <shoal/http/target.hpp>
#include <shoal/http/url.hpp>

namespace {

using namespace shoal::http;
using shoal::append_percent_encoded;
using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::percent_decode;
using shoal::result;

void require(bool truth) {
  if (!truth) std::abort();
}

struct message {
  std::vector<char> head;
  std::string body;
  std::size_t consumed = 0;
  std::error_code error;
  bool ended = false;
  friend bool operator==(const message&, const message&) = default;
};

result<body_length> length_of(std::vector<char> head, bool from_client) {
  if (from_client) {
    const result<request_head> request = request_head::parse(std::move(head));
    if (!request) return request.error();
    return request->body;
  }
  const result<response_head> response = response_head::parse(std::move(head), "GET");
  if (!response) return response.error();
  return response->body;
}

/// Reads one message from a stream that comes in pieces of `stride` bytes.
message read(std::string_view stream, std::size_t stride, bool from_client) {
  message out;
  std::size_t given = 0;
  bytes_view in;
  const auto more = [&] {
    if (given == stream.size()) return false;
    in = as_bytes(stream.substr(given, stride));
    given += in.size();
    return true;
  };
  head_reader heads;
  while (true) {
    const result<bool> whole = heads.next(in);
    if (!whole) {
      out.error = whole.error();
      return out;
    }
    if (*whole) break;
    require(in.empty());
    if (!more()) return out;
  }
  out.head = heads.take();
  require(out.head.size() <= max_head_size);
  const result<body_length> length = length_of(out.head, from_client);
  if (!length) {
    out.error = length.error();
    return out;
  }
  // of a request nothing more is read than is announced
  const bool none = from_client && length->how == body_length::kind::unsaid;
  body_reader body{none ? body_length{body_length::kind::sized, 0} : *length};
  while (!body.ended()) {
    const result<bytes_view> part = body.next(in);
    if (!part) {
      out.error = part.error();
      return out;
    }
    out.body += as_text(*part);
    if (part->empty() && !body.ended() && !more()) break;
  }
  out.consumed = given - in.size();
  out.error = body.end_of_stream().error();
  out.ended = body.ended();
  return out;
}

void check_fields(const field_list& fields, head_writer head) {
  require(fields.size() <= field_list::max_fields);
  for (const field& each : fields) head.field(each.name, each.value);
  const std::string written = std::move(head).finish();
  bytes_view in = as_bytes(written);
  head_reader reader;
  const result<bool> whole = reader.next(in);
  if (!whole) return;  // a canonical head may be longer: "a:b" becomes "a: b"
  require(*whole && in.empty());
  const std::vector<char> text = reader.take();
  const std::string_view all{text.data(), text.size()};
  const result<field_list> again = field_list::parse(all.substr(all.find("\r\n") + 2));
  require(again.has_value() && again->size() == fields.size());
  require(std::ranges::equal(
      *again, fields, [](const field& a, const field& b) { return a.name == b.name && a.value == b.value; }));
  for (const field& each : fields) {
    (void)any_etag_matches(each.value, "\"a\"");
    for (std::string_view rest = each.value; !rest.empty();) require(take_media_range(rest).quality() <= 1000);
    if (const result<url> place = url::parse(each.value)) {
      const std::string text_again =
          (place->secure ? "https://" : "http://") + place->authority() + place->target;
      require(*url::parse(text_again) == *place);
    }
  }
}

void check_head(const message& m, bool from_client) {
  if (!from_client) {
    const result<response_head> head = response_head::parse(m.head, "GET");
    if (head) check_fields(head->fields, head_writer::response(head->status));
    return;
  }
  const result<request_head> head = request_head::parse(m.head);
  if (!head) return;
  require(!head->target.empty() && head->target.front() == '/');
  check_fields(head->fields, head_writer::request(head->method, head->target));
  const target_parts parts = split_target(head->target);
  if (const result<std::string> path = percent_decode(parts.path)) {
    std::string encoded;
    append_percent_encoded(encoded, *path);
    require(*percent_decode(encoded) == *path);
  }
  for (std::string_view rest = parts.query; !rest.empty();) (void)take_parameter(rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool from_client = data[0] % 2 != 0;
  const std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
  const message whole = read(stream, std::max<std::size_t>(stream.size(), 1), from_client);
  const message cut = read(stream, data[0] / 2 % 64 + 1u, from_client);
  require(whole.head == cut.head && whole.error == cut.error && whole.ended == cut.ended);
  // an error may be met before or after the bytes in front of it were given
  require(whole.error || whole == cut);
  check_head(whole, from_client);
  return 0;
}
