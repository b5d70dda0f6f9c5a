// SPDX-License-Identifier: BSL-1.0
//
// The headers for unikernels in C against those for C++: each number, size and offset, and what each call of
// theirs asks for. The calls go to this program.
#include <cstdint>

namespace {
void asked_here(std::uint32_t number, void* argument);
}
#define HVT_CALL asked_here
#include <shoal/hypercall/guest/hvt.h>
#include <shoal/hypercall/guest/hvt_vendor.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <doctest/doctest.h>

#include <shoal/hal/gpio_chip.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest/notes.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

template <class C>
constexpr bool is(C of_c, std::uint64_t of_cpp) {
  return static_cast<std::uint64_t>(of_c) == of_cpp;
}
template <class Enum>
constexpr std::uint64_t raw(Enum value) {
  return static_cast<std::uint64_t>(value);
}

static_assert(is(HVT_WALLTIME, number::walltime) && is(HVT_PUTS, number::puts) && is(HVT_POLL, number::poll));
static_assert(is(HVT_BLOCK_WRITE, number::block_write) && is(HVT_BLOCK_READ, number::block_read));
static_assert(is(HVT_NET_WRITE, number::net_write) && is(HVT_NET_READ, number::net_read));
static_assert(is(HVT_HALT, number::halt));
static_assert(is(HVT_OK, raw(result_code::ok)) && is(HVT_AGAIN, raw(result_code::again)));
static_assert(is(HVT_INVALID, raw(result_code::invalid)) && is(HVT_FAILED, raw(result_code::failed)));
static_assert(is(HVT_PORT_BASE, port_base) && is(HVT_MMIO_BASE, mmio_base));
static_assert(is(HVT_HALT_COOKIE_SIZE, halt_cookie_size));
static_assert(is(HVT_COMMAND_LINE_SIZE, layout::command_line_size));
static_assert(is(HVT_MAX_ENTRIES, manifest::max_entries));
static_assert(is(HVT_NOTE_ABI, abi_note_type) && is(HVT_NOTE_MANIFEST, manifest_note_type));

static_assert(is(HVT_DEVICE_BLOCK, raw(device_type::block)) && is(HVT_DEVICE_NET, raw(device_type::net)));
static_assert(is(HVT_DEVICE_GPIO, raw(device_type::gpio)) && is(HVT_DEVICE_I2C, raw(device_type::i2c)));
static_assert(is(HVT_DEVICE_VIRTIO_GPIO, raw(device_type::virtio_gpio)));
static_assert(is(HVT_DEVICE_BCM2835_GPIO, raw(device_type::bcm2835_gpio)));
static_assert(is(HVT_DEVICE_PL061_GPIO, raw(device_type::pl061_gpio)));
static_assert(is(HVT_DEVICE_NONE, raw(device_type::reserved_first)));

static_assert(is(HVT_BLOCK_FLUSH, vendor::block_flush) && is(HVT_BLOCK_DISCARD, vendor::block_discard));
static_assert(is(HVT_GPIO_INIT, vendor::gpio_init) && is(HVT_GPIO_FINALIZE, vendor::gpio_finalize));
static_assert(is(HVT_GPIO_IN, vendor::gpio_in) && is(HVT_GPIO_OUT, vendor::gpio_out));
static_assert(is(HVT_GPIO_READ, vendor::gpio_read) && is(HVT_GPIO_WRITE, vendor::gpio_write));
static_assert(is(HVT_GPIO_WAIT, vendor::gpio_wait) && is(HVT_I2C_TRANSFER, vendor::i2c_transfer));
static_assert(is(HVT_BLOCK_MANY_BLOCKS, block_feature::many_blocks));
static_assert(is(HVT_BLOCK_CAN_FLUSH, block_feature::flush));
static_assert(is(HVT_BLOCK_CAN_DISCARD, block_feature::discard));
static_assert(is(HVT_GPIO_HAS_EDGES, gpio_feature::edges) && is(HVT_GPIO_HAS_BIAS, gpio_feature::bias));
static_assert(is(HVT_GPIO_RISING, gpio_value::rising) && is(HVT_GPIO_FALLING, gpio_value::falling));
static_assert(is(HVT_GPIO_HIGH, gpio_value::high) && is(HVT_GPIO_ACTIVE_LOW, gpio_value::active_low));
static_assert(is(HVT_GPIO_BIAS_SHIFT, gpio_value::bias_shift));
static_assert(is(HVT_GPIO_BIAS_OFF, raw(hal::gpio_bias::disabled) << gpio_value::bias_shift));
static_assert(is(HVT_GPIO_PULL_UP, raw(hal::gpio_bias::pull_up) << gpio_value::bias_shift));
static_assert(is(HVT_GPIO_PULL_DOWN, raw(hal::gpio_bias::pull_down) << gpio_value::bias_shift));

