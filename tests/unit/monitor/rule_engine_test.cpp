// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/rule_engine.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>
#include <shoal/monitor/rule_file.hpp>
#include <shoal/monitor/timeline.hpp>

namespace {

using namespace shoal::monitor;
using access = shoal::hal::access;  // the C library has an access() of its own
using shoal::hal::access_record;

constexpr std::uint64_t millisecond = 1'000'000;
constexpr std::uint64_t second = 1000 * millisecond;
constexpr std::uint64_t hour = 3600 * second;
constexpr std::uint64_t noon = 20'000 * 24 * hour + 12 * hour;  // of some day

std::vector<rule> rules(std::string_view text) {
  rules_text read = parse_rules(text);
  for (const rule_error& each : read.errors) FAIL(each.what);
  return read.rules;
}

access_record store(std::uint64_t address, std::uint64_t value) {
  return {.address = address, .value = value, .what = access::store, .width = 4};
}
access_record load(std::uint64_t address, std::uint64_t value = 0) {
  return {.address = address, .value = value, .what = access::load, .width = 4};
}
access_record set_line(std::uint64_t line, bool level) {
  return {.address = line, .value = level, .what = access::line_set};
}
access_record get_line(std::uint64_t line, bool level) {
  return {.address = line, .value = level, .what = access::line_get};
}

/// Remembers what was raised.
struct notebook {
  std::vector<alert>* alerts;
  void operator()(const alert& what) const { alerts->push_back(what); }
};

/// A device in normal use: a GPIO controller's registers that are set up once, a heartbeat that toggles each
/// second, a relay that moves seldom, a button that bounces a little, an interrupt that is acknowledged as the
/// driver does it.
struct clean_device {
  std::mt19937_64 random{7};
  std::uint64_t now = noon;
  bool level = false;
  bool relay = false;

  static constexpr std::uint64_t base = 0x3f20'0000;

  template <class Take>
  void start(Take&& take) {
    for (std::uint64_t i = 0; i < 4; ++i) {
      take(now += 2 * millisecond, load(base + 4 * i));
      take(now += 2 * millisecond, store(base + 4 * i, i));
    }
  }

  template <class Take>
  void one_second(Take&& take) {
    const std::uint64_t begin = now;
    level = !level;
    take(now += random() % millisecond, set_line(4, level));
    for (std::uint64_t i = random() % 5; i > 0; --i) {
      take(now += 10 * millisecond + random() % (20 * millisecond), load(base + 0x40, i));  // status
      take(now += 1000 + random() % 1000, load(base + 0x44));                               // data
      take(now += 1000 + random() % 1000, store(base + 0x40, i));                           // acknowledge
    }
    if (random() % 20 == 0) take(now += 1000, set_line(17, relay = !relay));
    if (random() % 10 == 0) {
      for (const bool bounce : {true, false, true, false}) take(now += 3 * millisecond, get_line(5, bounce));
    }
    now = begin + second;
  }

  template <class Take>
  void run(std::uint64_t seconds, Take&& take) {
    start(take);
    for (std::uint64_t i = 0; i < seconds; ++i) one_second(take);
  }
};

constexpr std::string_view device_rules = R"(
forbid   watchdog  write 0x3f200024                value 0/0xff
window   setup     write 0x3f200000-0x3f20000f     first 5s
window   relay-day write line:17                   hours 06:00-20:00
rate     relay     write line:17                   limit 5 per 1s
sequence driver    any   0x3f200000-0x3f2000ff     training driver.training
stuck    heartbeat write line:4                    longest 3s
chatter  button    read  line:5                    limit 8 per 100ms
)";

std::shared_ptr<const ngram_model> trained() {
  ngram_trainer trainer;
  clean_device device;
  device.run(600, [&](std::uint64_t, const access_record& each) {
    if (each.what == access::load || each.what == access::store) trainer.note(each);
  });
  const auto model = trainer.finish();
  REQUIRE(model);
  // as it comes back from a file
  const auto again = ngram_model::decode(model->encode());
  REQUIRE(again);
  return std::make_shared<const ngram_model>(*again);
}

