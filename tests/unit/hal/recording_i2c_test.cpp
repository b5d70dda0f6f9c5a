// SPDX-License-Identifier: BSL-1.0
#include <shoal/hal/recording_i2c.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/i2c_access.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/test/i2c_bus_conformance.hpp>

#include "records.hpp"

using namespace shoal::hal;
using shoal::status;

namespace {

constexpr i2c_address sensor{0x50};

/// Bytes from one number on, counting up.
std::vector<std::byte> counting(std::size_t size, unsigned from = 0) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(from + i);
  return bytes;
}

/// A bus that ends each transfer as it is told, and reads bytes that count.
struct scripted_bus {
  status end = status::ok;
  status transfer(i2c_address, shoal::bytes_view, shoal::bytes_span in) noexcept {
    for (std::size_t i = 0; i < in.size() && end == status::ok; ++i) in[i] = static_cast<std::byte>(0x80 + i);
    return end;
  }
};
using watched_bus = recording_i2c<scripted_bus, every_access, kept_records&, steps>;
static_assert(i2c_bus<watched_bus>);

/// All that the records from `at` on say was written, or read.
std::vector<std::byte> bytes_of(const std::vector<access_record>& records, std::size_t at) {
  std::vector<std::byte> bytes;
  for (std::size_t i = at; i < records.size() && (i == at || records[i].what == access::i2c_more); ++i) {
    const i2c_record_data data = unpack_i2c_bytes(records[i]);
    bytes.insert(bytes.end(), data.bytes.begin(), data.bytes.begin() + static_cast<std::ptrdiff_t>(data.count));
  }
  return bytes;
}

}  // namespace

TEST_CASE("what is written is recorded before what is read, the first byte lowest") {
  scripted_bus bus;
  kept_records kept;
  steps::count = 0;
  watched_bus watched{bus, every_access{}, kept, 3};
  std::array<std::byte, 2> in{};
  const std::array reg{std::byte{0x29}};
  REQUIRE(watched.transfer(sensor, reg, in) == status::ok);
  const std::array set{std::byte{0x29}, std::byte{1}};
  REQUIRE(watched.transfer(sensor, set, {}) == status::ok);
  REQUIRE(watched.transfer(sensor, {}, in) == status::ok);
  CHECK(kept.records == std::vector<access_record>{
                            {1, 0x50, 0x29, 0, 3, access::i2c_write, 1},
                            {2, 0x50, 0x8180, 0, 3, access::i2c_read, 2},
                            {3, 0x50, 0x0129, 0, 3, access::i2c_write, 2},
                            {4, 0x50, 0x8180, 0, 3, access::i2c_read, 2},
                        });
}

TEST_CASE("a buffer that is written and read into is recorded as it was written") {
  scripted_bus bus;
  kept_records kept;
  watched_bus watched{bus, every_access{}, kept};
  std::array<std::byte, 1> both{std::byte{7}};
  REQUIRE(watched.transfer(sensor, both, both) == status::ok);
  REQUIRE(kept.records.size() == 2);
  CHECK(kept.records[0].value == 7);
  CHECK(kept.records[1].value == 0x80);
}

TEST_CASE("no byte of a transfer is missing, of whatever length") {
  for (const std::size_t size : {1u, 7u, 8u, 9u, 16u, 17u, 254u, 255u, 256u, 300u, 8191u, 8192u}) {
    CAPTURE(size);
    scripted_bus bus;
    kept_records kept;
    watched_bus watched{bus, every_access{}, kept};
    const std::vector<std::byte> out = counting(size, 5);
    std::vector<std::byte> in(size);
    REQUIRE(watched.transfer(sensor, out, in) == status::ok);
    const std::size_t each_way = (size + 7) / 8;
    REQUIRE(kept.records.size() == 2 * each_way);
    CHECK(kept.records[0].what == access::i2c_write);
    CHECK(kept.records[0].width == (size < 255 ? size : 255));
    CHECK(kept.records[each_way].what == access::i2c_read);
    CHECK(kept.records[each_way].width == kept.records[0].width);
    CHECK(bytes_of(kept.records, 0) == out);
    CHECK(bytes_of(kept.records, each_way) == in);
    CHECK(in == counting(size, 0x80));
  }
}

