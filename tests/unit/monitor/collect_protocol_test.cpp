// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/collect_protocol.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace shoal::monitor;
using shoal::bytes_view;
using shoal::errc;
using shoal::result;
using shoal::hal::access;
using shoal::hal::access_record;

/// Keeps what it is given in memory.
struct shelf {
  std::vector<std::byte> bytes;
  std::uint64_t records = 0;
  std::string name;

  result<std::uint64_t> open(const collect_hello& hello) {
    name = hello.name;
    return records;
  }
  result<> append(bytes_view more, std::uint64_t count) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    records += count;
    return {};
  }
  [[nodiscard]] std::vector<access_record> content() const {
    std::vector<access_record> out;
    recording_reader reader;
    for (bytes_view rest{bytes}; !rest.empty();) {
      const auto item = reader.next(rest);
      REQUIRE(item);
      if (item->kind == recording_kind::access) out.push_back(item->access);
    }
    return out;
  }
};

std::vector<access_record> some(std::size_t count, std::uint64_t from = 0) {
  std::vector<access_record> out;
  for (std::uint64_t i = from; i < from + count; ++i) {
    out.push_back(
        {.cycles = 1000 + 3 * i, .address = i % 7 * 4, .value = i, .what = access::store, .width = 4});
  }
  return out;
}

clock_point at(std::uint64_t cycles) {
  return {cycles, cycles * 10};
}

/// Delivers what the sender holds over connections that break after so many bytes, in either direction.
void deliver(collect_sender& sender, shelf& kept, std::mt19937& random, std::size_t most) {
  while (true) {
    collect_receiver receiver;
    std::vector<std::byte> to_collector = sender.connect();
    bool sent = false;
    for (std::size_t left = most == 0 ? ~std::size_t{0} : random() % most;;) {
      const std::size_t pass = std::min(left, to_collector.size());
      left -= pass;
      REQUIRE(receiver.receive(bytes_view{to_collector}.first(pass), kept));
      to_collector.erase(to_collector.begin(), to_collector.begin() + static_cast<std::ptrdiff_t>(pass));
      std::vector<std::byte> answer = receiver.take_output();
      const bool broken = left < answer.size() || !to_collector.empty();
      answer.resize(std::min(left, answer.size()));
      left -= answer.size();
      REQUIRE(sender.receive(answer));
      if (sender.is_empty() && sender.is_welcome()) return;
      if (broken) break;
      if (sender.is_welcome() && !sent) {
        sent = true;
        const auto encoded = sender.encode(at(5));
        REQUIRE(encoded);
        to_collector = *encoded;
      }
    }
  }
}

}  // namespace

TEST_CASE("each record arrives once, in order, wherever connections break") {
  std::mt19937 random{3};
  collect_sender sender{{42, "valve-3"}, {"chip"}};
  shelf kept;
  std::vector<access_record> all;
  for (const std::size_t most : {0u, 40u, 100u, 200u, 3000u}) {
    for (int i = 0; i < 20; ++i) {
      const std::vector<access_record> batch = some(1 + random() % 30, all.size());
      all.insert(all.end(), batch.begin(), batch.end());
      sender.hold(batch);
      // a connection that breaks before a record is through gets nowhere: the header alone has 60 bytes
      deliver(sender, kept, random, most == 0 ? 0 : most + 150);
    }
  }
  CHECK(kept.content() == all);
  CHECK(sender.kept() == all.size());
  CHECK(kept.name == "valve-3");
}

TEST_CASE("a collector that has less than it had is told of the gap") {
  std::mt19937 random{4};
  collect_sender sender{{1, "a"}, {}};
  shelf first;
  sender.hold(some(10));
  deliver(sender, first, random, 0);
  shelf second;
  sender.hold(some(2, 10));
  deliver(sender, second, random, 0);
  const std::vector<access_record> content = second.content();
  REQUIRE(content.size() == 3);
  CHECK(content[0].what == access::lost);
  CHECK(content[0].value == 10);
  CHECK(content[2] == some(1, 11).front());
  sender.hold(some(1, 12));
  deliver(sender, second, random, 0);
  CHECK(second.content().size() == 4);
}

TEST_CASE("one gap after the other is one gap") {
  std::mt19937 random{5};
  collect_sender sender{{1, "a"}, {}};
  shelf first;
  sender.hold(some(10));
  deliver(sender, first, random, 0);
  sender.hold(some(2, 10));
  for (const std::byte have : {std::byte{6}, std::byte{4}}) {  // two collectors that go away again
    (void)sender.connect();
    REQUIRE(sender.receive(bytes_view{&have, 1}));
    CHECK(sender.held() == 3);
  }
  shelf last;
  deliver(sender, last, random, 0);
  const std::vector<access_record> content = last.content();
  REQUIRE(content.size() == 3);
  CHECK(content[0].value == 10);
}

TEST_CASE("a collector that claims more than it was sent is not believed") {
  collect_sender sender{{1, "a"}, {}};
  (void)sender.connect();
  sender.hold(some(3));
  const std::array<std::byte, 1> four{std::byte{4}};
  CHECK(sender.receive(four).error() == errc::malformed);
  (void)sender.connect();
  const std::array<std::byte, 1> text{std::byte{0x61}};
  CHECK(sender.receive(text).error() == errc::malformed);
  (void)sender.connect();
  const std::array<std::byte, 2> back{std::byte{2}, std::byte{1}};
  CHECK(sender.receive(back).error() == errc::malformed);
}

TEST_CASE("a stranger is refused") {
  const auto refused = [](std::vector<unsigned char> bytes) {
    shelf kept;
    collect_receiver receiver;
    const auto outcome = receiver.receive(std::as_bytes(std::span{bytes}), kept);
    CHECK(kept.bytes.empty());
    return outcome.error();
  };
  CHECK(refused({'G', 'E', 'T', ' '}));
  CHECK(refused(std::vector<unsigned char>(1000, 0x9b)));
  CHECK_FALSE(refused({0x84}));  // may become a hello
  const auto hello = [](std::uint64_t version, std::string_view name) {
    detail::collect_output out;
    shoal::cbor::writer writer{out};
    writer.array(4);
    writer.text(collect_magic);
    writer.unsigned_integer(version);
    writer.unsigned_integer(7);
    writer.text(name);
    std::vector<unsigned char> bytes;
    for (const std::byte each : out.bytes) bytes.push_back(std::to_integer<unsigned char>(each));
    return bytes;
  };
  CHECK_FALSE(refused(hello(1, "a")));
  CHECK(refused(hello(2, "a")) == errc::unsupported);
  for (const std::string_view name : {"", "..", ".a", "a/b", "a b", "\n"}) {
    CHECK(refused(hello(1, name)) == errc::malformed);
  }
  CHECK(refused(hello(1, std::string(65, 'a'))));
  auto with_junk = hello(1, "a");
  with_junk.push_back(0);
  CHECK(refused(with_junk) == errc::malformed);
}
