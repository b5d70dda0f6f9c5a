// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/manifest.hpp>

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

std::vector<std::byte> wire_of(const manifest& m) {
  return {m.bytes().begin(), m.bytes().end()};
}

TEST_CASE("a manifest is read back as it was written, byte for byte") {
  manifest made;
  REQUIRE(made.add("storage", device_type::block) == status::ok);
  REQUIRE(made.add(std::string(67, 'n'), device_type::net) == status::ok);
  REQUIRE(made.add("pins", device_type::gpio) == status::ok);
  const std::vector<std::byte> wire = wire_of(made);
  CHECK(wire.size() == 8 + 4 * 104);
  const status_or<manifest> read = manifest::parse(wire);
  REQUIRE(read);
  CHECK(wire_of(*read) == wire);
  CHECK(read->devices().size() == 3);
  CHECK(read->devices()[2].name_text() == "pins");
}

TEST_CASE("a handle is the index of a device, and 0 is none") {
  manifest made;
  REQUIRE(made.add("a", device_type::block) == status::ok);
  REQUIRE(made.add("b", device_type::block) == status::ok);
  CHECK(made.find("a", device_type::block) == 1);
  CHECK(made.find("b", device_type::block) == 2);
  CHECK(made.find("b", device_type::net) == 0);
  CHECK(made.find("", device_type::reserved_first) == 0);
}

TEST_CASE("offsets are those of the ABI") {
  manifest made;
  REQUIRE(made.add("disk", device_type::block) == status::ok);
  made[1].attach_block(0x1122334455667788, 4096, 7);
  const std::vector<std::byte> wire = wire_of(made);
  const std::byte* const entry = wire.data() + 8 + 104;
  CHECK(load_le<std::uint32_t>(wire.data()) == 1);
  CHECK(load_le<std::uint32_t>(wire.data() + 4) == 2);
  CHECK(load_le<std::uint32_t>(wire.data() + 8 + 68) == 1u << 30);
  CHECK(as_text({entry, 5}) == std::string_view{"disk\0", 5});
  CHECK(load_le<std::uint32_t>(entry + 68) == 1);
  CHECK(load_le<std::uint64_t>(entry + 72) == 0x1122334455667788);
  CHECK(load_le<std::uint16_t>(entry + 80) == 4096);
  CHECK(load_le<std::uint32_t>(entry + 84) == 7);
  CHECK(entry[96] == std::byte{1});
}

TEST_CASE("properties are where the type has them") {
  manifest made;
  REQUIRE(made.add("net", device_type::net) == status::ok);
  const std::array mac{std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}, std::byte{6}, std::byte{7}};
  made[1].attach_net(mac, 1500);
  CHECK(made[1].mac()[5] == std::byte{7});
  CHECK(made[1].mtu() == 1500);
  made[1].attach_gpio(54, 0);
  CHECK(made[1].line_count() == 54);
  CHECK(made[1].gpio_features() == 0);
}

TEST_CASE("a hostile manifest is refused") {
  manifest made;
  REQUIRE(made.add("disk", device_type::block) == status::ok);
  const std::vector<std::byte> good = wire_of(made);
  REQUIRE(manifest::parse(good));
  const auto with = [&good](std::size_t at, unsigned value) {
    std::vector<std::byte> bad = good;
    bad[at] = static_cast<std::byte>(value);
    return manifest::parse(bad).code;
  };
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(manifest::parse(bytes_view{good}.first(n)).code != status::ok);
  CHECK(with(0, 2) == status::unsupported);           // version
  CHECK(with(4, 0) == status::malformed);             // no entry
  CHECK(with(4, 1) == status::malformed);             // more bytes than entries
  CHECK(with(4, 3) == status::truncated);             // fewer
  CHECK(with(4, 65) == status::limit_exceeded);       // too many
  CHECK(with(7, 0xff) == status::limit_exceeded);     // far too many
  CHECK(with(8, 'x') == status::malformed);           // the first has no name
  CHECK(with(8 + 71, 0) == status::malformed);        // the first is no device
  CHECK(with(8 + 104 + 67, 1) == status::malformed);  // a name without an end
  CHECK(with(8 + 104 + 96, 1) == status::malformed);  // attached by itself
  CHECK(with(8 + 104 + 68, 77) == status::ok);        // an unknown type is for the tender to refuse
}

TEST_CASE("what only a tender may say is not taken from a file") {
  manifest made;
  REQUIRE(made.add("disk", device_type::block) == status::ok);
  std::vector<std::byte> wire = wire_of(made);
  wire[8 + 104 + 84] = std::byte{7};  // features
  wire[8 + 104 + 88] = std::byte{3};  // a file descriptor
  const status_or<manifest> read = manifest::parse(wire);
  REQUIRE(read);
  CHECK((*read)[1].block_features() == 0);
  CHECK((*read)[1].backing == 0);
}

TEST_CASE("names and their number have limits") {
  manifest made;
  CHECK(made.add("", device_type::block) == status::invalid_argument);
  CHECK(made.add(std::string(68, 'n'), device_type::block) == status::invalid_argument);
  CHECK(made.add(std::string_view{"a\0b", 3}, device_type::block) == status::invalid_argument);
  for (int i = 0; i < 63; ++i) REQUIRE(made.add("disk" + std::to_string(i), device_type::block) == status::ok);
  CHECK(made.add("one more", device_type::block) == status::no_space);
  CHECK(made.bytes().size() == manifest::max_bytes);
  CHECK(manifest::parse(made.bytes()));
  CHECK(made.find("disk62", device_type::block) == 63);
}

}  // namespace