// a member of the one where the same member of the other is, and as large
#define SAME_MEMBER(c, cpp, member) \
  static_assert(offsetof(struct c, member) == offsetof(cpp, member) && sizeof(c::member) == sizeof(cpp::member))
#define SAME_SIZE(c, cpp) static_assert(sizeof(struct c) == sizeof(cpp) && alignof(struct c) == alignof(cpp))

SAME_SIZE(hvt_walltime_call, walltime_call);
SAME_MEMBER(hvt_walltime_call, walltime_call, nanoseconds);
SAME_SIZE(hvt_puts_call, puts_call);
SAME_MEMBER(hvt_puts_call, puts_call, data);
SAME_MEMBER(hvt_puts_call, puts_call, length);
SAME_SIZE(hvt_poll_call, poll_call);
SAME_MEMBER(hvt_poll_call, poll_call, timeout);
SAME_MEMBER(hvt_poll_call, poll_call, ready_set);
SAME_MEMBER(hvt_poll_call, poll_call, ready);
SAME_SIZE(hvt_block_call, block_call);
SAME_MEMBER(hvt_block_call, block_call, handle);
SAME_MEMBER(hvt_block_call, block_call, offset);
SAME_MEMBER(hvt_block_call, block_call, data);
SAME_MEMBER(hvt_block_call, block_call, length);
SAME_MEMBER(hvt_block_call, block_call, result);
SAME_SIZE(hvt_net_call, net_call);
SAME_MEMBER(hvt_net_call, net_call, handle);
SAME_MEMBER(hvt_net_call, net_call, data);
SAME_MEMBER(hvt_net_call, net_call, length);
SAME_MEMBER(hvt_net_call, net_call, result);
SAME_SIZE(hvt_halt_call, halt_call);
SAME_MEMBER(hvt_halt_call, halt_call, cookie);
SAME_MEMBER(hvt_halt_call, halt_call, status);
SAME_SIZE(hvt_boot_info, boot_info);
SAME_MEMBER(hvt_boot_info, boot_info, memory_size);
SAME_MEMBER(hvt_boot_info, boot_info, kernel_end);
SAME_MEMBER(hvt_boot_info, boot_info, cycle_frequency);
SAME_MEMBER(hvt_boot_info, boot_info, command_line);
SAME_MEMBER(hvt_boot_info, boot_info, manifest);
SAME_MEMBER(hvt_boot_info, boot_info, host_features);
SAME_MEMBER(hvt_boot_info, boot_info, guest_features);
SAME_MEMBER(hvt_boot_info, boot_info, net_ring);
SAME_SIZE(hvt_range_call, range_call);
SAME_MEMBER(hvt_range_call, range_call, handle);
SAME_MEMBER(hvt_range_call, range_call, offset);
SAME_MEMBER(hvt_range_call, range_call, length);
SAME_MEMBER(hvt_range_call, range_call, result);
SAME_SIZE(hvt_gpio_call, gpio_call);
SAME_MEMBER(hvt_gpio_call, gpio_call, handle);
SAME_MEMBER(hvt_gpio_call, gpio_call, line);
SAME_MEMBER(hvt_gpio_call, gpio_call, value);
SAME_MEMBER(hvt_gpio_call, gpio_call, result);
SAME_SIZE(hvt_gpio_wait_call, gpio_wait_call);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, handle);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, timeout);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, time);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, line);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, edge);
SAME_MEMBER(hvt_gpio_wait_call, gpio_wait_call, result);
SAME_SIZE(hvt_i2c_call, i2c_call);
SAME_MEMBER(hvt_i2c_call, i2c_call, handle);
SAME_MEMBER(hvt_i2c_call, i2c_call, out);
SAME_MEMBER(hvt_i2c_call, i2c_call, in);
SAME_MEMBER(hvt_i2c_call, i2c_call, out_length);
SAME_MEMBER(hvt_i2c_call, i2c_call, in_length);
SAME_MEMBER(hvt_i2c_call, i2c_call, address);
SAME_MEMBER(hvt_i2c_call, i2c_call, result);

