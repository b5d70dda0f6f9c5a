// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/protobuf.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::protobuf_type;
using shoal::take_protobuf_field;

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

shoal::result<shoal::protobuf_field> only_field(const std::vector<std::byte>& input) {
  bytes_view rest = input;
  auto field = take_protobuf_field(rest);
  CHECK(rest.size() == (field ? 0 : input.size()));
  return field;
}

TEST_CASE("a field of each wire type is read") {
  CHECK(only_field(bytes({0x08, 0x96, 0x01}))->value == 150);
  CHECK(only_field(bytes({0x09, 1, 2, 0, 0, 0, 0, 0, 0}))->value == 513);
  CHECK(only_field(bytes({0x0d, 1, 2, 0, 0}))->value == 513);
  const auto text = bytes({0x12, 2, 'o', 'k'});
  const auto field = only_field(text);
  REQUIRE(field);
  CHECK(field->number == 2);
  CHECK(field->type == protobuf_type::bytes);
  CHECK(shoal::as_text(field->bytes) == "ok");
}

TEST_CASE("what is written is read back, up to the largest number") {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) {
    std::vector<std::byte> out;
    shoal::append_protobuf_number(out, 3, value);
    CHECK(out.size() == 1 + shoal::protobuf_varint_size(value));
    const auto field = only_field(out);
    REQUIRE(field);
    CHECK(field->is_varint(3));
    CHECK(field->value == value);
  }
}

TEST_CASE("fields that cannot be are refused") {
  CHECK(only_field(bytes({0x00, 0})).error() == errc::malformed);  // number 0
  CHECK(only_field(bytes({0x0e, 0})).error() == errc::malformed);  // wire type 6
  CHECK(only_field(bytes({0x0b, 0x0c})).error() == errc::unsupported);
  CHECK(only_field(bytes({0x80, 0x80, 0x80, 0x80, 0x10, 0})).error() == errc::malformed);  // number 2^29
  CHECK(only_field(bytes({0x08})).error() == errc::truncated);
  CHECK(only_field(bytes({0x09, 1, 2, 3})).error() == errc::truncated);
  CHECK(only_field(bytes({0x0d, 1})).error() == errc::truncated);
  CHECK(only_field(bytes({0x0a, 5, 1})).error() == errc::truncated);
  CHECK(only_field(bytes({0x0a, 0x80, 0x80, 0x80, 0x80, 0x10, 1})).error() == errc::truncated);  // 2^32
}

}  // namespace
