// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/vhost_user_session.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "monitor_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using namespace monitor_model;
using kind = vhost_user_event::kind;
using enum vhost_user_request;

constexpr std::array<std::byte, 8> config{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                          std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
constexpr std::uint64_t all_features = feature::transport | vhost_user_feature::protocol | 1;
constexpr std::uint64_t all_protocol_features =
    vhost_user_feature::multi_queue | vhost_user_feature::reply_acknowledge | vhost_user_feature::config;

struct fixture {
  vhost_user_session session{{.features = 1, .config = config, .queues = 2}};

  vhost_user_event say(const message& m, std::size_t files = 0) {
    return session.receive(m.header(), m.payload, files);
  }
  kind what(const message& m, std::size_t files = 0) { return say(m, files).what; }
  std::optional<std::uint64_t> number() {
    const bytes_view r = session.reply();
    if (r.size() != 20) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, r.data() + 12, 8);
    return value;
  }
  void agree() {
    REQUIRE(what({get_features}) == kind::nothing);
    REQUIRE(number() == all_features);
    REQUIRE(what({get_protocol_features}) == kind::nothing);
    REQUIRE(number() == all_protocol_features);
    REQUIRE(what({set_protocol_features, of_number(all_protocol_features)}) == kind::nothing);
    REQUIRE(session.reply().empty());
    REQUIRE(what({set_features, of_number(all_features)}) == kind::nothing);
    REQUIRE(what({set_owner}) == kind::nothing);
  }
  void set_up(std::uint32_t ring) {
    REQUIRE(what({set_ring_size, of_pair(ring, 64)}) == kind::nothing);
    REQUIRE(what({set_ring_base, of_pair(ring, 7)}) == kind::nothing);
    REQUIRE(what({set_ring_addresses, of_addresses(ring, 0x1000, 0x3000, 0x2000)}) == kind::nothing);
  }
};

TEST_CASE("a ring runs when all is known, its kick file is there and it is enabled") {
  fixture f;
  f.agree();
  f.set_up(1);
  const auto& ring = f.session.ring(1);
  CHECK_FALSE(ring.can_run());
  const vhost_user_event kick = f.say({set_ring_kick, of_number(1)}, 1);
  CHECK(kick.what == kind::ring_kick);
  CHECK(kick.ring == 1);
  CHECK(kick.has_file);
  CHECK_FALSE(ring.can_run());
  CHECK(f.what({set_ring_enable, of_pair(1, 1)}) == kind::ring_changed);
  CHECK(ring.can_run());
  CHECK_FALSE(f.session.ring(0).can_run());
  CHECK(f.session.options_of(1).next == 7);
  CHECK(f.session.options_of(1).indirect);
  CHECK(f.session.accepted() == (feature::transport | 1));

  // and stops when its base is asked for
  const vhost_user_event stop = f.say({get_ring_base, of_pair(1, 0)});
  CHECK(stop.what == kind::stop_ring);
  CHECK(f.session.reply().empty());
  f.session.stopped(1, 99);
  CHECK(f.number() == (std::uint64_t{99} << 32 | 1));
  CHECK_FALSE(ring.can_run());
  CHECK(ring.base == 99);
}

TEST_CASE("without protocol features rings need nobody to enable them") {
  fixture f;
  REQUIRE(f.what({set_features, of_number(feature::version_1)}) == kind::nothing);
  f.set_up(0);
  CHECK(f.what({set_ring_kick, of_number(0)}, 1) == kind::ring_kick);
  CHECK(f.session.ring(0).can_run());
}

TEST_CASE("who asks for an acknowledgement gets one, if it was agreed upon") {
  fixture f;
  message m{set_ring_size, of_pair(0, 64)};
  m.flags |= vhost_user_flag::need_reply;
  CHECK(f.what(m) == kind::nothing);
  CHECK(f.session.reply().empty());
  f.agree();
  CHECK(f.what(m) == kind::nothing);
  CHECK(f.number() == 0);
  message writing{set_config, of_config(0, 4)};
  writing.flags |= vhost_user_flag::need_reply;
  CHECK(f.what(writing) == kind::nothing);
  CHECK(f.number() == 1);
  // an answer is acknowledgement enough
  message asking{get_queue_count};
  asking.flags |= vhost_user_flag::need_reply;
  CHECK(f.what(asking) == kind::nothing);
  CHECK(f.number() == 2);
}