SAME_SIZE(hvt_manifest_entry, manifest_entry);
SAME_MEMBER(hvt_manifest_entry, manifest_entry, name);
SAME_MEMBER(hvt_manifest_entry, manifest_entry, type);
SAME_MEMBER(hvt_manifest_entry, manifest_entry, backing);
SAME_MEMBER(hvt_manifest_entry, manifest_entry, attached);
static_assert(offsetof(hvt_manifest_entry, is) == offsetof(manifest_entry, properties));
static_assert(sizeof(hvt_manifest_entry::is) == sizeof(manifest_entry::properties));
static_assert(sizeof(hvt_manifest_header) == manifest::header_size);
static_assert(sizeof(hvt_note_header) == sizeof(guest::note_header));
static_assert(offsetof(hvt_note_header, type) == offsetof(guest::note_header, type));
SAME_MEMBER(hvt_note_header, guest::note_header, name);
static_assert(sizeof(hvt_abi_section) == sizeof(guest::abi_section));
static_assert(offsetof(hvt_abi_section, target) == offsetof(guest::abi_section, abi));

/// The last call, and what the next finds in it when it returns.
struct {
  std::uint32_t number = 0;
  std::array<std::byte, 64> argument{};
  void (*answer)(void* argument) = nullptr;
} last;

template <class Argument>
Argument argument() {
  Argument copy;
  std::memcpy(&copy, last.argument.data(), sizeof copy);
  return copy;
}

std::size_t size_of(std::uint32_t what) {
  switch (what) {
    case number::walltime: return sizeof(walltime_call);
    case number::puts: return sizeof(puts_call);
    case number::poll: return sizeof(poll_call);
    case number::block_read:
    case number::block_write: return sizeof(block_call);
    case number::net_read:
    case number::net_write: return sizeof(net_call);
    case number::halt: return sizeof(halt_call);
    case vendor::block_flush:
    case vendor::block_discard: return sizeof(range_call);
    case vendor::gpio_wait: return sizeof(gpio_wait_call);
    case vendor::i2c_transfer: return sizeof(i2c_call);
    default: return sizeof(gpio_call);
  }
}

void asked_here(std::uint32_t number, void* argument) {
  last.number = number;
  last.argument = {};
  std::memcpy(last.argument.data(), argument, size_of(number));
  if (last.answer != nullptr) last.answer(argument);
}

/// The next calls find this in what they asked with.
template <class Argument, auto Member, auto Value>
void answers() {
  last.answer = [](void* argument) { static_cast<Argument*>(argument)->*Member = Value; };
}