TEST_CASE("a transfer that fails is recorded as one, with what it wrote") {
  scripted_bus bus{status::timed_out};
  kept_records kept;
  steps::count = 0;
  watched_bus watched{bus, every_access{}, kept};
  const std::array reg{std::byte{4}};
  std::array<std::byte, 3> in{};
  CHECK(watched.transfer(sensor, reg, in) == status::timed_out);
  CHECK(watched.transfer(sensor, {}, in) == status::timed_out);
  CHECK(watched.transfer(sensor, reg, {}) == status::timed_out);
  CHECK(kept.records == std::vector<access_record>{
                            {1, 0x50, 4, 0, 0, access::i2c_write, 1},
                            {2, 0x50, 0, 0, 0, access::i2c_failed, 3},
                            {3, 0x50, 0, 0, 0, access::i2c_failed, 3},
                            {4, 0x50, 4, 0, 0, access::i2c_write, 1},
                            {5, 0x50, 0, 0, 0, access::i2c_failed, 0},
                        });
}

TEST_CASE("what no bus would begin is not recorded") {
  scripted_bus bus;
  kept_records kept;
  watched_bus watched{bus, every_access{}, kept};
  std::vector<std::byte> bytes(8193);
  for (const unsigned wrong : {0u, 7u, 0x78u, 0xffu}) {
    CHECK(watched.transfer(static_cast<i2c_address>(wrong), counting(1), {}) == status::invalid_argument);
  }
  CHECK(watched.transfer(sensor, {}, {}) == status::invalid_argument);
  CHECK(watched.transfer(sensor, bytes, {}) == status::invalid_argument);
  CHECK(watched.transfer(sensor, {}, bytes) == status::invalid_argument);
  CHECK(kept.records.empty());
}

TEST_CASE("a filter chooses devices, and what follows goes with the first bytes") {
  scripted_bus bus;
  kept_records kept;
  recording_i2c watched{bus, all_of{writes, address_range{0x50, 1}}, kept};
  std::vector<std::byte> in(20);
  REQUIRE(watched.transfer(i2c_address{0x4f}, counting(20), in) == status::ok);  // 20 bytes are no 20 addresses
  REQUIRE(watched.transfer(i2c_address{0x51}, counting(20), in) == status::ok);
  CHECK(kept.records.empty());
  REQUIRE(watched.transfer(sensor, counting(20), in) == status::ok);
  REQUIRE(kept.records.size() == 3);
  CHECK(kept.records[0].what == access::i2c_write);
  CHECK(kept.records[2].what == access::i2c_more);
  CHECK(kept.records[2].width == 4);
}

TEST_CASE("a record of any width has no more bytes than it holds") {
  access_record from_anywhere{.value = 0x0807060504030201, .what = access::i2c_more, .width = 255};
  CHECK(unpack_i2c_bytes(from_anywhere).count == 8);
  CHECK(unpack_i2c_bytes(from_anywhere).bytes[7] == std::byte{8});
  from_anywhere.width = 0;
  CHECK(unpack_i2c_bytes(from_anywhere).count == 0);
  from_anywhere = {.value = 1, .what = access::i2c_failed, .width = 1};
  CHECK(unpack_i2c_bytes(from_anywhere).count == 0);
  from_anywhere.what = access::load;
  CHECK(unpack_i2c_bytes(from_anywhere).count == 0);
}

TEST_CASE("a bus that is recorded is an I2C bus, and one of which nothing is kept is no more than its bus") {
  i2c_registers<256> device;
  simulated_i2c bus{i2c_placed{sensor, device}};
  kept_records kept;
  const shoal::test::i2c_places places{.device = sensor, .nobody = i2c_address{0x51}, .longest = 200};
  shoal::test::conforms_to_i2c_bus([&] { return recording_i2c{bus, every_access{}, kept}; }, places);
  const auto silent = [&] { return recording_i2c{bus, every_access{}, null_sink{}}; };
  static_assert(sizeof(silent()) == sizeof(void*));
  shoal::test::conforms_to_i2c_bus(silent, places);
}