std::vector<rule> watched(const std::shared_ptr<const ngram_model>& model) {
  std::vector<rule> out = rules(device_rules);
  for (rule& each : out) {
    if (each.kind == rule_kind::sequence) each.model = model;
  }
  return out;
}

}  // namespace

TEST_CASE("an hour of clean traffic raises nothing when its recording is replayed at full speed") {
  detail::collect_output recording;
  recording_writer writer{recording};
  clean_device device;
  device.random.seed(1234);  // not the traffic of the training
  REQUIRE(writer.begin({}, {noon, noon}) == shoal::status::ok);
  device.run(3600, [&](std::uint64_t time, access_record each) {
    each.cycles = time;
    writer.put(each);
  });
  writer.mark({device.now, device.now});

  std::vector<alert> raised;
  rule_engine engine{watched(trained()), notebook{&raised}};
  recording_reader reader;
  timeline times;
  times.add({noon, noon});
  times.add({device.now, device.now});
  std::size_t accesses = 0;
  for (shoal::bytes_view rest{recording.bytes}; !rest.empty();) {
    const auto item = reader.next(rest);
    REQUIRE(item);
    if (item->kind != recording_kind::access) continue;
    ++accesses;
    if (engine.check(times.unix_ns(item->access.cycles), item->access) != verdict::allow)
      FAIL("no rule denies");
  }
  CHECK(accesses > 20'000);
  CHECK(raised.empty());
}

TEST_CASE("each of seven kinds of misuse is caught, by its rule and no other") {
  const auto model = trained();
  const auto misused = [&](auto&& misuse) {
    std::vector<alert> raised;
    rule_engine engine{watched(model), notebook{&raised}};
    clean_device device;
    const auto take = [&](std::uint64_t time, const access_record& each) { (void)engine.check(time, each); };
    device.run(60, take);
    REQUIRE(raised.empty());
    misuse(engine, device, take);
    std::vector<std::string> names;
    for (const alert& each : raised) names.emplace_back(each.rule);
    return names;
  };
  using names = std::vector<std::string>;
  constexpr std::uint64_t base = clean_device::base;

  SUBCASE("a forbidden value") {
    // training has not seen the watchdog either: that is a second rule's business
    const names found =
        misused([](auto&, clean_device& device, auto& take) { take(device.now, store(base + 0x24, 0)); });
    CHECK(found == names{"watchdog", "driver"});
    CHECK(misused([](auto&, clean_device& device, auto& take) { take(device.now, store(base + 0x24, 5)); }) ==
          names{"driver"});
  }
  SUBCASE("a write outside of its window") {
    const names found = misused([](auto&, clean_device& device, auto& take) {
      for (std::uint64_t i = 0; i < 4; ++i) {
        take(device.now, load(base + 4 * i));
        take(device.now, store(base + 4 * i, i));
      }
    });
    CHECK(std::ranges::count(found, "setup") == 4);
  }
  SUBCASE("a relay that moves at night") {
    CHECK(misused([](auto&, clean_device& device, auto& take) {
            const std::uint64_t night = device.now + 10 * hour;
            while (device.now < night) device.one_second(take);
            device.relay = !device.relay;
            // clean traffic goes on, and with it the relay: the first time is what counts
          }).front() == "relay-day");
  }
  SUBCASE("a rate above the limit") {
    CHECK(misused([](auto&, clean_device& device, auto& take) {
            for (int i = 0; i < 20; ++i) take(device.now += millisecond, set_line(17, i % 2 == 0));
          }) == names{"relay"});
  }
  SUBCASE("a sequence that training has not seen, of accesses that it has") {
    CHECK(misused([](auto&, clean_device& device, auto& take) {
            take(device.now, load(base + 0x44));  // the data before the status
          }) == names{"driver"});
  }
  SUBCASE("a pin that is stuck, though nobody touches it") {
    CHECK(misused([](auto& engine, clean_device& device, auto&) { engine.advance(device.now + 4 * second); }) ==
          names{"heartbeat"});
  }
  SUBCASE("a pin that is stuck, though it is written") {
    CHECK(misused([](auto&, clean_device& device, auto& take) {
            for (int i = 0; i < 60; ++i) take(device.now += 100 * millisecond, set_line(4, device.level));
          }) == names{"heartbeat"});
  }
  SUBCASE("a pin that chatters") {
    CHECK(misused([](auto&, clean_device& device, auto& take) {
            for (int i = 0; i < 50; ++i) take(device.now += millisecond, get_line(5, i % 2 == 0));
          }) == names{"button"});
  }
}

TEST_CASE("a rule covers what it says") {
  const auto covers = [](std::string_view text, const access_record& access) {
    return rules(text).front().at.covers(access);
  };
  CHECK(covers("forbid a write 0x10-0x1f", store(0x10, 0)));
  CHECK(covers("forbid a write 0x10-0x1f", store(0x1f, 0)));
  CHECK_FALSE(covers("forbid a write 0x10-0x1f", store(0x20, 0)));
  CHECK_FALSE(covers("forbid a write 0x10-0x1f", load(0x10)));
  CHECK_MESSAGE(covers("forbid a write 0x10-0x1f", store(0x0d, 0)), "its last byte is there");
  CHECK_FALSE(covers("forbid a write 0x10-0x1f", store(0x0c, 0)));
  CHECK_MESSAGE(!covers("forbid a any 0x10", {.address = 0x10, .what = access::in, .width = 1}), "a port");
  CHECK(covers("forbid a any port:0x10", {.address = 0x10, .what = access::in, .width = 1}));
  CHECK(covers("forbid a any *", get_line(3, true)));
  CHECK(covers("forbid a any *", {.what = access::line_request}));
  CHECK_FALSE(covers("forbid a write *", {.what = access::line_request}));
  CHECK(covers("forbid a request line:3", {.address = 3, .what = access::line_release}));
  CHECK_FALSE(covers("forbid a any *", {.what = access::lost}));
  CHECK_FALSE(covers("forbid a any * source 2", load(1)));
  access_record last = store(~std::uint64_t{0}, 0);
  CHECK_MESSAGE(covers("forbid a any 0xffffffffffffffff", last), "the end of the space does not wrap");
  CHECK_FALSE(covers("forbid a any 0", last));
}

TEST_CASE("a rule that denies a rate lets through as many as it allows") {
  rule_engine engine{rules("rate r write line:1 limit 3 per 1s deny")};
  int allowed = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (engine.check(i * 100 * millisecond, set_line(1, true)) == verdict::allow) ++allowed;
  }
  CHECK(allowed == 30);
  CHECK(engine.alerts() == 70);
}