std::uint64_t address(const void* pointer) {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

// A guest's processor is little-endian, and so the headers for C do not turn integers around.
constexpr bool as_a_guest = std::endian::native == std::endian::little;

TEST_CASE("a guest in C prints, asks for the time, waits and ends") {
  if (!as_a_guest) return;
  const char* const text = "four";
  last.answer = nullptr;
  hvt_puts(text);
  CHECK(last.number == number::puts);
  CHECK(argument<puts_call>().data == address(text));
  CHECK(argument<puts_call>().length == 4);
  hvt_write(text, 2);
  CHECK(argument<puts_call>().length == 2);

  answers<walltime_call, &walltime_call::nanoseconds, 42>();
  CHECK(hvt_walltime() == 42);
  CHECK(last.number == number::walltime);
  answers<poll_call, &poll_call::ready_set, 6>();
  CHECK(hvt_poll(1'000) == 6);
  CHECK(last.number == number::poll);
  CHECK(argument<poll_call>().timeout == 1'000);

  last.answer = nullptr;
  hvt_halt(-7);
  CHECK(last.number == number::halt);
  CHECK(argument<halt_call>().cookie == 0);
  CHECK(argument<halt_call>().status == 0xffff'fff9);
}

TEST_CASE("a guest in C reads and writes its disk") {
  if (!as_a_guest) return;
  std::array<std::byte, 1024> data{};
  answers<block_call, &block_call::result, 2>();
  CHECK(hvt_block_read(1, 512, data.data(), data.size()) == HVT_INVALID);
  CHECK(last.number == number::block_read);
  CHECK(argument<block_call>().handle == 1);
  CHECK(argument<block_call>().offset == 512);
  CHECK(argument<block_call>().data == address(data.data()));
  CHECK(argument<block_call>().length == 1024);
  CHECK(hvt_block_write(2, 1024, data.data(), 512) == HVT_INVALID);
  CHECK(last.number == number::block_write);
  CHECK(argument<block_call>().handle == 2);
  CHECK(argument<block_call>().offset == 1024);
  CHECK(argument<block_call>().length == 512);

  answers<range_call, &range_call::result, 3>();
  CHECK(hvt_block_flush(1) == HVT_FAILED);
  CHECK(last.number == vendor::block_flush);
  CHECK(argument<range_call>().handle == 1);
  CHECK(argument<range_call>().length == 0);
  CHECK(hvt_block_discard(1, 512, 2048) == HVT_FAILED);
  CHECK(last.number == vendor::block_discard);
  CHECK(argument<range_call>().offset == 512);
  CHECK(argument<range_call>().length == 2048);
}

TEST_CASE("a guest in C sends and receives frames") {
  if (!as_a_guest) return;
  std::array<std::byte, 64> frame{};
  answers<net_call, &net_call::length, 60>();
  std::size_t length = frame.size();
  CHECK(hvt_net_read(3, frame.data(), &length) == HVT_OK);
  CHECK(length == 60);
  CHECK(last.number == number::net_read);
  CHECK(argument<net_call>().handle == 3);
  CHECK(argument<net_call>().data == address(frame.data()));
  CHECK(argument<net_call>().length == 64);
  answers<net_call, &net_call::result, 1>();
  CHECK(hvt_net_write(3, frame.data(), 60) == HVT_AGAIN);
  CHECK(last.number == number::net_write);
  CHECK(argument<net_call>().length == 60);
}

TEST_CASE("a guest in C uses its lines") {
  if (!as_a_guest) return;
  const auto asks = [](std::uint32_t wanted, hvt_result got, std::uint32_t value) {
    const auto asked = argument<gpio_call>();
    return got == HVT_AGAIN && last.number == wanted && asked.handle == 2 && asked.line == 17 &&
           asked.value == value;
  };
  answers<gpio_call, &gpio_call::result, 1>();
  CHECK(asks(vendor::gpio_init, hvt_gpio_init(2, 17), 0));
  CHECK(asks(vendor::gpio_finalize, hvt_gpio_finalize(2, 17), 0));
  CHECK(asks(vendor::gpio_in, hvt_gpio_in(2, 17, HVT_GPIO_RISING | HVT_GPIO_PULL_UP), 9));
  CHECK(asks(vendor::gpio_out, hvt_gpio_out(2, 17, HVT_GPIO_HIGH), 1));
  CHECK(asks(vendor::gpio_write, hvt_gpio_write(2, 17, 1), 1));
  std::uint32_t level = 7;
  CHECK(asks(vendor::gpio_read, hvt_gpio_read(2, 17, &level), 0));
  CHECK(level == 0);
  answers<gpio_call, &gpio_call::value, 1>();
  CHECK(hvt_gpio_read(2, 17, &level) == HVT_OK);
  CHECK(level == 1);

  hvt_gpio_wait_call event{};
  answers<gpio_wait_call, &gpio_wait_call::edge, 2>();
  CHECK(hvt_gpio_wait(2, 500, &event) == HVT_OK);
  CHECK(last.number == vendor::gpio_wait);
  CHECK(argument<gpio_wait_call>().handle == 2);
  CHECK(argument<gpio_wait_call>().timeout == 500);
  CHECK(event.edge == HVT_GPIO_FALLING);
}

TEST_CASE("a guest in C has its bus") {
  if (!as_a_guest) return;
  const std::array out{std::byte{1}};
  std::array<std::byte, 2> in{};
  answers<i2c_call, &i2c_call::result, 3>();
  CHECK(hvt_i2c_transfer(4, 0x48, out.data(), 1, in.data(), 2) == HVT_FAILED);
  CHECK(last.number == vendor::i2c_transfer);
  const auto asked = argument<i2c_call>();
  CHECK(asked.handle == 4);
  CHECK(asked.address == 0x48);
  CHECK(asked.out == address(out.data()));
  CHECK(asked.out_length == 1);
  CHECK(asked.in == address(in.data()));
  CHECK(asked.in_length == 2);
}

TEST_CASE("a guest in C finds what the tender has filled in") {
  if (!as_a_guest) return;
  manifest devices;
  REQUIRE(devices.add("disk", device_type::block) == status::ok);
  REQUIRE(devices.add("net", device_type::net) == status::ok);
  REQUIRE(devices.add("pins", device_type::gpio) == status::ok);
  REQUIRE(devices.add("registers", device_type::pl061_gpio) == status::ok);
  devices[1].attach_block(8192, 512, block_feature::flush);
  const std::array mac{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}};
  devices[2].attach_net(mac, 1500);
  devices[3].attach_gpio(32, gpio_feature::edges);
  devices[4].attach_registers(register_layout::first, 0x1000);
  alignas(8) std::array<std::byte, manifest::max_bytes> memory{};
  std::memcpy(memory.data(), devices.bytes().data(), devices.bytes().size());
  const char* const words = "some words";
  const hvt_boot_info info{.memory_size = 0,
                           .kernel_end = 0,
                           .cycle_frequency = 0,
                           .command_line = address(words),
                           .manifest = address(memory.data()),
                           .host_features = 0,
                           .guest_features = 0,
                           .net_ring = 0};

  CHECK(hvt_command_line(&info) == words);
  const hvt_manifest_entry* const disk = hvt_device(&info, 1);
  CHECK(std::string_view{disk->name} == "disk");
  CHECK(disk->type == HVT_DEVICE_BLOCK);
  CHECK(disk->attached == 1);
  CHECK(disk->is.block.capacity == 8192);
  CHECK(disk->is.block.block_size == 512);
  CHECK(disk->is.block.features == HVT_BLOCK_CAN_FLUSH);
  CHECK(hvt_device(&info, 2)->is.net.mac[5] == 9);
  CHECK(hvt_device(&info, 2)->is.net.mtu == 1500);
  CHECK(hvt_device(&info, 3)->is.gpio.lines == 32);
  CHECK(hvt_device(&info, 3)->is.gpio.features == HVT_GPIO_HAS_EDGES);
  CHECK(hvt_device(&info, 4)->is.registers.address == register_layout::first);
  CHECK(hvt_device(&info, 4)->is.registers.size == 0x1000);
}

}  // namespace
