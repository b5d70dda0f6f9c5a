// SPDX-License-Identifier: BSL-1.0
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/i2c_calls.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/hypercall/transport.hpp>

#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hal/simulated_i2c.hpp>

#include "guest_model.hpp"

namespace {

using namespace guest_model;

constexpr auto ok = static_cast<std::uint32_t>(result_code::ok);
constexpr auto again = static_cast<std::uint32_t>(result_code::again);
constexpr auto invalid = static_cast<std::uint32_t>(result_code::invalid);
constexpr auto failed = static_cast<std::uint32_t>(result_code::failed);
constexpr std::uint64_t last_byte = ram::size - 1;

struct fixed_clock {
  std::uint64_t operator()() const noexcept { return 1'700'000'000'000'000'000; }
};

struct text_sink {
  std::string text;
  status answer = status::ok;
  status write(bytes_view bytes) noexcept {
    text += as_text(bytes);
    return answer;
  }
};

struct scripted_waiter {
  std::uint64_t ready = 0;
  std::uint64_t handles = 0;
  std::uint64_t nanoseconds = 0;
  std::function<void()> meanwhile{};
  std::uint64_t wait(std::uint64_t h, std::uint64_t ns) noexcept {
    handles = h;
    nanoseconds = ns;
    if (meanwhile) meanwhile();
    return ready;
  }
};

struct plain_disk {
  std::vector<std::byte> bytes = std::vector<std::byte>(8 * 512);
  std::uint32_t block = 512;
  status answer = status::ok;
  std::uint64_t capacity() const noexcept { return bytes.size(); }
  std::uint32_t block_size() const noexcept { return block; }
  status read(std::uint64_t offset, bytes_span out) noexcept {
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return answer;
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    std::memcpy(bytes.data() + offset, in.data(), in.size());
    return answer;
  }
};
struct full_disk : plain_disk {
  unsigned flushes = 0;
  std::uint64_t discarded = 0;
  status flush() noexcept {
    ++flushes;
    return answer;
  }
  status discard(std::uint64_t, std::uint64_t length) noexcept {
    discarded += length;
    return answer;
  }
};
static_assert(!can_block_flush<plain_disk> && can_block_flush<full_disk> && can_block_discard<full_disk>);

struct frames {
  std::deque<std::string> waiting;
  std::vector<std::string> sent;
  status answer = status::ok;
  std::array<std::byte, 6> mac() const noexcept { return {std::byte{2}}; }
  std::uint16_t mtu() const noexcept { return 1500; }
  status_or<std::size_t> receive(bytes_span out) noexcept {
    if (waiting.empty()) return status::busy;
    const std::string frame = waiting.front();
    waiting.pop_front();
    const std::size_t n = std::min(frame.size(), out.size());
    std::memcpy(out.data(), frame.data(), n);
    return n;
  }
  status send(bytes_view frame) noexcept {
    sent.emplace_back(as_text(frame));
    return answer;
  }
};

using chip_type = hal::simulated_chip<8>;
using pins_type = gpio_calls<chip_type, scripted_waiter>;

TEST_CASE("walltime gives nanoseconds") {
  ram memory;
  fixed_clock clock;
  walltime_calls time{clock};
  CHECK(ask(time, memory, number::walltime, walltime_call{}).nanoseconds == 1'700'000'000'000'000'000);
}

TEST_CASE("puts hands text to the sink, up to the last byte of the memory") {
  ram memory;
  text_sink sink;
  console_calls console{sink};
  memory.put_text(data_at, "hello\n");
  ask(console, memory, number::puts, puts_call{.data = data_at, .length = 6});
  CHECK(sink.text == "hello\n");
  memory.bytes[last_byte] = std::byte{'!'};
  ask(console, memory, number::puts, puts_call{.data = last_byte, .length = 1});  // solo5-hvt stops here
  CHECK(sink.text == "hello\n!");
  ask(console, memory, number::puts, puts_call{.data = ~std::uint64_t{0}, .length = 0});
  CHECK(sink.text == "hello\n!");
}

TEST_CASE("puts of what is not the guest's memory stops it, and so does a sink that is full") {
  ram memory;
  text_sink sink;
  console_calls console{sink};
  const auto outcome_of = [&](std::uint64_t data, std::uint64_t length) {
    memory.put(argument_at, puts_call{.data = data, .length = length});
    return console.handle({number::puts, argument_at}, memory.guest);
  };
  CHECK(outcome_of(last_byte, 2) == outcome::fault);
  CHECK(outcome_of(0x2000, 8) == outcome::fault);  // page tables
  CHECK(outcome_of(data_at, 4_GiB) == outcome::fault);
  CHECK(outcome_of(data_at, ~std::uint64_t{0}) == outcome::fault);
  CHECK(outcome_of(~std::uint64_t{0}, 8) == outcome::fault);
  CHECK(sink.text.empty());
  sink.answer = status::limit_exceeded;
  CHECK(outcome_of(data_at, 1) == outcome::fault);
}

TEST_CASE("an argument outside of the memory stops the guest") {
  ram memory;
  fixed_clock clock;
  walltime_calls time{clock};
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{0x2000}, std::uint64_t{0x10000}, ram::size - 7, ram::size, 4_GiB - 1}) {
    CAPTURE(at);
    CHECK(time.handle({number::walltime, at}, memory.guest) == outcome::fault);
  }
  CHECK(time.handle({number::walltime, ram::size - 8}, memory.guest) == outcome::resume);
}