TEST_CASE("a rate counts repeats, and is told once until it is over") {
  rule_engine engine{rules("rate r any 0x10 limit 10 per 1s")};
  access_record polled = load(0x10);
  polled.repeats = 1000;
  (void)engine.check(0, polled);
  CHECK(engine.alerts() == 1);
  (void)engine.check(500 * millisecond, polled);
  CHECK(engine.alerts() == 1);
  polled.repeats = 2;
  (void)engine.check(9 * second, polled);
  CHECK(engine.alerts() == 1);
  polled.repeats = 10;
  (void)engine.check(20 * second, polled);
  CHECK(engine.alerts() == 2);
}

TEST_CASE("hours may go over midnight") {
  rule_engine engine{rules("window w write line:1 hours 22:00-04:00")};
  const std::uint64_t midnight = noon + 12 * hour;
  (void)engine.check(midnight - 2 * hour - 1, set_line(1, true));
  CHECK(engine.alerts() == 1);
  (void)engine.check(midnight - 2 * hour, set_line(1, true));
  (void)engine.check(midnight + 4 * hour - 1, set_line(1, true));
  CHECK(engine.alerts() == 1);
  (void)engine.check(midnight + 4 * hour, set_line(1, true));
  CHECK(engine.alerts() == 2);
}

TEST_CASE("after a loss a sequence starts anew, and a pin is not called stuck for what was not seen") {
  ngram_trainer trainer{2};
  for (int i = 0; i < 4; ++i) {
    trainer.note(load(0x10));
    trainer.note(load(0x20));
  }
  std::vector<rule> mine = rules("sequence s any * training t\nstuck p any 0x10 longest 1s");
  mine[0].model = std::make_shared<const ngram_model>(*trainer.finish());
  rule_engine engine{std::move(mine)};
  (void)engine.check(0, load(0x10));
  (void)engine.check(0, {.value = 9, .what = access::lost});
  (void)engine.check(1, load(0x10));
  CHECK(engine.alerts() == 0);
  (void)engine.check(2, load(0x10));
  CHECK_MESSAGE(engine.alerts() == 1, "twice in a row was not trained");
  (void)engine.check(900 * millisecond, {.value = 9, .what = access::lost});
  engine.advance(1800 * millisecond);
  CHECK(engine.alerts() == 1);
  engine.advance(2 * second);
  CHECK(engine.alerts() == 2);
}

