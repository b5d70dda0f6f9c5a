// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/split_queue.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::descriptor;
using driver_model::ram;
using hal::guest_address;

constexpr guest_address nowhere{0x7fff'0000'0000};

struct fixture {
  ram memory;
  driver_model::queue driver{memory, 8};
  split_queue queue;
  descriptor_chain chain;

  explicit fixture(queue_options options = {}) {
    REQUIRE(queue.enable(memory, driver.layout(), options) == status::ok);
  }
  status popped() {
    const auto p = queue.pop(memory, chain);
    return p && *p ? status::ok : !p ? p.code : status::busy;  // busy: nothing there
  }
};

TEST_CASE("a request is popped with its buffers and pushed back") {
  fixture f;
  CHECK(f.popped() == status::busy);
  const guest_address in = f.driver.allocate(100);
  const guest_address out = f.driver.allocate(50);
  f.driver.write(3, {in, 100, descriptor_flag::next, 6});
  f.driver.write(6, {out, 50, descriptor_flag::write, 0});
  f.driver.offer(3);

  REQUIRE(f.popped() == status::ok);
  CHECK(f.chain.head() == 3);
  REQUIRE(f.chain.readable().size() == 1);
  REQUIRE(f.chain.writable().size() == 1);
  CHECK(f.chain.readable()[0].data() == f.memory.at(in));
  CHECK(f.chain.writable()[0].data() == f.memory.at(out));
  CHECK(f.chain.readable_bytes() == 100);
  CHECK(f.chain.writable_bytes() == 50);
  CHECK(f.popped() == status::busy);

  CHECK(f.driver.used() == 0);
  CHECK_FALSE(f.queue.must_notify(f.memory));
  CHECK(f.queue.push(f.memory, 3, 17));
  CHECK(f.driver.used() == 1);
  CHECK(f.driver.used_at(0) == driver_model::used_entry{3, 17});
  CHECK(f.queue.must_notify(f.memory));
  CHECK_FALSE(f.queue.must_notify(f.memory));
}

TEST_CASE("the rings go round more often than their indices") {
  fixture f;
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    f.driver.write(static_cast<std::uint16_t>(i % 8), {ram::base, 1, 0, 0});
    f.driver.offer(static_cast<std::uint16_t>(i % 8));
    if (f.popped() != status::ok || f.chain.head() != i % 8) FAIL("lost at " << i);
    if (!f.queue.push(f.memory, f.chain.head(), 0)) FAIL("not pushed at " << i);
    if (f.driver.used() != static_cast<std::uint16_t>(i + 1)) FAIL("not used at " << i);
  }
}

TEST_CASE("queues of a wrong size or place are not enabled") {
  ram memory;
  const queue_layout good = driver_model::queue{memory, 8}.layout();
  split_queue queue;
  const auto with = [&](auto change) {
    queue_layout layout = good;
    change(layout);
    const status s = queue.enable(memory, layout, {.event_index = true});
    CHECK(queue.is_enabled() == (s == status::ok));
    return s;
  };
  CHECK(with([](queue_layout&) {}) == status::ok);
  for (const unsigned size : {0u, 3u, 6u, 2048u, 0x8000u, 0xffffu}) {
    CHECK(with([=](queue_layout& l) { l.size = static_cast<std::uint16_t>(size); }) ==
          status::invalid_argument);
  }
  CHECK(with([](queue_layout& l) { l.descriptors = l.descriptors + 8; }) == status::invalid_argument);
  CHECK(with([](queue_layout& l) { l.available = l.available + 1; }) == status::invalid_argument);
  CHECK(with([](queue_layout& l) { l.used = l.used + 2; }) == status::invalid_argument);
  CHECK(with([](queue_layout& l) { l.descriptors = nowhere; }) == status::out_of_range);
  CHECK(with([](queue_layout& l) { l.available = nowhere; }) == status::out_of_range);
  CHECK(with([](queue_layout& l) { l.used = nowhere; }) == status::out_of_range);
  CHECK(with([](queue_layout& l) { l.used = guest_address{UINT64_MAX - 3}; }) == status::out_of_range);
  // the ring itself fits, the event index behind it does not
  CHECK(with([](queue_layout& l) { l.used = ram::base + ((1u << 20) - 4 - 8 * 8); }) == status::out_of_range);
}

TEST_CASE("a chain that does not end breaks the queue, and a broken queue stays silent") {
  fixture f;
  SUBCASE("it loops") {
    f.driver.write(0, {ram::base, 1, descriptor_flag::next, 1});
    f.driver.write(1, {ram::base, 1, descriptor_flag::next, 0});
  }
  SUBCASE("it is its own successor") {
    f.driver.write(0, {ram::base, 1, descriptor_flag::next, 0});
  }
  SUBCASE("its next one is not in the table") {
    f.driver.write(0, {ram::base, 1, descriptor_flag::next, 8});
  }
  f.driver.offer(0);
  CHECK(f.popped() == status::malformed);
  CHECK(f.queue.is_broken());
  f.driver.write(0, {ram::base, 1, 0, 0});
  f.driver.offer(0);
  CHECK(f.popped() == status::busy);
  CHECK_FALSE(f.queue.push(f.memory, 0, 0));
  CHECK_FALSE(f.queue.must_notify(f.memory));
  CHECK_FALSE(f.queue.want_kick(f.memory));
  CHECK(f.driver.used() == 0);

  REQUIRE(f.queue.enable(f.memory, f.driver.layout(), {.next = 1}) == status::ok);
  CHECK(f.popped() == status::ok);
}