TEST_CASE("memory comes with a file for each region") {
  fixture f;
  f.agree();
  const std::vector<vhost_user_region> regions{{hal::guest_address{0}, 0x1000, 0x7000'0000, 0},
                                               {hal::guest_address{0x10000}, 0x1000, 0x8000'0000, 0x1000}};
  message m{set_memory_table, of_regions(regions)};
  m.flags |= vhost_user_flag::need_reply;
  const vhost_user_event e = f.say(m, 2);
  REQUIRE(e.what == kind::map_memory);
  REQUIRE(e.memory.count == 2);
  CHECK(e.memory.storage[1] == regions[1]);
  CHECK(f.session.reply().empty());
  f.session.complete(false);
  CHECK(f.number() == 1);
  CHECK(f.what(m, 1) == kind::violation);
  CHECK(f.what(m, 3) == kind::violation);
}

TEST_CASE("regions that make no sense are refused") {
  fixture f;
  const auto with = [&](std::vector<vhost_user_region> regions) {
    const message m{set_memory_table, of_regions(regions)};
    return f.what(m, regions.size());
  };
  const vhost_user_region good{hal::guest_address{0}, 0x1000, 0, 0};
  CHECK(with({good}) == kind::map_memory);
  CHECK(with({}) == kind::violation);
  CHECK(with(std::vector(9, good)) == kind::violation);
  CHECK(with({{hal::guest_address{0}, 0, 0, 0}}) == kind::violation);
  CHECK(with({{hal::guest_address{UINT64_MAX}, 2, 0, 0}}) == kind::violation);
  CHECK(with({{hal::guest_address{0}, 2, UINT64_MAX, 0}}) == kind::violation);
  CHECK(with({{hal::guest_address{0}, 2, 0, UINT64_MAX}}) == kind::violation);
  CHECK(with({{hal::guest_address{0}, UINT64_MAX, 2, 0}}) == kind::violation);
}

TEST_CASE("the configuration is read, with zeroes behind its end") {
  fixture f;
  f.agree();
  CHECK(f.what({get_config, of_config(2, 8)}) == kind::nothing);
  const bytes_view r = f.session.reply();
  REQUIRE(r.size() == 12 + 12 + 8);
  CHECK(std::to_integer<int>(r[24]) == 3);
  CHECK(std::to_integer<int>(r[29]) == 8);
  CHECK(std::to_integer<int>(r[30]) == 0);
  CHECK(f.what({get_config, of_config(1000, 256)}) == kind::nothing);
  CHECK(f.session.reply().size() == 12 + 12 + 256);
  CHECK(f.what({get_config, of_config(0, 257)}) == kind::violation);
  message lies{get_config, of_config(0, 8)};
  lies.payload.pop_back();
  CHECK(f.what(lies) == kind::violation);
}

TEST_CASE("messages that break the rules end the connection") {
  fixture f;
  f.agree();
  CHECK(f.what({set_features, of_number(std::uint64_t{1} << 50)}) == kind::violation);
  CHECK(f.what({set_protocol_features, of_number(1u << 12)}) == kind::violation);
  CHECK(f.what({set_features}) == kind::violation);
  CHECK(f.what({get_features, of_number(0)}) == kind::violation);
  CHECK(f.what({get_features}, 1) == kind::violation);
  CHECK(f.what({set_ring_size, of_pair(2, 64)}) == kind::violation);
  CHECK(f.what({set_ring_size, of_pair(0, 0)}) == kind::violation);
  CHECK(f.what({set_ring_size, of_pair(0, 0x10000 + 64)}) == kind::violation);
  CHECK(f.what({set_ring_base, of_pair(0, 0x10000)}) == kind::violation);
  CHECK(f.what({set_ring_enable, of_pair(0, 2)}) == kind::violation);
  CHECK(f.what({set_ring_enable, of_pair(0xffff'ffff, 1)}) == kind::violation);
  CHECK(f.what({get_ring_base, of_pair(2, 0)}) == kind::violation);
  CHECK(f.what({set_ring_addresses, of_addresses(2, 0, 0, 0)}) == kind::violation);
  CHECK(f.what({set_ring_kick, of_number(2)}, 1) == kind::violation);
  CHECK(f.what({set_ring_kick, of_number(0)}, 0) == kind::violation);
  CHECK(f.what({set_ring_kick, of_number(0)}, 2) == kind::violation);
  CHECK(f.what({set_ring_call, of_number(0x100)}, 1) == kind::violation);
  CHECK(f.what({set_ring_call, of_number(0x200)}, 1) == kind::violation);
  message other_version{get_features};
  other_version.flags = 2;
  CHECK(f.what(other_version) == kind::violation);
  message a_reply{get_features};
  a_reply.flags |= vhost_user_flag::reply;
  CHECK(f.what(a_reply) == kind::violation);
}

TEST_CASE("a ring that is started stays as it is") {
  fixture f;
  f.agree();
  f.set_up(0);
  REQUIRE(f.what({set_ring_kick, of_number(0x100)}) == kind::ring_kick);
  CHECK(f.what({set_ring_size, of_pair(0, 64)}) == kind::violation);
  CHECK(f.what({set_ring_base, of_pair(0, 0)}) == kind::violation);
  CHECK(f.what({set_ring_addresses, of_addresses(0, 0, 0, 0)}) == kind::violation);
}

TEST_CASE("what is unknown is refused, or hung up on where nobody would hear that") {
  fixture f;
  f.agree();
  message m{static_cast<vhost_user_request>(31)};
  CHECK(f.what(m) == kind::violation);
  m.flags |= vhost_user_flag::need_reply;
  CHECK(f.what(m) == kind::nothing);
  CHECK(f.number() == 1);
}

TEST_CASE("a reset forgets the rings") {
  fixture f;
  f.agree();
  f.set_up(0);
  CHECK(f.what({reset_owner}) == kind::reset);
  f.session.complete(true);
  CHECK(f.session.ring(0).size == 0);
  CHECK(f.session.accepted() == 0);
}

}  // namespace