TEST_CASE("times that go back do no harm") {
  rule_engine engine{
      rules("rate r any 0x10 limit 2 per 1s\nstuck s any 0x10 longest 10s\nwindow w any 0x10 first 1s")};
  (void)engine.check(5 * second, load(0x10));
  (void)engine.check(0, load(0x10));
  (void)engine.check(~std::uint64_t{0}, load(0x10));
  (void)engine.check(1, load(0x10));
  CHECK(engine.alerts() > 0);
}

TEST_CASE("a line is found in a call for several, and its level in an edge") {
  rule_engine engine{rules("forbid f write line:5 value 1\nchatter c read line:6 limit 2 per 1s")};
  (void)engine.check(0, {.address = 3, .value = 0b011, .what = access::lines_set, .width = 3});
  (void)engine.check(0, {.address = 6, .value = 0b1, .what = access::lines_set, .width = 3});
  CHECK(engine.alerts() == 0);
  (void)engine.check(0, {.address = 3, .value = 0b100, .what = access::lines_set, .width = 3});
  CHECK(engine.alerts() == 1);
  for (std::uint64_t i = 0; i < 6; ++i) {
    (void)engine.check(i, {.address = 6, .value = 1 + i % 2, .what = access::line_event});
  }
  CHECK(engine.alerts() == 2);
}

TEST_CASE("rules that cannot work are refused") {
  rule broken;
  broken.kind = rule_kind::rate;
  CHECK_THROWS_AS(rule_engine<>{{broken}}, std::invalid_argument);
  broken.limit = max_rule_limit + 1;
  CHECK_THROWS_AS(rule_engine<>{{broken}}, std::invalid_argument);
  broken.kind = rule_kind::sequence;
  CHECK_THROWS_AS(rule_engine<>{{broken}}, std::invalid_argument);
}