TEST_CASE("poll waits for all devices, and counts those that are ready") {
  ram memory;
  scripted_waiter waiter{.ready = 0b1010};
  poll_calls poll{waiter};
  const auto got = ask(poll, memory, number::poll, poll_call{.timeout = 5'000'000});
  CHECK(got.ready_set == 0b1010);
  CHECK(got.ready == 2);
  CHECK(waiter.nanoseconds == 5'000'000);
  CHECK(waiter.handles == ~std::uint64_t{0});
}

TEST_CASE("halt keeps the status, and the cookie when it is memory") {
  ram memory;
  halt_calls halt;
  const auto outcome_of = [&](std::uint64_t cookie) {
    memory.put(argument_at, halt_call{.cookie = cookie, .status = 0xffff'fffe});
    return halt.handle({number::halt, argument_at}, memory.guest);
  };
  CHECK(outcome_of(ram::size - 511) == outcome::fault);
  CHECK(outcome_of(4_GiB) == outcome::fault);
  CHECK(halt.exit_status() == 0);
  CHECK(outcome_of(ram::size - 512) == outcome::halt);
  CHECK(halt.cookie() == ram::size - 512);
  CHECK(halt.exit_status() == -2);
  CHECK(outcome_of(0) == outcome::halt);
  CHECK(halt.cookie() == 0);
}

struct disk_fixture {
  ram memory;
  manifest wanted;
  full_disk disk;
  block_calls<full_disk> calls;
  disk_fixture() {
    REQUIRE(wanted.add("other", device_type::net) == status::ok);
    REQUIRE(wanted.add("disk", device_type::block) == status::ok);
    REQUIRE(calls.attach(wanted, "disk", disk) == status::ok);
  }
  std::uint32_t io(std::uint32_t number, block_call asked) {
    if (asked.handle == 0) asked.handle = 2;
    return ask(calls, memory, number, asked).result;
  }
};

TEST_CASE_FIXTURE(disk_fixture, "blocks are read and written, one or several a call") {
  CHECK(wanted[2].capacity() == 4096);
  CHECK(wanted[2].block_size() == 512);
  CHECK(wanted[2].block_features() ==
        (block_feature::many_blocks | block_feature::flush | block_feature::discard));
  memory.put_text(data_at, "first");
  memory.put_text(data_at + 512, "second");
  CHECK(io(number::block_write, {.offset = 1024, .data = data_at, .length = 1024}) == ok);
  CHECK(as_text(bytes_view{disk.bytes}.subspan(1536, 6)) == "second");
  CHECK(io(number::block_read, {.offset = 1536, .data = ram::size - 512, .length = 512}) == ok);
  CHECK(memory.text(ram::size - 512, 6) == "second");
  CHECK(io(number::block_read, {.offset = 4096, .data = data_at, .length = 0}) == ok);
}

TEST_CASE_FIXTURE(disk_fixture, "blocks that are not there, and memory that is not, are the guest's error") {
  const std::vector<std::byte> before = disk.bytes;
  for (const std::uint32_t number : {number::block_read, number::block_write}) {
    CHECK(io(number, {.offset = 4096, .data = data_at, .length = 512}) == invalid);
    CHECK(io(number, {.offset = ~std::uint64_t{511}, .data = data_at, .length = 1024}) == invalid);
    CHECK(io(number, {.offset = 0, .data = data_at, .length = ~std::uint64_t{511}}) == invalid);
    CHECK(io(number, {.offset = 0, .data = data_at, .length = 4_GiB}) == invalid);
    CHECK(io(number, {.offset = 256, .data = data_at, .length = 512}) == invalid);
    CHECK(io(number, {.offset = 0, .data = data_at, .length = 100}) == invalid);
    CHECK(io(number, {.offset = 0, .data = ram::size - 511, .length = 512}) == invalid);
    CHECK(io(number, {.offset = 0, .data = ~std::uint64_t{0}, .length = 512}) == invalid);
    CHECK(io(number, {.offset = 0, .data = 0x2000, .length = 512}) == invalid);
    CHECK(io(number, {.handle = 1, .data = data_at, .length = 512}) == invalid);
    CHECK(io(number, {.handle = 63, .data = data_at, .length = 512}) == invalid);
    CHECK(io(number, {.handle = 64, .data = data_at, .length = 512}) == invalid);
    CHECK(io(number, {.handle = ~std::uint64_t{0}, .data = data_at, .length = 512}) == invalid);
  }
  CHECK(disk.bytes == before);
  CHECK(io(number::block_read, {.data = 0x10000, .length = 512}) == invalid);  // read only for the guest
  CHECK(io(number::block_write, {.data = 0x10000, .length = 512}) == ok);
}

TEST_CASE_FIXTURE(disk_fixture, "no bytes are somewhere on a disk, or the guest's error as well") {
  for (const std::uint32_t number : {number::block_read, number::block_write}) {
    CHECK(io(number, {.offset = 512, .data = ~std::uint64_t{0}}) == ok);
    CHECK(io(number, {.offset = 4608, .data = data_at}) == invalid);
    CHECK(io(number, {.offset = 100, .data = data_at}) == invalid);
    CHECK(io(number, {.offset = ~std::uint64_t{0}, .data = data_at}) == invalid);
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{512}}) {
      CHECK(io(number, {.handle = 1, .offset = offset, .data = data_at}) == invalid);
      CHECK(io(number, {.handle = 64, .offset = offset, .data = data_at}) == invalid);
    }
  }
}

