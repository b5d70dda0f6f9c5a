// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/rule_file.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace {

using namespace shoal::monitor;

rule one(std::string_view text) {
  const rules_text read = parse_rules(text);
  for (const rule_error& each : read.errors) FAIL(each.what << "; " << each.advice);
  REQUIRE(read.rules.size() == 1);
  return read.rules.front();
}

rule_error error_of(std::string_view text) {
  const rules_text read = parse_rules(text);
  CAPTURE(text);
  REQUIRE(read.errors.size() == 1);
  CHECK(read.errors.front().advice.starts_with("write "));
  return read.errors.front();
}

}  // namespace

TEST_CASE("rules of each kind are read as they are written") {
  const rule forbid = one("forbid watchdog write 0x3f100024 value 0/0xff deny");
  CHECK(forbid.name == "watchdog");
  CHECK(forbid.kind == rule_kind::forbid);
  CHECK(forbid.at ==
        access_pattern{direction::write, address_space::memory, 0x3f100024, 0x3f100024, 0xff, 0, -1});
  CHECK(forbid.deny);

  const rule window = one("window valve write line:25 hours 22:30-06:00");
  CHECK(window.at.space == address_space::line);
  CHECK(window.from == 22 * 60 + 30);
  CHECK(window.until == 6 * 60);
  CHECK(one("window setup write 0x10-0x1f first 5s").period == 5'000'000'000);

  const rule rate = one("rate relay any port:0x70-0x71 limit 10 per 20ms source 3");
  CHECK(rate.at == access_pattern{direction::any, address_space::port, 0x70, 0x71, 0, 0, 3});
  CHECK(rate.limit == 10);
  CHECK(rate.period == 20'000'000);

  CHECK(one("stuck heartbeat any line:4 longest 2m").period == 120'000'000'000);
  CHECK(one("chatter button read 0x40 limit 20 per 1h bits 0x10").at.mask == 0x10);
  const rule sequence = one("sequence driver any * training a/b.training");
  CHECK(sequence.training == "a/b.training");
  CHECK(sequence.at.space == address_space::any);
  CHECK(sequence.model == nullptr);
}

TEST_CASE("comments, blank lines and blanks are nothing") {
  CHECK(parse_rules("").rules.empty());
  const rules_text read =
      parse_rules("\n  # all of it\n\t\r\n  forbid  a\tany  * # this too\r\nforbid b any *");
  CHECK(read.errors.empty());
  CHECK(read.rules.size() == 2);
}

TEST_CASE("an error says where, what, and what would be right") {
  const rule_error found = error_of("forbid ok any 1\n\n  forbit x any 1\n");
  CHECK(found.line == 3);
  CHECK(found.column == 3);
  CHECK(found.what == "'forbit' is no kind of rule");
  CHECK(found.advice == "write forbid, window, rate, sequence, stuck, chatter, note or allow");

  const auto column = [](std::string_view text) { return error_of(text).column; };
  CHECK(column("forbid") == 7);
  CHECK(column("forbid a/b any *") == 8);
  CHECK(column("forbid a") == 9);
  CHECK(column("forbid a both *") == 10);
  CHECK(column("forbid a any") == 13);
  for (const std::string_view address :
       {"0x", "x", "0x1g", "-", "1-", "-1", "line:", "line:x", "port:0x10000", "5-4", "gpio:4",
        "i2c:", "0x10000000000000000", "18446744073709551616"}) {
    CHECK(column("forbid a any " + std::string{address}) == 14);
  }
  CHECK(column("forbid a request 4") == 18);
  for (const std::string_view option :
       {"value x", "value 1/0", "value 2/1", "value 1/", "source 65536", "source x"}) {
    CHECK(column("forbid a any * " + std::string{option}) == 16 + option.find(' ') + 1);
  }
  for (const std::string_view option : {"limit 1 per 1s", "longest 1s", "often", "bits 1"}) {
    CHECK(column("forbid a any * " + std::string{option}) == 16);
  }
  for (const std::string_view option : {"value", "source"}) {
    CHECK(column("forbid a any * " + std::string{option}) == 16 + option.size());
  }
  for (const std::string_view line : {"window a any *",
                                      "window a any * hours 06:00",
                                      "window a any * hours 06:00-06:00",
                                      "window a any * hours 6:00-7:00",
                                      "window a any * hours 06:00-24:01",
                                      "window a any * hours 06:60-07:00",
                                      "window a any * first 0s",
                                      "window a any * first 5",
                                      "window a any * first 99999999999h",
                                      "rate a any *",
                                      "rate a any * limit 0 per 1s",
                                      "rate a any * limit 65537 per 1s",
                                      "rate a any * limit 1",
                                      "rate a any * limit 1 in 1s",
                                      "rate a any * limit 1 per second",
                                      "stuck a any 1",
                                      "stuck a any * longest 1s",
                                      "stuck a any 1-2 longest 1s",
                                      "stuck a any 1 longest 1s deny",
                                      "stuck a request line:1 longest 1s",
                                      "stuck a any 1 longest 1s bits 0",
                                      "chatter a any 1",
                                      "sequence a any *",
                                      "sequence a any * training"}) {
    (void)error_of(line);
  }
}

TEST_CASE("two rules of one name are an error, of the second") {
  const rules_text read = parse_rules("forbid a any 1\nforbid a any 2");
  CHECK(read.rules.size() == 1);
  REQUIRE(read.errors.size() == 1);
  CHECK(read.errors.front().line == 2);
  CHECK(read.errors.front().column == 8);
}

TEST_CASE("what a terminal would obey is not in a message") {
  const rule_error found = error_of("\x1b[31mforbid\x07 a any 1");
  CHECK(found.what.find('\x1b') == std::string::npos);
  CHECK(found.what.find('\x07') == std::string::npos);
}

TEST_CASE("rules and errors have limits") {
  std::string text;
  for (std::size_t i = 0; i < max_rules + 5; ++i) text += "forbid r" + std::to_string(i) + " any 1\n";
  const rules_text many = parse_rules(text);
  CHECK(many.rules.size() == max_rules);
  CHECK(many.errors.size() == 1);
  text.clear();
  for (std::size_t i = 0; i < 1000; ++i) text += "nonsense\n";
  CHECK(parse_rules(text).errors.size() == max_rule_errors);
  CHECK(parse_rules("forbid " + std::string(max_rule_name + 1, 'a') + " any 1").errors.size() == 1);
}

TEST_CASE("a rule that was read is written so that it is read again") {
  for (const std::string_view line : {"forbid a write 0x10 value 0x4/0xc deny",
                                      "forbid a any * source 2",
                                      "forbid a any port:0x70-0x71",
                                      "forbid a request line:4",
                                      "window a any line:1-7 hours 06:05-24:00",
                                      "window a any * first 90m",
                                      "rate a read 0x0 limit 7 per 3ns",
                                      "stuck a any line:4 longest 2s bits 0x1",
                                      "chatter a write 0xffffffffffffffff limit 1 per 1h",
                                      "sequence a any * training x source 65535 deny",
                                      "forbid a write disk:0-511 deny",
                                      "note a any disk:*",
                                      "allow a read disk:7",
                                      "forbid a write disk:/etc/shadow",
                                      "rate a in tcp:22 limit 5 per 1m",
                                      "forbid a out udp:1-65535 peer 192.0.2.0/24 deny",
                                      "forbid a any ip:* peer 2001:db8::/32",
                                      "rate a out frames:6 limit 1000 per 1s",
                                      "forbid a found kernel:*",
                                      "forbid a write i2c:0x50 value 0x29/0xff longer 1 deny",
                                      "stuck a read i2c:0x48 longest 10s",
                                      "allow a any i2c:*",
                                      "sequence a any i2c:0x8-0x77 training x",
                                      "forbid a write line:*"}) {
    CHECK(to_text(one(line)) == line);
  }
}

TEST_CASE("rules of disks, networks and guests are read as they are written") {
  const rule file = one("forbid passwords write disk:/etc/shadow deny");
  CHECK(file.at.space == address_space::disk);
  CHECK(file.file == "/etc/shadow");
  CHECK(file.target == nullptr);
  CHECK(file.deny);
  const rule net = one("forbid mail out tcp:25 peer 192.0.2.0/24 source 1");
  CHECK(net.at.peer == *parse_ip("192.0.2.0"));
  CHECK(net.at.peer_bits == 96 + 24);
  CHECK(one("forbid a in ip:1 peer 2001:db8::1").at.peer_bits == 128);
  CHECK(one("forbid a in ip:1 peer ::ffff:192.0.2.1").at.peer == *parse_ip("192.0.2.1"));
  CHECK(one("forbid a found kernel:1").at.space == address_space::kernel);

  const rules_text spans = parse_rules("note login in tcp:22\nforbid a write disk:* within 10s after login");
  REQUIRE(spans.rules.size() == 2);
  CHECK(spans.rules[1].after == "login");
  CHECK(spans.rules[1].within == 10'000'000'000);
  CHECK(to_text(spans.rules[1]) == "forbid a write disk:* within 10s after login");
}

TEST_CASE("a rule after another stands behind it") {
  CHECK(parse_rules("forbid a any 1 within 1s after b\nnote b any 2").errors.size() == 1);
  CHECK(parse_rules("forbid a any 1 within 1s after a").errors.size() == 1);
}

TEST_CASE("what does not fit a disk, a network or a guest is an error") {
  for (const std::string_view line : {"forbid a in disk:0",
                                      "forbid a request disk:0",
                                      "forbid a found disk:0",
                                      "forbid a read tcp:22",
                                      "forbid a in 0x10",
                                      "forbid a out line:4",
                                      "forbid a in *",
                                      "forbid a out kernel:1",
                                      "forbid a found *",
                                      "forbid a in tcp:65536",
                                      "forbid a in ip:256",
                                      "forbid a in tcp:/etc",
                                      "forbid a write disk:etc/shadow",
                                      "forbid a write disk:",
                                      "forbid a write i2c:0x80",
                                      "forbid a request i2c:0x50",
                                      "forbid a in i2c:0x50",
                                      "forbid a found i2c:0x50",
                                      "forbid a write i2c:0x50 longer",
                                      "forbid a write i2c:0x50 longer 0",
                                      "forbid a write i2c:0x50 longer 255",
                                      "forbid a write line:4 longer 1",
                                      "forbid a write disk:4 longer 1",
                                      "stuck a read i2c:* longest 1s",
                                      "forbid a write disk:0 value 1",
                                      "forbid a in tcp:1 value 1",
                                      "forbid a write disk:0 peer 192.0.2.1",
                                      "forbid a in tcp:1 peer",
                                      "forbid a in tcp:1 peer example.org",
                                      "forbid a in tcp:1 peer 192.0.2.1/33",
                                      "forbid a in tcp:1 peer 2001:db8::/129",
                                      "forbid a in tcp:1 peer ::/0",
                                      "forbid a found kernel:1 deny",
                                      "note a in tcp:1 deny",
                                      "allow a in tcp:1 deny",
                                      "note a in tcp:1 limit 1 per 1s",
                                      "stuck a read disk:1 longest 1s",
                                      "chatter a in tcp:1 limit 1 per 1s",
                                      "sequence a any disk:* training x",
                                      "forbid a in tcp:1 within",
                                      "forbid a in tcp:1 within 5s",
                                      "forbid a in tcp:1 within 5s after",
                                      "forbid a in tcp:1 within 5s before b"}) {
    (void)error_of(line);
  }
}
