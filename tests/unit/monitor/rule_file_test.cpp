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
  CHECK(found.advice == "write forbid, window, rate, sequence, stuck or chatter");

  const auto column = [](std::string_view text) { return error_of(text).column; };
  CHECK(column("forbid") == 7);
  CHECK(column("forbid a/b any *") == 8);
  CHECK(column("forbid a") == 9);
  CHECK(column("forbid a both *") == 10);
  CHECK(column("forbid a any") == 13);
  for (const std::string_view address : {"0x", "x", "0x1g", "-", "1-", "-1", "line:", "line:x", "port:0x10000",
                                         "5-4", "gpio:4", "0x10000000000000000", "18446744073709551616"}) {
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
  for (const std::string_view line :
       {"forbid a write 0x10 value 0x4/0xc deny", "forbid a any * source 2", "forbid a any port:0x70-0x71",
        "forbid a request line:4", "window a any line:1-7 hours 06:05-24:00", "window a any * first 90m",
        "rate a read 0x0 limit 7 per 3ns", "stuck a any line:4 longest 2s bits 0x1",
        "chatter a write 0xffffffffffffffff limit 1 per 1h", "sequence a any * training x source 65535 deny"}) {
    CHECK(to_text(one(line)) == line);
  }
}