TEST_CASE_FIXTURE(disk_fixture, "a device that fails is no reason to stop") {
  disk.answer = status::failed;
  CHECK(io(number::block_read, {.data = data_at, .length = 512}) == failed);
  disk.answer = status::busy;
  CHECK(io(number::block_write, {.data = data_at, .length = 512}) == again);
}

TEST_CASE_FIXTURE(disk_fixture, "flush and discard are there when the device has them") {
  CHECK(ask(calls, memory, vendor::block_flush, range_call{.handle = 2}).result == ok);
  CHECK(ask(calls, memory, vendor::block_flush, range_call{.handle = 2, .length = 512}).result == invalid);
  CHECK(ask(calls, memory, vendor::block_flush, range_call{.handle = 1}).result == invalid);
  CHECK(disk.flushes == 1);
  CHECK(ask(calls, memory, vendor::block_discard, range_call{.handle = 2, .offset = 512, .length = 1024})
            .result == ok);
  CHECK(ask(calls, memory, vendor::block_discard, range_call{.handle = 2, .length = 4608}).result == invalid);
  CHECK(disk.discarded == 1024);
  plain_disk plain;
  block_calls<plain_disk> plain_calls;
  manifest other;
  REQUIRE(other.add("disk", device_type::block) == status::ok);
  REQUIRE(plain_calls.attach(other, "disk", plain) == status::ok);
  CHECK(other[1].block_features() == block_feature::many_blocks);
  CHECK(ask(plain_calls, memory, vendor::block_flush, range_call{.handle = 1}).result == invalid);
  CHECK(ask(plain_calls, memory, vendor::block_discard, range_call{.handle = 1, .length = 512}).result ==
        invalid);
}