TEST_CASE("a chain as long as the queue is the longest") {
  fixture f;
  for (std::uint16_t i = 0; i < 8; ++i) {
    f.driver.write(
        i, {ram::base, 1, i < 7 ? descriptor_flag::next : std::uint16_t{0}, static_cast<std::uint16_t>(i + 1)});
  }
  f.driver.offer(0);
  REQUIRE(f.popped() == status::ok);
  CHECK(f.chain.readable().size() == 8);
}

TEST_CASE("what is wrong with a descriptor breaks the queue") {
  fixture f;
  status expected = status::malformed;
  SUBCASE("no length") {
    f.driver.write(0, {ram::base, 0, 0, 0});
  }
  SUBCASE("outside memory") {
    f.driver.write(0, {nowhere, 1, 0, 0});
    expected = status::out_of_range;
  }
  SUBCASE("longer than memory") {
    f.driver.write(0, {ram::base, (1u << 20) + 1, 0, 0});
    expected = status::out_of_range;
  }
  SUBCASE("address and length wrap around") {
    f.driver.write(0, {guest_address{UINT64_MAX}, 0xffff'ffff, 0, 0});
    expected = status::out_of_range;
  }
  SUBCASE("one to read behind one to write") {
    f.driver.write(0, {ram::base, 1, descriptor_flag::write | descriptor_flag::next, 1});
    f.driver.write(1, {ram::base, 1, 0, 0});
  }
  SUBCASE("an indirect table that was not agreed upon") {
    f.driver.write(0, {ram::base, 16, descriptor_flag::indirect, 0});
  }
  f.driver.offer(0);
  CHECK(f.popped() == expected);
  CHECK(f.queue.is_broken());
}

TEST_CASE("rings that lie break the queue") {
  fixture f;
  SUBCASE("more is available than the queue is long") {
    f.driver.set_available(9);
  }
  SUBCASE("the index goes back") {
    f.driver.write(0, {ram::base, 1, 0, 0});
    f.driver.offer(0);
    REQUIRE(f.popped() == status::ok);
    f.driver.set_available(0);
  }
  SUBCASE("a head that is no descriptor") {
    f.driver.offer(8);
  }
  SUBCASE("a head that is far off") {
    f.driver.offer(0xffff);
  }
  CHECK(f.popped() == status::malformed);
}

TEST_CASE("indirect tables are followed") {
  fixture f{{.indirect = true}};
  const guest_address table = f.driver.allocate(16 * 3);
  f.driver.write_at(table, {ram::base, 10, descriptor_flag::next, 2});
  f.driver.write_at(table + 32, {ram::base, 20, descriptor_flag::write, 0});

  SUBCASE("alone") {
    f.driver.write(0, {table, 48, descriptor_flag::indirect, 0});
  }
  SUBCASE("behind another descriptor") {
    f.driver.write(0, {ram::base, 5, descriptor_flag::next, 1});
    f.driver.write(1, {table, 48, descriptor_flag::indirect, 0});
  }
  f.driver.offer(0);
  REQUIRE(f.popped() == status::ok);
  CHECK(f.chain.readable().back().size() == 10);
  CHECK(f.chain.writable().front().size() == 20);
}

TEST_CASE("what is wrong with an indirect table breaks the queue") {
  fixture f{{.indirect = true}};
  const guest_address table = f.driver.allocate(16 * 16);
  f.driver.write_at(table, {ram::base, 10, 0, 0});
  status expected = status::malformed;
  SUBCASE("empty") {
    f.driver.write(0, {table, 0, descriptor_flag::indirect, 0});
  }
  SUBCASE("no whole number of descriptors") {
    f.driver.write(0, {table, 17, descriptor_flag::indirect, 0});
  }
  SUBCASE("longer than the queue") {
    f.driver.write(0, {table, 9 * 16, descriptor_flag::indirect, 0});
  }
  SUBCASE("followed by another descriptor") {
    f.driver.write(0, {table, 16, descriptor_flag::indirect | descriptor_flag::next, 1});
  }
  SUBCASE("in itself") {
    f.driver.write(0, {table, 16, descriptor_flag::indirect, 0});
    f.driver.write_at(table, {table, 16, descriptor_flag::indirect, 0});
  }
  SUBCASE("a next one that is not in it") {
    f.driver.write(0, {table, 16, descriptor_flag::indirect, 0});
    f.driver.write_at(table, {ram::base, 10, descriptor_flag::next, 1});
  }
  SUBCASE("a loop in it") {
    f.driver.write(0, {table, 16, descriptor_flag::indirect, 0});
    f.driver.write_at(table, {ram::base, 10, descriptor_flag::next, 0});
  }
  SUBCASE("outside memory") {
    f.driver.write(0, {nowhere, 16, descriptor_flag::indirect, 0});
    expected = status::out_of_range;
  }
  SUBCASE("its end outside memory") {
    f.driver.write(0, {ram::base + ((1u << 20) - 16), 32, descriptor_flag::indirect, 0});
    f.driver.write_at(ram::base + ((1u << 20) - 16), {ram::base, 10, descriptor_flag::next, 1});
    expected = status::out_of_range;
  }
  f.driver.offer(0);
  CHECK(f.popped() == expected);
}

TEST_CASE("the driver says when it wants to be interrupted") {
  SUBCASE("by a flag") {
    fixture f;
    f.driver.set_no_interrupt(true);
    f.queue.push(f.memory, 0, 0);
    CHECK_FALSE(f.queue.must_notify(f.memory));
    f.driver.set_no_interrupt(false);
    f.queue.push(f.memory, 0, 0);
    CHECK(f.queue.must_notify(f.memory));
  }
  SUBCASE("by an index") {
    fixture f{{.event_index = true}};
    f.queue.push(f.memory, 0, 0);
    CHECK(f.queue.must_notify(f.memory));  // the first one always
    f.driver.set_used_event(3);
    f.queue.push(f.memory, 0, 0);
    f.queue.push(f.memory, 0, 0);
    CHECK_FALSE(f.queue.must_notify(f.memory));
    f.queue.push(f.memory, 0, 0);
    CHECK(f.queue.must_notify(f.memory));
    f.queue.push(f.memory, 0, 0);
    CHECK_FALSE(f.queue.must_notify(f.memory));
  }
}

TEST_CASE("the device says from where on it wants kicks, and sees what came meanwhile") {
  fixture f{{.event_index = true}};
  f.driver.write(0, {ram::base, 1, 0, 0});
  CHECK_FALSE(f.queue.want_kick(f.memory));
  f.driver.offer(0);
  CHECK(f.queue.want_kick(f.memory));
  REQUIRE(f.popped() == status::ok);
  CHECK_FALSE(f.queue.want_kick(f.memory));
  CHECK(f.driver.available_event() == 1);
}

TEST_CASE("a queue goes on where another device stopped") {
  fixture f;
  f.driver.write(0, {ram::base, 1, 0, 0});
  for (int i = 0; i < 3; ++i) {
    f.driver.offer(0);
    REQUIRE(f.popped() == status::ok);
    f.queue.push(f.memory, 0, 0);
  }
  f.driver.offer(0);
  split_queue other;
  REQUIRE(other.enable(f.memory, f.driver.layout(), {.next = f.queue.next()}) == status::ok);
  const auto popped = other.pop(f.memory, f.chain);
  CHECK((popped && *popped));
  other.push(f.memory, 0, 0);
  CHECK(f.driver.used() == 4);
}

// The guest changes its memory between any two looks at it: whatever the queue makes of that, it is one of the
// states that the guest has shown, and inside its memory.
fixture* victim = nullptr;
std::uint32_t whim = 1;

TEST_CASE("a driver that changes descriptors while they are read gets no further than its memory") {
  fixture f{{.indirect = true, .event_index = true}};
  victim = &f;
  const guest_address table = f.driver.allocate(16 * 8);
  f.memory.before_window = [] {
    const auto next = [] { return (whim = whim * 1664525u + 1013904223u) >> 8; };
    static constexpr std::array addresses{ram::base, nowhere, ram::base + 0xffff0u, guest_address{UINT64_MAX}};
    const descriptor d{addresses[next() % 4], next() % 3 == 0 ? next() : next() % 64,
                       static_cast<std::uint16_t>(next() % 8), static_cast<std::uint16_t>(next() % 9)};
    victim->driver.write_at(ram::base + 16 * (next() % 8), d);
    victim->driver.write_at(ram::base + 0x8000 + 16 * (next() % 8), d);
  };
  unsigned whole = 0;
  for (int i = 0; i < 3000; ++i) {
    f.driver.write(0, {table, 16 * 8, descriptor_flag::indirect, 0});
    f.driver.offer(static_cast<std::uint16_t>(i % 8));
    const status s = f.popped();
    if (s == status::ok) {
      ++whole;
      for (const bytes_span b : f.chain.writable()) std::ranges::fill(b, std::byte{0x55});
      f.queue.push(f.memory, f.chain.head(), f.chain.writable_bytes());
    } else {
      REQUIRE(s != status::busy);
    }
    const auto at = static_cast<std::uint16_t>(i + 1);
    f.driver.set_available(at);
    if (f.queue.is_broken())
      REQUIRE(f.queue.enable(f.memory, f.driver.layout(), {.indirect = true, .next = at}) == status::ok);
  }
  CHECK(whole > 0);
  CHECK(whole < 3000);
}

}  // namespace
