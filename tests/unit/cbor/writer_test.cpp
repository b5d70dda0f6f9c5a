// SPDX-License-Identifier: BSL-1.0
#include <shoal/cbor/writer.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstdint>

#include <doctest/doctest.h>

namespace {

using shoal::bytes_view;
using namespace shoal::cbor;

bool is(bytes_view written, std::initializer_list<int> expected) {
  return std::ranges::equal(written, expected, {}, [](std::byte b) { return std::to_integer<int>(b); });
}

TEST_CASE("every kind of item is written as RFC 8949 shows it") {
  std::array<std::byte, 64> buffer;
  const auto written = [&](auto&& write) {
    span_output out{buffer};
    writer writer{out};
    write(writer);
    return out.written();
  };
  CHECK(is(written([](auto& w) { w.unsigned_integer(1000); }), {0x19, 0x03, 0xe8}));
  CHECK(is(written([](auto& w) { w.integer(-1000); }), {0x39, 0x03, 0xe7}));
  CHECK(is(written([](auto& w) { w.integer(23); }), {0x17}));
  CHECK(is(written([](auto& w) { w.integer(INT64_MIN); }), {0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255}));
  CHECK(is(written([](auto& w) { w.bytes(shoal::as_bytes("ab")); }), {0x42, 'a', 'b'}));
  CHECK(is(written([](auto& w) { w.text("ab"); }), {0x62, 'a', 'b'}));
  CHECK(is(written([](auto& w) { w.array(2), w.null(), w.boolean(true); }), {0x82, 0xf6, 0xf5}));
  CHECK(is(written([](auto& w) { w.map(1), w.text("k"), w.boolean(false); }), {0xa1, 0x61, 'k', 0xf4}));
  CHECK(is(written([](auto& w) { w.tag(42), w.bytes({}); }), {0xd8, 42, 0x40}));
  CHECK(is(written([](auto& w) { w.floating(1.1); }), {0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a}));
}

TEST_CASE("what does not fit is not written by halves") {
  std::array<std::byte, 4> buffer;
  span_output out{buffer};
  writer writer{out};
  writer.text("abc");
  CHECK(out.written().size() == 4);
  writer.null();
  CHECK(out.full());
  CHECK(out.written().empty());
}

}  // namespace