TEST_CASE_FIXTURE(disk_fixture, "a buffer may lie on its own argument") {
  std::fill(disk.bytes.begin(), disk.bytes.end(), std::byte{0xee});
  memory.put(argument_at, block_call{.handle = 2, .data = argument_at, .length = 512});
  CHECK(calls.handle({number::block_read, argument_at}, memory.guest) == outcome::resume);
  CHECK(memory.get<block_call>(argument_at).result == ok);
  CHECK(memory.bytes[argument_at + 40] == std::byte{0xee});
}

TEST_CASE("only disks that can be disks are attached, and once") {
  manifest wanted;
  REQUIRE(wanted.add("disk", device_type::block) == status::ok);
  block_calls<plain_disk> calls;
  plain_disk disk;
  for (const std::uint32_t block : {0u, 256u, 513u, 65536u, 8192u}) {  // the last is more than there is
    disk.block = block;
    CHECK(calls.attach(wanted, "disk", disk) == status::unsupported);
  }
  disk.block = 4096;
  CHECK(calls.attach(wanted, "disc", disk) == status::out_of_range);
  CHECK(wanted[1].attached == 0);
  CHECK(calls.attach(wanted, "disk", disk) == status::ok);
  CHECK(calls.attach(wanted, "disk", disk) == status::busy);
}

TEST_CASE("frames go out and come in") {
  ram memory;
  manifest wanted;
  REQUIRE(wanted.add("net", device_type::net) == status::ok);
  frames net;
  net_calls<frames> calls;
  REQUIRE(calls.attach(wanted, "net", net) == status::ok);
  CHECK(wanted[1].mtu() == 1500);
  CHECK(wanted[1].mac()[0] == std::byte{2});
  const auto io = [&](std::uint32_t number, std::uint64_t at, std::uint64_t length, std::uint64_t handle = 1) {
    return ask(calls, memory, number, net_call{.handle = handle, .data = at, .length = length});
  };
  memory.put_text(data_at, "frame");
  CHECK(io(number::net_write, data_at, 5).result == ok);
  CHECK(net.sent == std::vector<std::string>{"frame"});
  CHECK(io(number::net_write, data_at, 0).result == invalid);
  CHECK(io(number::net_write, data_at, 1519).result == invalid);
  CHECK(io(number::net_write, data_at, 1518).result == ok);
  CHECK(io(number::net_write, ram::size - 4, 5).result == invalid);
  CHECK(io(number::net_write, data_at, 5, 2).result == invalid);
  net.answer = status::busy;
  CHECK(io(number::net_write, data_at, 5).result == again);

  CHECK(io(number::net_read, data_at, 1514).result == again);
  net.waiting = {"incoming", "longer than there is room"};
  const net_call got = io(number::net_read, data_at, 1514);
  CHECK(got.result == ok);
  CHECK(got.length == 8);
  CHECK(memory.text(data_at, 8) == "incoming");
  CHECK(io(number::net_read, 0x10000, 1514).result == invalid);
  CHECK(io(number::net_read, data_at, 4_GiB).result == invalid);
  CHECK(io(number::net_read, data_at, 6).length == 6);
}

struct pin_fixture {
  ram memory;
  manifest wanted;
  chip_type chip;
  scripted_waiter waiter;
  pins_type pins{waiter};
  pin_fixture() {
    REQUIRE(wanted.add("pins", device_type::gpio) == status::ok);
    REQUIRE(pins.attach(wanted, "pins", chip) == status::ok);
  }
  gpio_call io(std::uint32_t number, std::uint32_t line, std::uint32_t value = 0, std::uint64_t handle = 1) {
    return ask(pins, memory, number, gpio_call{.handle = handle, .line = line, .value = value});
  }
};

