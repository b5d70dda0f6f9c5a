// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/event_text.hpp>

#include <doctest/doctest.h>

#include <string>

#include <shoal/vmi/finding.hpp>

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
  for (unsigned what = 0; what <= static_cast<unsigned>(shoal::hal::last_access); ++what) {
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

TEST_CASE("disks, flows and findings read as what happened to whom") {
  const auto text = [](const access_record& each) { return to_text(each, "x"); };
  CHECK(text({.address = 4096, .value = 512, .what = kind::disk_write}) == "x disk_write 4096+512");
  const flow out{*parse_ip("192.0.2.1"), 40000, 443, ip_protocol::tcp, true};
  CHECK(text(out.record(kind::flow_out, 0)) == "x flow_out tcp 192.0.2.1:443 from 40000");
  const flow in{*parse_ip("2001:db8::1"), 53, 50000, ip_protocol::udp, false};
  CHECK(text(in.record(kind::flow_out, 0)) == "x flow_in udp 53 from [2001:db8::1]:50000");
  CHECK(text(in.record(kind::frame_out, 0)) == "x frame_in udp 53 from [2001:db8::1]:50000");
  const flow ping{*parse_ip("192.0.2.1"), 0, 0, ip_protocol::icmp, false};
  CHECK(text(ping.record(kind::flow_out, 0)) == "x flow_in icmp from 192.0.2.1");
  CHECK(text({.address = 0xffffffff81000000, .value = 4, .what = kind::finding}) ==
        "x finding code-changed at 0xffffffff81000000");
  CHECK(to_json(out.record(kind::flow_out, 0), "net") ==
        "\"source\":\"net\",\"what\":\"flow_out\",\"protocol\":6,\"peer\":\"192.0.2.1\",\"peer_port\":443,"
        "\"own_port\":40000");
}

TEST_CASE("transfers of I2C read as the bytes that went over the bus, in their order") {
  const auto text = [](const access_record& each) { return to_text(each, "bus"); };
  CHECK(text({.address = 0x50, .value = 0x0129, .what = kind::i2c_write, .width = 2}) ==
        "bus i2c_write 0x50 = 29 01");
  CHECK(text({.address = 0x50, .value = 0xff, .repeats = 1, .what = kind::i2c_read, .width = 1}) ==
        "bus i2c_read 0x50 = ff x 2");
  CHECK(text({.address = 8, .value = 0x0706050403020100, .what = kind::i2c_write, .width = 12}) ==
        "bus i2c_write 0x8 12 bytes = 00 01 02 03 04 05 06 07");
  CHECK(text({.address = 8, .what = kind::i2c_read, .width = 255}) ==
        "bus i2c_read 0x8 255 or more bytes = 00 00 00 00 00 00 00 00");
  CHECK(text({.address = 8, .value = 0x0908, .what = kind::i2c_more, .width = 2}) ==
        "bus i2c_more 0x8 = 08 09");
  CHECK(text({.address = 8, .what = kind::i2c_failed, .width = 1}) == "bus i2c_failed 0x8");
  CHECK(to_json(access_record{.address = 0x50, .value = 0x0129, .what = kind::i2c_write, .width = 2}, "bus") ==
        "\"source\":\"bus\",\"what\":\"i2c_write\",\"address\":\"0x50\",\"width\":2,\"bytes\":\"2901\","
        "\"repeats\":0");
}

TEST_CASE("findings have the names that introspection gives them") {
  for (std::size_t i = 0; i < finding_names.size(); ++i) {
    CHECK(finding_names[i] == shoal::vmi::name_of(static_cast<shoal::vmi::finding_kind>(i)));
  }
  CHECK(finding_names.size() == static_cast<std::size_t>(shoal::vmi::finding_kind::global_outside) + 1);
}
