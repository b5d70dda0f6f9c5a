// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/event_text.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace shoal::monitor;
using kind = shoal::hal::access;  // the C library has an access() of its own
using shoal::hal::access_record;

}  // namespace

TEST_CASE("accesses read as what was done, to what, with what") {
  const auto text = [](const access_record& each) { return to_text(each, "chip"); };
  CHECK(text({.address = 17, .value = 1, .what = kind::line_set}) == "chip line_set 17 = 1");
  CHECK(text({.address = 3, .value = 5, .what = kind::lines_get, .width = 3}) == "chip lines_get 3-5 = 0x5");
  CHECK(text({.address = 17, .what = kind::line_release}) == "chip line_release 17");
  CHECK(text({.value = 9, .what = kind::lost}) == "chip lost 9 accesses");
  CHECK(to_text({.address = 0x3f8, .value = 0x41, .repeats = 2, .what = kind::out, .width = 1}, "") ==
        "out8 0x3f8 = 0x41 x 3");
  for (unsigned what = 0; what <= static_cast<unsigned>(kind::lost); ++what) {
    CHECK(name_of(static_cast<kind>(what)) != "unknown");
  }
}

TEST_CASE("alerts say when, which rule, why, and what was done about it") {
  alert raised{1'700'000'000'000'000'001, rule_kind::rate, "relay", {.address = 17, .value = 1}, true};
  raised.access.what = kind::line_set;
  CHECK(to_text(raised, "chip") ==
        "2023-11-14T22:13:20.000000001Z alert relay: too often: chip line_set 17 = 1, denied");
  CHECK(to_json(raised, "a\"b\n") ==
        "{\"alert\":\"relay\",\"time\":\"2023-11-14T22:13:20.000000001Z\",\"reason\":\"too "
        "often\",\"denied\":true,"
        "\"source\":\"a\\\"b\\u000a\",\"what\":\"line_set\",\"address\":\"0x11\",\"width\":0,\"value\":\"0x1\","
        "\"repeats\":0}");
}

TEST_CASE("every time has a text") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00.000000000Z");
  CHECK(utc_text(951'782'400'000'000'000) == "2000-02-29T00:00:00.000000000Z");
  CHECK(utc_text(~std::uint64_t{0}) == "2554-07-21T23:34:33.709551615Z");
}
