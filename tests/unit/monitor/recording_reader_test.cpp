// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/recording_reader.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/sequence.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/monitor/recording_writer.hpp>

namespace {

using namespace shoal::monitor;
using shoal::bytes_view;
using shoal::status;
using shoal::status_or;
using shoal::hal::access;
using shoal::hal::access_record;

struct vector_output {
  std::vector<std::byte> bytes;
  void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

constexpr std::array<std::string_view, 2> names{"gpio", "nic"};
constexpr clock_point start{1'000'000, 1'700'000'000'000'000'000};

std::vector<std::byte> written(const std::vector<access_record>& records,
                               std::uint64_t version = device_recording) {
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, start, version) == status::ok);
  for (const access_record& record : records) writer.put(record);
  return out.bytes;
}

/// What can be read, and how it ended: ok when nothing is left.
status read(bytes_view bytes, std::vector<access_record>& records) {
  recording_reader reader;
  while (!bytes.empty()) {
    const std::size_t before = bytes.size();
    const status_or<recording_item> item = reader.next(bytes);
    if (!item) {
      CHECK(bytes.size() == before);
      return item.code;
    }
    if (item->kind == recording_kind::access) records.push_back(item->access);
  }
  return status::ok;
}

std::vector<std::byte> hex(std::string_view digits) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16)));
  }
  return bytes;
}

// A header with no names that starts at cycle 0 at the epoch.
constexpr std::string_view bare_header =
    "d9d9f7846f73686f616c2d7265636f7264696e67018082"
    "0000";

std::vector<std::byte> after_header(std::string_view digits) {
  std::vector<std::byte> bytes = hex(bare_header);
  const std::vector<std::byte> more = hex(digits);
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

status read(std::string_view digits_after_header) {
  std::vector<access_record> records;
  return read(after_header(digits_after_header), records);
}

std::vector<access_record> many(std::size_t count, std::uint32_t seed) {
  std::mt19937_64 random{seed};
  std::vector<access_record> records;
  std::uint64_t cycles = start.cycles;
  for (std::size_t i = 0; i < count; ++i) {
    access_record record;
    cycles += random() % 8 == 0 ? random() : random() % 1000;
    record.cycles = cycles;
    record.address = random() % 8 == 0 ? random() : random() % 8 * 4;
    record.value = random() % 4 == 0 ? random() : random() % 3;
    record.repeats = random() % 16 == 0 ? static_cast<std::uint32_t>(random()) : 0;
    record.source = static_cast<std::uint16_t>(random() % 3);
    record.what = static_cast<access>(random() % (static_cast<unsigned>(access::lost) + 1));
    record.width = static_cast<std::uint8_t>(1u << random() % 4);
    records.push_back(record);
  }
  return records;
}

}  // namespace

