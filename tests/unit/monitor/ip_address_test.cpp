// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/ip_address.hpp>  // first: shows that the header stands alone

#include <string>

#include <doctest/doctest.h>

#include <shoal/monitor/flow.hpp>

namespace {

using namespace shoal::monitor;

std::string again(const char* text) {
  const auto read = parse_ip(text);
  return read ? to_text(*read) : "none";
}

TEST_CASE("addresses are written in their canonical form") {
  CHECK(again("192.0.2.1") == "192.0.2.1");
  CHECK(again("0.0.0.0") == "0.0.0.0");
  CHECK(again("255.255.255.255") == "255.255.255.255");
  CHECK(again("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(again("2001:DB8:0:0:0:0:0:1") == "2001:db8::1");
  CHECK(again("::") == "::");
  CHECK(again("::1") == "::1");
  CHECK(again("1::") == "1::");
  CHECK(again("fe80::1:0:0:2") == "fe80::1:0:0:2");
  CHECK(again("1:0:0:2:0:0:0:3") == "1:0:0:2::3");
  CHECK(again("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
  CHECK(again("64:ff9b::192.0.2.33") == "64:ff9b::c000:221");
}

TEST_CASE("what is no address is none") {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "256.1.1.1",
                           "1.2.3.4 ",
                           "0001.2.3.4",
                           ":",
                           ":::",
                           "1::2::3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "12345::",
                           "1:",
                           "g::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1.2.3",
                           "-1.2.3.4",
                           "::1%eth0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("addresses match by their first bits") {
  const ip_address net = *parse_ip("192.0.2.0");
  CHECK(net.matches(*parse_ip("192.0.2.255"), 96 + 24));
  CHECK_FALSE(net.matches(*parse_ip("192.0.3.0"), 96 + 24));
  CHECK(net.matches(*parse_ip("192.0.3.0"), 96 + 23));
  CHECK_FALSE(net.matches(*parse_ip("192.0.2.1"), 128));
  CHECK_FALSE(net.matches(*parse_ip("2001:db8::1"), 96));
  const ip_address six = *parse_ip("2001:db8::");
  CHECK(six.matches(*parse_ip("2001:db8:1::"), 32));
  CHECK_FALSE(six.matches(*parse_ip("2001:db9::"), 32));
  CHECK(six.matches(*parse_ip("2001:db8::1"), 64));
  CHECK(six.matches(net, 0));
}

TEST_CASE("a flow is a record and comes back from it") {
  const flow out{*parse_ip("2001:db8::1"), 40000, 443, ip_protocol::tcp, true};
  const shoal::hal::access_record record = out.record(shoal::hal::access::flow_out, 3);
  CHECK(record.what == shoal::hal::access::flow_out);
  CHECK(record.source == 3);
  CHECK(flow::of(record) == out);
  CHECK(out.service() == 443);

  const flow in{*parse_ip("192.0.2.1"), 22, 50000, ip_protocol::tcp, false};
  CHECK(in.record(shoal::hal::access::flow_out, 0).what == shoal::hal::access::flow_in);
  CHECK(in.record(shoal::hal::access::frame_out, 0).what == shoal::hal::access::frame_in);
  CHECK(flow::of(in.record(shoal::hal::access::frame_out, 0)) == in);
  CHECK(in.service() == 22);
}

}  // namespace
