// SPDX-License-Identifier: BSL-1.0
//
// A hostile guest: calls of any number with any argument, and memory that changes whenever the host looks at
// it. No back end gets what is outside of its size or of the guest's memory, what the guest must not write
// stays as it is, and lines are the guest's when they should be. The input is a list of steps, and of changes
// as well.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hal/simulated_i2c.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/hypercall/gpio_calls.hpp>
#include <shoal/hypercall/i2c_calls.hpp>
#include <shoal/hypercall/net_calls.hpp>
#include <shoal/hypercall/standard_calls.hpp>
#include <shoal/hypercall/transport.hpp>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

void require(bool truth) {
  if (!truth) std::abort();
}

constexpr std::size_t ram_size = 0x102000;  // a page of text, a page to write
constexpr std::uint64_t data = 0x101000;
constexpr std::array text{protection{0x100000, 0x101000, false, true}};

std::vector<std::byte>& ram() {
  static std::vector<std::byte> bytes(ram_size);
  return bytes;
}
bool is_ram(bytes_view part) {
  return part.data() >= ram().data() + layout::boot_info &&
         part.data() + part.size() <= ram().data() + ram_size;
}
bool is_writable(bytes_view part) {
  return is_ram(part) && part.data() >= ram().data() + data;
}

/// Changes a byte that the guest may write, each time somebody looks.
class restless_ram {
 public:
  explicit restless_ram(bytes_view changes) : changes_(changes) {}
  bytes_span window(hal::guest_address address, std::size_t n) noexcept {
    change();
    return ram_.window(address, n);
  }
  bytes_span writable_window(hal::guest_address address, std::size_t n) noexcept {
    change();
    return ram_.writable_window(address, n);
  }
  template <std::size_t N>
  bytes_span writable_slot(hal::guest_address address) noexcept {
    change();
    return ram_.writable_slot<N>(address);
  }
  void change() noexcept {
    if (changes_.size() < 2) return;
    ram()[data + std::to_integer<std::size_t>(changes_[0])] = changes_[1];
    changes_ = changes_.subspan(2);
  }

 private:
  guest_ram ram_{ram(), text};
  bytes_view changes_;
};
static_assert(protected_memory<restless_ram>);

struct clock_of_zero {
  std::uint64_t operator()() const noexcept { return 0; }
};
struct checking_sink {
  status write(bytes_view bytes) noexcept {
    require(bytes.empty() || is_ram(bytes));
    return bytes.size() > 4096 ? status::limit_exceeded : status::ok;
  }
};
struct checking_waiter {
  restless_ram& memory;
  std::uint64_t wait(std::uint64_t handles, std::uint64_t) noexcept {
    memory.change();
    return handles & 2;
  }
};
struct checking_disk {
  restless_ram& memory;
  static constexpr std::uint64_t size = 2048;
  std::uint64_t capacity() const noexcept { return size; }
  std::uint32_t block_size() const noexcept { return 512; }
  static void check(std::uint64_t offset, std::uint64_t length) {
    require(length != 0 && contains(size, offset, length) && (offset | length) % 512 == 0);
  }
  status read(std::uint64_t offset, bytes_span out) noexcept {
    check(offset, out.size());
    require(is_writable(out));
    std::fill(out.begin(), out.end(), static_cast<std::byte>(offset >> 9));
    memory.change();
    return status::ok;
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    check(offset, in.size());
    require(is_ram(in));
    memory.change();
    return status::busy;
  }
  status flush() noexcept { return status::failed; }
  status discard(std::uint64_t offset, std::uint64_t length) noexcept {
    check(offset, length);
    return status::ok;
  }
};
struct checking_net {
  std::array<std::byte, 6> mac() const noexcept { return {}; }
  std::uint16_t mtu() const noexcept { return 100; }
  status_or<std::size_t> receive(bytes_span out) noexcept {
    require(!out.empty() && is_writable(out));
    return std::min<std::size_t>(out.size(), 60);
  }
  status send(bytes_view frame) noexcept {
    require(!frame.empty() && frame.size() <= 118 && is_ram(frame));
    return status::ok;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t step = 56;  // port, where the argument is, up to 48 bytes of it
  const bytes_view input{reinterpret_cast<const std::byte*>(bytes), size};
  std::fill(ram().begin() + layout::program, ram().end(), std::byte{0x77});
  restless_ram memory{input};

  manifest wanted;
  require(wanted.add("disk", device_type::block) == status::ok);
  require(wanted.add("net", device_type::net) == status::ok);
  require(wanted.add("pins", device_type::gpio) == status::ok);
  require(wanted.add("bus", device_type::i2c) == status::ok);
  clock_of_zero clock;
  checking_sink sink;
  checking_waiter waiter{memory};
  checking_disk disk{memory};
  checking_net net;
  hal::simulated_chip<8> chip;
  hal::i2c_registers<256> sensor;
  hal::simulated_i2c bus{hal::i2c_placed{hal::i2c_address{0x50}, sensor}};
  walltime_calls time{clock};
  console_calls console{sink};
  poll_calls poll{waiter};
  halt_calls halt;
  block_calls<checking_disk> disks;
  net_calls<checking_net> nets;
  gpio_calls<hal::simulated_chip<8>, checking_waiter> pins{waiter};
  i2c_calls<decltype(bus)> buses;
  require(disks.attach(wanted, "disk", disk) == status::ok && nets.attach(wanted, "net", net) == status::ok);
  require(pins.attach(wanted, "pins", chip) == status::ok && buses.attach(wanted, "bus", bus) == status::ok);
  hypercall_table table{time, console, poll, halt, disks, nets, pins, buses};
  require(table.missing(wanted).handle == 0);

  for (bytes_view rest = input; rest.size() >= step; rest = rest.subspan(step)) {
    const auto port = static_cast<std::uint16_t>(port_base + load_le<std::uint16_t>(rest.data()) % 0x300);
    const bool well = (rest[2] & std::byte{7}) != std::byte{0};  // mostly the argument is where it should be
    const std::uint64_t at =
        well ? data + std::to_integer<unsigned>(rest[3]) : load_le<std::uint32_t>(rest.data() + 4);
    std::copy_n(rest.begin() + 8, 48, ram().begin() + static_cast<std::ptrdiff_t>(data + 16));
    const status_or<call> what = call_of({.is_write = true, .width = 4, .address = port, .value = at});
    require(static_cast<bool>(what));
    const outcome got = table.handle(*what, memory);
    const bool served =
        std::find(table.numbers.begin(), table.numbers.end(), what->number) != table.numbers.end();
    require((got == outcome::not_mine) == !served);
    require((got == outcome::halt) <= (what->number == number::halt));
    if (got == outcome::halt && halt.cookie() != 0) require(halt.cookie() + halt_cookie_size <= ram_size);
    chip.drive(static_cast<std::uint32_t>(at & 7), (at & 8) != 0);
  }
  // text and what is below it is as it was
  static const std::vector<std::byte> untouched = [] {
    std::vector<std::byte> bytes_then(static_cast<std::size_t>(data));
    std::fill(bytes_then.begin() + layout::program, bytes_then.end(), std::byte{0x77});
    return bytes_then;
  }();
  require(std::memcmp(ram().data(), untouched.data(), untouched.size()) == 0);
  pins.release_all();
  for (std::uint32_t line = 0; line < 8; ++line) require(!chip.is_output(line) && chip.hold(line, true));
  return 0;
}