TEST_CASE_FIXTURE(pin_fixture, "a switch is read and a LED is lit, as in the papers") {
  CHECK(wanted[1].line_count() == 8);
  CHECK(wanted[1].gpio_features() == (gpio_feature::edges | gpio_feature::bias));
  CHECK(io(vendor::gpio_init, 3).result == ok);
  CHECK(io(vendor::gpio_in, 3).result == ok);
  CHECK(io(vendor::gpio_init, 5).result == ok);
  CHECK(io(vendor::gpio_out, 5).result == ok);
  chip.drive(3, true);
  const gpio_call level = io(vendor::gpio_read, 3);
  CHECK(level.result == ok);
  CHECK(level.value == 1);
  CHECK(io(vendor::gpio_write, 5, 1).result == ok);
  CHECK(chip.level(5));
  CHECK(chip.is_output(5));
  CHECK(io(vendor::gpio_finalize, 5).result == ok);
  CHECK_FALSE(chip.is_output(5));
}

TEST_CASE_FIXTURE(pin_fixture, "reading wants an input, writing an output, and all of it an init") {
  for (const std::uint32_t number :
       {vendor::gpio_finalize, vendor::gpio_in, vendor::gpio_out, vendor::gpio_read, vendor::gpio_write}) {
    CHECK(io(number, 3).result == invalid);
  }
  CHECK(io(vendor::gpio_init, 3).result == ok);
  CHECK(io(vendor::gpio_init, 3).result == invalid);
  CHECK(io(vendor::gpio_read, 3).result == invalid);
  CHECK(io(vendor::gpio_write, 3, 1).result == invalid);
  CHECK(io(vendor::gpio_out, 3).result == ok);
  CHECK(io(vendor::gpio_read, 3).result == invalid);
  CHECK(io(vendor::gpio_write, 3, 2).result == invalid);
  CHECK(io(vendor::gpio_in, 3).result == ok);
  CHECK(io(vendor::gpio_write, 3, 1).result == invalid);
  CHECK(io(vendor::gpio_init, 8).result == invalid);
  CHECK(io(vendor::gpio_init, 0xffff'ffff).result == invalid);
  CHECK(io(vendor::gpio_init, 4, 0, 0).result == invalid);
  CHECK(io(vendor::gpio_init, 4, 0, ~std::uint64_t{0}).result == invalid);
  CHECK(io(vendor::gpio_in, 3, 32).result == invalid);
  CHECK(io(vendor::gpio_out, 3, 2).result == invalid);
}

TEST_CASE_FIXTURE(pin_fixture, "lines can be inverted, pulled, and start high") {
  CHECK(io(vendor::gpio_init, 1).result == ok);
  CHECK(io(vendor::gpio_in, 1, 2u << gpio_value::bias_shift | gpio_value::active_low).result == ok);
  CHECK(chip.level(1));
  CHECK(io(vendor::gpio_read, 1).value == 0);
  CHECK(io(vendor::gpio_out, 1, gpio_value::high | gpio_value::active_low).result == ok);
  CHECK_FALSE(chip.level(1));
}

TEST_CASE_FIXTURE(pin_fixture, "a line that somebody else has comes later or never") {
  REQUIRE(chip.hold(2, true));
  CHECK(io(vendor::gpio_init, 2).result == again);
  CHECK(io(vendor::gpio_in, 2).result == invalid);
  REQUIRE(chip.hold(2, false));
  CHECK(io(vendor::gpio_init, 2).result == ok);
}

TEST_CASE_FIXTURE(pin_fixture, "a guest waits for an edge, of its own inputs alone") {
  const auto wait = [this](std::uint64_t handle = 1) {
    return ask(pins, memory, vendor::gpio_wait, gpio_wait_call{.handle = handle, .timeout = 7});
  };
  REQUIRE(io(vendor::gpio_init, 3).result == ok);
  REQUIRE(io(vendor::gpio_in, 3, gpio_value::rising | gpio_value::falling).result == ok);
  CHECK(wait().result == again);
  CHECK(waiter.handles == 2);  // bit 1
  CHECK(waiter.nanoseconds == 7);
  waiter.meanwhile = [this] {
    chip.clock().advance(100);
    chip.drive(3, true);
  };
  const gpio_wait_call got = wait();
  CHECK(got.result == ok);
  CHECK(got.line == 3);
  CHECK(got.edge == gpio_value::rising);
  CHECK(got.time == 100);
  waiter.meanwhile = {};
  REQUIRE(chip.request(6, {.edges = hal::gpio_edge::both}) == status::ok);  // the host's own line
  chip.drive(6, true);
  CHECK(wait().result == again);
  CHECK(wait(0).result == invalid);
}

TEST_CASE("a chip without edges has none for the guest") {
  ram memory;
  manifest wanted;
  REQUIRE(wanted.add("pins", device_type::gpio) == status::ok);
  chip_type chip{hal::manual_clock{}, hal::gpio_features{}};
  scripted_waiter waiter;
  pins_type pins{waiter};
  REQUIRE(pins.attach(wanted, "pins", chip) == status::ok);
  CHECK(wanted[1].gpio_features() == 0);
  CHECK(ask(pins, memory, vendor::gpio_wait, gpio_wait_call{.handle = 1}).result == invalid);
  CHECK(ask(pins, memory, vendor::gpio_init, gpio_call{.handle = 1, .line = 1}).result == ok);
  CHECK(ask(pins, memory, vendor::gpio_in, gpio_call{.handle = 1, .line = 1, .value = 1}).result == invalid);
  CHECK(ask(pins, memory, vendor::gpio_in, gpio_call{.handle = 1, .line = 1, .value = 8}).result == invalid);
}

TEST_CASE_FIXTURE(pin_fixture, "a guest that ends leaves no line taken") {
  for (const std::uint32_t line : {0u, 7u}) {
    REQUIRE(io(vendor::gpio_init, line).result == ok);
    REQUIRE(io(vendor::gpio_out, line, 1).result == ok);
  }
  pins.release_all();
  CHECK_FALSE(chip.is_output(0));
  CHECK_FALSE(chip.is_output(7));
  CHECK(chip.hold(7, true));
  CHECK(io(vendor::gpio_write, 0, 1).result == invalid);
}

TEST_CASE("a register of a sensor is read over I2C") {
  ram memory;
  manifest wanted;
  REQUIRE(wanted.add("sensors", device_type::i2c) == status::ok);
  hal::i2c_registers<256> sensor;
  sensor[0x0f] = std::byte{0x33};
  hal::simulated_i2c bus{hal::i2c_placed{hal::i2c_address{0x76}, sensor}};
  i2c_calls<decltype(bus)> calls;
  REQUIRE(calls.attach(wanted, "sensors", bus) == status::ok);
  CHECK(wanted[1].attached == 1);
  const auto transfer = [&](i2c_call asked) { return ask(calls, memory, vendor::i2c_transfer, asked).result; };
  i2c_call asked{
      .handle = 1, .out = data_at, .in = data_at + 16, .out_length = 1, .in_length = 1, .address = 0x76};
  memory.bytes[data_at] = std::byte{0x0f};
  CHECK(transfer(asked) == ok);
  CHECK(memory.bytes[data_at + 16] == std::byte{0x33});
  i2c_call wrong = asked;
  wrong.address = 0x176;
  CHECK(transfer(wrong) == invalid);
  wrong.address = 0x50;
  CHECK(transfer(wrong) == failed);
  wrong = asked;
  wrong.in = 0x10000;
  CHECK(transfer(wrong) == invalid);
  wrong = asked;
  wrong.out_length = 8193;
  CHECK(transfer(wrong) == invalid);
  wrong.out_length = 0;
  wrong.in_length = 0;
  CHECK(transfer(wrong) == invalid);
  wrong = asked;
  wrong.handle = 64;
  CHECK(transfer(wrong) == invalid);
}

TEST_CASE("a table asks who serves the number, and says what a unikernel would miss") {
  ram memory;
  fixed_clock clock;
  walltime_calls time{clock};
  halt_calls halt;
  block_calls<plain_disk> blocks;
  hypercall_table table{time, halt, blocks};
  static_assert(hypercall_handler<decltype(table), guest_ram>);
  CHECK(ask(table, memory, number::walltime, walltime_call{}).nanoseconds != 0);
  for (const std::uint32_t number : {0u, 2u, 9u, 0x210u, 0xffff'ffffu}) {
    CHECK(table.handle({number, argument_at}, memory.guest) == outcome::not_mine);
  }
  manifest wanted;
  CHECK(table.missing(wanted).handle == 0);
  REQUIRE(wanted.add("disk", device_type::block) == status::ok);
  REQUIRE(wanted.add("pins", device_type::gpio) == status::ok);
  CHECK(table.missing(wanted).handle == 1);
  CHECK(table.missing(wanted).known);
  plain_disk disk;
  REQUIRE(blocks.attach(wanted, "disk", disk) == status::ok);
  CHECK(table.missing(wanted).handle == 2);
  CHECK_FALSE(table.missing(wanted).known);
}

TEST_CASE("an access is a call when it is a write of 32 bits to the right place") {
  using space = guest_access::space;
  const status_or<call> port = call_of({space::port, true, 4, 0x502, 0x1'8765'4321});
  REQUIRE(port);
  CHECK(port->number == number::puts);
  CHECK(port->argument == 0x8765'4321);
  const status_or<call> store = call_of({space::memory, true, 4, mmio_base + 8 * 0x210, 0x1000});
  REQUIRE(store);
  CHECK(store->number == vendor::gpio_init);
  for (const guest_access& other : {guest_access{space::port, false, 4, 0x502, 0},
                                    {space::port, true, 2, 0x502, 0},
                                    {space::port, true, 4, 0x4ff, 0},
                                    {space::port, true, 4, 0x1500, 0},
                                    {space::memory, true, 8, mmio_base + 16, 0},
                                    {space::memory, true, 4, mmio_base + 4, 0},
                                    {space::memory, true, 4, mmio_base - 8, 0},
                                    {space::memory, true, 4, ~std::uint64_t{7}, 0}}) {
    CHECK(call_of(other).code == status::unsupported);
  }
}

TEST_CASE("a guest runs until it halts") {
  ram memory;
  text_sink sink;
  console_calls console{sink};
  halt_calls halt;
  hypercall_table table{console, halt};
  scripted_vcpu guest;
  guest.call_port(number::puts, argument_at, [&] {
    memory.put_text(data_at, "hello");
    memory.put(argument_at, puts_call{.data = data_at, .length = 5});
  });
  guest.call_port(number::halt, argument_at, [&] { memory.put(argument_at, halt_call{.status = 3}); });
  guest.call_port(number::puts, argument_at);
  const ending e = serve(guest, table, memory.guest);
  CHECK(e.why == ending_reason::halted);
  CHECK(halt.exit_status() == 3);
  CHECK(sink.text == "hello");
  CHECK(guest.steps() == 2);
}

TEST_CASE("what a guest must not do ends it, with the access that did") {
  ram memory;
  text_sink sink;
  console_calls console{sink};
  hypercall_table table{console};
  const auto end_of = [&](const guest_access& access, unknown_call policy = unknown_call::stops) {
    scripted_vcpu guest;
    guest.end = status::timed_out;
    guest.access(access);
    return serve(guest, table, memory.guest, policy);
  };
  using space = guest_access::space;
  const guest_access unknown{space::port, true, 4, 0x509, 0};
  CHECK(end_of(unknown) == ending{ending_reason::unserved, unknown});
  CHECK(end_of(unknown, unknown_call::passes).why == ending_reason::stopped);
  const guest_access device{space::memory, false, 4, 5_GiB, 0};
  CHECK(end_of(device) == ending{ending_reason::access, device});
  const guest_access bad{space::port, true, 4, 0x502, 0xffff'ffff};
  CHECK(end_of(bad) == ending{ending_reason::refused, bad});
  scripted_vcpu crashing;
  CHECK(serve(crashing, table, memory.guest).why == ending_reason::crashed);
}

}  // namespace