TEST_CASE("a recording gives back its header, its records and its clock points") {
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, start) == status::ok);
  const access_record record{1'000'500, 0x0900'0000, 7, 0, 1, access::store, 4};
  writer.put(record);
  writer.mark({2'000'000, start.unix_ns + 250'000});

  recording_reader reader;
  bytes_view rest{out.bytes};
  const auto first = reader.next(rest);
  REQUIRE(first);
  CHECK(first->kind == recording_kind::header);
  CHECK(first->clock == start);
  CHECK(reader.source_count() == 2);
  CHECK(reader.source_name(0) == "gpio");
  CHECK(reader.source_name(1) == "nic");
  CHECK(reader.source_name(2).empty());
  const auto second = reader.next(rest);
  REQUIRE(second);
  CHECK(second->kind == recording_kind::access);
  CHECK(second->access == record);
  const auto third = reader.next(rest);
  REQUIRE(third);
  CHECK(third->kind == recording_kind::clock);
  CHECK(third->clock == clock_point{2'000'000, start.unix_ns + 250'000});
  CHECK(rest.empty());
}

TEST_CASE("any records come back as they were") {
  const std::vector<access_record> records = many(3000, 1);
  std::vector<access_record> found;
  CHECK(read(written(records), found) == status::ok);
  CHECK(found == records);
}

TEST_CASE("more places than the table holds come back as they were") {
  std::vector<access_record> records;
  for (std::uint64_t i = 0; i < 3 * place_table::max_places; ++i) {
    // an old acquaintance every third time, which may have been forgotten meanwhile
    const std::uint64_t place = i % 3 == 0 ? i / 3 : i;
    records.push_back({start.cycles + i, place * 8, i, 0, 0, access::load, 8});
  }
  std::vector<access_record> found;
  CHECK(read(written(records), found) == status::ok);
  CHECK(found == records);
}

TEST_CASE("a recording is a CBOR sequence that any reader can take apart") {
  const std::vector<std::byte> bytes = written(many(500, 2));
  bytes_view rest{bytes};
  std::size_t items = 0;
  while (!rest.empty()) {
    REQUIRE(shoal::cbor::take_item(rest));
    ++items;
  }
  CHECK(items == 501);
}

TEST_CASE("a loop that polls takes a few bytes a record") {
  std::vector<access_record> records;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    records.push_back({start.cycles + 900 * i, 0x101, 0x21, 0, 0, access::in, 1});
    records.push_back({start.cycles + 900 * i + 400, 0x100, 0x40, 0, 0, access::out, 1});
  }
  CHECK(written(records).size() < 2000 * 3 + 100);
}

TEST_CASE("a recording that was cut is read up to the last whole record") {
  const std::vector<access_record> records = many(40, 3);
  const std::vector<std::byte> bytes = written(records);
  std::size_t whole = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    std::vector<access_record> found;
    const status ended = read(bytes_view{bytes}.first(size), found);
    CHECK((ended == status::ok || ended == status::truncated));
    CHECK(found.size() >= whole);
    CHECK(std::equal(found.begin(), found.end(), records.begin()));
    whole = found.size();
  }
  CHECK(whole == records.size());
}

TEST_CASE("a tail of zeros is not taken for records") {
  const std::vector<access_record> records = many(40, 4);
  std::vector<std::byte> bytes = written(records);
  bytes.resize(bytes.size() + 512);
  std::vector<access_record> found;
  CHECK(read(bytes, found) == status::malformed);
  CHECK(found == records);
}

TEST_CASE("after another header nothing depends on what came before") {
  vector_output out;
  recording_writer writer{out};
  REQUIRE(writer.begin(names, start) == status::ok);
  const std::vector<access_record> records = many(50, 5);
  for (const access_record& record : records) writer.put(record);
  const std::size_t first = out.bytes.size();
  REQUIRE(writer.begin({}, start) == status::ok);
  for (const access_record& record : records) writer.put(record);

  std::vector<access_record> found;
  CHECK(read(bytes_view{out.bytes}.subspan(first), found) == status::ok);
  CHECK(found == records);
  found.clear();
  CHECK(read(out.bytes, found) == status::ok);
  CHECK(found.size() == 100);
}

TEST_CASE("counters may go back, as between two processors") {
  const std::vector<access_record> records{{start.cycles - 10, 4, 1, 0, 0, access::load, 4},
                                           {0, 4, 1, 0, 0, access::load, 4},
                                           {~std::uint64_t{0}, 4, 1, 0, 0, access::load, 4},
                                           {1u << 31, 4, ~std::uint64_t{0}, 0, 0, access::load, 4}};
  std::vector<access_record> found;
  CHECK(read(written(records), found) == status::ok);
  CHECK(found == records);
}

TEST_CASE("what does not begin with a header is no recording") {
  for (const char* digits : {"00", "01", "83010203", "a2", "d8", "d9d9f8846f", "f6", "6161", "c1"}) {
    std::vector<access_record> found;
    const status ended = read(hex(digits), found);
    CHECK((ended == status::malformed || ended == status::truncated));
    CHECK(found.empty());
  }
}

TEST_CASE("another version and other magic are told apart") {
  std::vector<std::byte> bytes = hex(bare_header);
  std::vector<access_record> found;
  CHECK(read(bytes, found) == status::ok);
  bytes[20] = std::byte{3};
  CHECK(read(bytes, found) == status::unsupported);
  bytes = hex(bare_header);
  bytes[10] = std::byte{'x'};
  CHECK(read(bytes, found) == status::malformed);
}

TEST_CASE("a writer refuses names that a reader would refuse") {
  vector_output out;
  recording_writer writer{out};
  const std::string longest(max_source_name, 'n');
  const std::string longer(max_source_name + 1, 'n');
  const std::array<std::string_view, 1> good{longest}, bad{longer}, broken{"\xff"};
  CHECK(writer.begin(bad, start) == status::invalid_argument);
  CHECK(writer.begin(broken, start) == status::invalid_argument);
  CHECK(writer.begin(std::vector<std::string_view>(max_sources + 1), start) == status::invalid_argument);
  CHECK(out.bytes.empty());
  CHECK(writer.begin(std::vector<std::string_view>(max_sources, longest), start) == status::ok);
  CHECK(out.bytes.size() <= max_recording_item);
  recording_reader reader;
  bytes_view rest{out.bytes};
  CHECK(reader.next(rest));
  CHECK(reader.source_count() == max_sources);
  CHECK(writer.begin(good, start) == status::ok);
}

TEST_CASE("names past the limits are refused") {
  const std::string start_of_header = "d9d9f7846f73686f616c2d7265636f7264696e6701";
  std::vector<access_record> found;
  CHECK(read(hex(start_of_header + "990101"), found) == status::limit_exceeded);
  CHECK(read(hex(start_of_header + "9bffffffffffffffff"), found) == status::limit_exceeded);
  CHECK(read(hex(start_of_header + "817841"), found) == status::limit_exceeded);
  CHECK(read(hex(start_of_header + "817bffffffffffffffff"), found) == status::limit_exceeded);
  CHECK(read(hex(start_of_header + "8161ff820000"), found) == status::malformed);
  CHECK(read(hex(start_of_header + "8161"), found) == status::truncated);
}

TEST_CASE("records that make no sense are malformed") {
  CHECK(read("01") == status::malformed);                    // what is expected, before anything was
  CHECK(read("820102") == status::malformed);                // the same
  CHECK(read("8301020a") == status::malformed);              // a place that nobody has named
  CHECK(read("83010284041800040102") == status::malformed);  // not the shortest form
  CHECK(read("83010284041a0001000004"
             "01") == status::malformed);  // a source above 65,535
  CHECK(read("8301028404001901000"
             "1") == status::malformed);                 // a width above 255
  CHECK(read("8301028404000400") == status::malformed);  // no such access
  CHECK(read("83010284040004"
             "0d") == status::malformed);                // no such access
  CHECK(read("8301028304000401") == status::malformed);  // a place of three pieces
  CHECK(read("81") == status::malformed);
  CHECK(read("8501020304") == status::malformed);
  CHECK(read("20") == status::malformed);
  CHECK(read("f5") == status::malformed);
  CHECK(read("fb0000000000000000") == status::malformed);
  CHECK(read("9f01ff") == status::unsupported);
  CHECK(read("a1") == status::malformed);
  CHECK(read("a2") == status::truncated);
  CHECK(read("a1616100") == status::malformed);
  CHECK(read("a2666379636c6573000000") == status::malformed);
}

TEST_CASE("a record has one form only") {
  const std::string known = "8301028404000401";  // a load of four bytes at 4 gives 2, a cycle after the last
  CHECK(read(known) == status::ok);
  CHECK(read(known + "01") == status::ok);
  CHECK(read(known + "00") == status::malformed);  // a time of less than none
  CHECK(read(known + "3bffffffffffffffff") == status::malformed);
  CHECK(read(known + "1bffffffffffffffff") == status::malformed);
  CHECK(read(known + "820100") == status::malformed);    // no change needs no saying
  CHECK(read(known + "83010101") == status::malformed);  // nor what was expected
  CHECK(read(known + "83010100") == status::malformed);
  CHECK(read(known + "8401010103") == status::malformed);
  CHECK(read(known + "8401010003") == status::ok);
  CHECK(read(known + "8401010000") == status::malformed);  // repeated not at all
  CHECK(read(known + "840101001b0000000100000000") == status::malformed);
  CHECK(read(known + known) == status::malformed);  // a new place that is not new
}

TEST_CASE("records of I2C, disks, networks and guests come back, and only where the header allows them") {
  std::vector<access_record> records;
  std::uint64_t time = start.cycles;
  for (unsigned what = 0; what <= static_cast<unsigned>(shoal::hal::last_access); ++what) {
    const auto kind = static_cast<shoal::hal::access>(what);
    records.push_back(
        {.cycles = time += 5, .address = 4096, .value = 512, .repeats = 0x9c400016, .what = kind});
    records.push_back(
        {.cycles = time += 5, .address = ~std::uint64_t{0}, .value = 7, .source = 1, .what = kind});
  }
  std::vector<access_record> back;
  CHECK(read(written(records, event_recording), back) == status::ok);
  CHECK(back == records);

  // who knows no more than devices reads what comes before, and says that it is damaged there
  back.clear();
  CHECK(read(written(records), back) == status::malformed);
  CHECK(back.size() == 2 * (static_cast<unsigned>(shoal::hal::access::lost) + 1));
}

TEST_CASE("a recording of devices alone is what it always was, byte for byte") {
  const std::vector<std::byte> plain =
      written({{.cycles = start.cycles, .address = 4, .value = 2, .width = 4}});
  const std::vector<std::byte> events =
      written({{.cycles = start.cycles, .address = 4, .value = 2, .width = 4}}, event_recording);
  REQUIRE(plain.size() == events.size());
  const auto version = std::ranges::mismatch(plain, events);
  CHECK(*version.in1 == std::byte{1});
  CHECK(*version.in2 == std::byte{2});
  CHECK(std::equal(version.in1 + 1, plain.end(), version.in2 + 1));
  vector_output out;
  recording_writer writer{out};
  CHECK(writer.begin(names, start, 3) == status::invalid_argument);
  CHECK(out.bytes.empty());
}