namespace {

access_record disk(access what, std::uint64_t offset, std::uint64_t length) {
  return {.address = offset, .value = length, .what = what};
}
access_record call(std::string_view peer, std::uint16_t own, std::uint16_t theirs, bool out,
                   std::uint8_t protocol = ip_protocol::tcp) {
  return flow{*parse_ip(peer), own, theirs, protocol, out}.record(access::flow_out, 0);
}

/// The names of the rules that are broken, by one access after the other, a second apart.
std::vector<std::string> broken(std::string_view text, const std::vector<access_record>& accesses) {
  std::vector<alert> alerts;
  rule_engine engine{rules(text), notebook{&alerts}};
  std::uint64_t time = noon;
  for (const access_record& each : accesses) (void)engine.check(time += second, each);
  std::vector<std::string> out;
  for (const alert& each : alerts) out.emplace_back(each.rule);
  return out;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a range of a disk is touched by whoever touches one of its bytes") {
  const auto count = [](std::uint64_t offset, std::uint64_t length) {
    return broken("forbid a write disk:100-199", {disk(access::disk_write, offset, length)}).size();
  };
  CHECK(count(0, 100) == 0);
  CHECK(count(0, 101) == 1);
  CHECK(count(199, 1) == 1);
  CHECK(count(200, 100) == 0);
  CHECK(count(0, 1000) == 1);
  CHECK(count(~std::uint64_t{0} - 5, 100) == 0);
  CHECK(broken("forbid a write disk:100", {disk(access::disk_read, 100, 1)}).empty());
  CHECK(broken("forbid a write disk:100", {disk(access::disk_trim, 100, 1)}).size() == 1);
  CHECK(broken("forbid a any *", {disk(access::disk_write, 0, 1), call("192.0.2.1", 1, 2, true)}).empty());
}

TEST_CASE("flows are told apart by who began, to which port, of which protocol, with whom") {
  const std::vector<access_record> flows{call("192.0.2.1", 40000, 22, true),
                                         call("192.0.2.9", 22, 50000, false),
                                         call("2001:db8::1", 40000, 53, true, ip_protocol::udp),
                                         call("198.51.100.1", 0, 0, true, ip_protocol::icmp)};
  CHECK(broken("forbid a out tcp:22", flows).size() == 1);
  CHECK(broken("forbid a in tcp:22", flows).size() == 1);
  CHECK(broken("forbid a any tcp:22", flows).size() == 2);
  CHECK(broken("forbid a any tcp:40000", flows).empty());  // nobody was called there
  CHECK(broken("forbid a any udp:*", flows).size() == 1);
  CHECK(broken("forbid a any ip:1", flows).size() == 1);
  CHECK(broken("forbid a any ip:*", flows).size() == 4);
  CHECK(broken("forbid a any ip:* peer 192.0.2.0/24", flows).size() == 2);
  CHECK(broken("forbid a any ip:* peer 192.0.2.0/29", flows).size() == 1);
  CHECK(broken("forbid a any ip:* peer 2001:db8::/32", flows).size() == 1);
  CHECK(broken("forbid a any frames:*", flows).empty());
}

TEST_CASE("what is allowed is not held against the rules behind it") {
  constexpr std::string_view only_web =
      "allow web out tcp:443\nallow dns out udp:53 peer 192.0.2.53\nforbid rest any ip:*";
  CHECK(broken(only_web, {call("203.0.113.1", 40000, 443, true)}).empty());
  CHECK(broken(only_web, {call("192.0.2.53", 40000, 53, true, ip_protocol::udp)}).empty());
  CHECK(broken(only_web, {call("192.0.2.54", 40000, 53, true, ip_protocol::udp)}) == names{"rest"});
  CHECK(broken(only_web, {call("203.0.113.1", 443, 40000, false)}) == names{"rest"});
  // all of it has to be allowed, and not a part
  constexpr std::string_view window = "allow a write disk:100-199\nforbid rest write disk:*";
  CHECK(broken(window, {disk(access::disk_write, 100, 100)}).empty());
  CHECK(broken(window, {disk(access::disk_write, 100, 101)}) == names{"rest"});
  CHECK(broken(window, {disk(access::disk_write, 99, 2)}) == names{"rest"});
  // rules before it are asked
  CHECK(broken("forbid a write disk:0\nallow b write disk:*\nforbid c write disk:0",
               {disk(access::disk_write, 0, 1)}) == names{"a"});
}

TEST_CASE("one rule spans network, disk and kernel") {
  constexpr std::string_view text =
      "note login in tcp:22\n"
      "forbid passwords write disk:4096-8191 within 2s after login\n"
      "forbid rootkit found kernel:* within 1h after passwords\n";
  const access_record login = call("192.0.2.9", 22, 50000, false);
  const access_record write = disk(access::disk_write, 4096, 512);
  const access_record other = disk(access::disk_write, 0, 512);
  const access_record found{.value = 1, .what = access::finding};
  CHECK(broken(text, {write, found}).empty());
  CHECK(broken(text, {login, write}) == names{"passwords"});
  CHECK(broken(text, {login, other, write}) == names{"passwords"});
  CHECK(broken(text, {login, other, other, write}).empty());  // the third second
  CHECK(broken(text, {login, other, other, login, write, found}) == names{"passwords", "rootkit"});
  CHECK(broken(text, {login, found}).empty());
}

TEST_CASE("a rule about a file is about its contents, and about what changes its records") {
  std::vector<rule> all = rules("forbid a write disk:/f\nforbid b read disk:/f");
  auto target = std::make_shared<protected_bytes>();
  target->contents = shoal::range_set{{{4096, 8192}}};
  target->records.push_back({1010, std::vector<std::byte>(24, std::byte{7})});
  CHECK_THROWS_AS(rule_engine{all}, std::invalid_argument);
  for (rule& each : all) each.target = target;

  std::vector<alert> alerts;
  rule_engine engine{all, notebook{&alerts}};
  std::vector<std::byte> block(512, std::byte{7});
  const auto write = [&](std::uint64_t offset, shoal::bytes_view bytes) {
    alerts.clear();
    (void)engine.check(noon, disk(access::disk_write, offset, bytes.size()), stage::whole, bytes);
    return alerts.size();
  };
  CHECK(write(0, block) == 0);
  CHECK(write(3584, block) == 0);
  CHECK(write(3585, block) == 1);
  CHECK(write(8191, block) == 1);
  CHECK(write(8192, block) == 0);
  // the blocks of the record are written with what was there: nothing has changed
  CHECK(write(512, block) == 0);
  CHECK(write(1020, block) == 0);
  block[1009 - 512] = std::byte{8};
  CHECK(write(512, block) == 0);
  block[1010 - 512] = std::byte{8};
  CHECK(write(512, block) == 1);
  CHECK(write(512, block) == 0);  // it is so now
  alerts.clear();
  (void)engine.check(noon, disk(access::disk_trim, 1033, 10));
  CHECK(alerts.size() == 1);
  alerts.clear();
  (void)engine.check(noon, disk(access::disk_read, 900, 200));
  CHECK(alerts.empty());
  (void)engine.check(noon, disk(access::disk_read, 8000, 1));
  CHECK(alerts.size() == 1);
}

TEST_CASE("what was denied was not written: it is denied again") {
  std::vector<rule> all = rules("forbid a write disk:/f deny");
  auto target = std::make_shared<protected_bytes>();
  target->records.push_back({8, std::vector<std::byte>(8)});
  all[0].target = target;
  rule_engine engine{all};
  const std::vector<std::byte> block(512, std::byte{1});
  for (int i = 0; i < 3; ++i) {
    CHECK(engine.check(noon, disk(access::disk_write, 0, 512), stage::whole, block) == verdict::deny);
  }
  CHECK(engine.alerts() == 3);
}

TEST_CASE("who watches a disk is told what of it rules are about") {
  std::vector<rule> all = rules(
      "forbid a write disk:0-511\nforbid b read disk:1000-1999 source 1\nnote c any disk:100-600\n"
      "forbid d write 0x10\nforbid e write disk:/f");
  auto target = std::make_shared<protected_bytes>();
  target->contents = shoal::range_set{{{4096, 8192}}};
  target->records.push_back({2000, std::vector<std::byte>(24)});
  all[4].target = target;
  const auto ranges = [&](std::uint16_t source, direction way) {
    const shoal::range_set set = disk_ranges(all, source, way);
    return std::vector<shoal::byte_range>(set.ranges().begin(), set.ranges().end());
  };
  CHECK(ranges(0, direction::write) == std::vector<shoal::byte_range>{{0, 601}, {2000, 2024}, {4096, 8192}});
  CHECK(ranges(0, direction::read) == std::vector<shoal::byte_range>{{100, 601}});
  CHECK(ranges(1, direction::read) == std::vector<shoal::byte_range>{{100, 601}, {1000, 2000}});
}
