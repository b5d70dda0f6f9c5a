// SPDX-License-Identifier: BSL-1.0
//
// A hostile guest at its register windows: accesses of any size to any address, and virtqueues in memory that
// changes whenever a device looks at it. A device gets whole accesses that fit into it and no others, a read
// that is served has an answer that fits, what the guest must not write stays as it is, and a reset frees every
// line. The input is a list of steps, and of changes as well.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include <shoal/hal/bcm2835_model.hpp>
#include <shoal/hal/pl061_model.hpp>
#include <shoal/hal/simulated_chip.hpp>
#include <shoal/hypercall/device_window.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/register_windows.hpp>
#include <shoal/virtio/gpio_device.hpp>
#include <shoal/virtio/mmio_layout.hpp>
#include <shoal/virtio/polled_registers.hpp>

namespace {

using namespace shoal;
using namespace shoal::hypercall;

void require(bool truth) {
  if (!truth) std::abort();
}
constexpr bool fits(std::uint64_t value, std::uint8_t width) {
  return width >= 8 || value >> (8 * width) == 0;
}

constexpr std::size_t ram_size = 0x102000;  // a page of text, a page to write
constexpr std::uint64_t data = 0x101000;
constexpr std::array text{protection{0x100000, data, false, true}};
std::vector<std::byte>& ram() {
  static std::vector<std::byte> bytes(ram_size);
  return bytes;
}

/// What a device sees: memory that the guest may write, of which a byte changes at each look.
class restless_ram {
 public:
  explicit restless_ram(bytes_view changes) : changes_(changes) {}
  bytes_span window(hal::guest_address address, std::size_t n) noexcept {
    if (changes_.size() >= 3) {
      ram()[static_cast<std::size_t>(data + load_le<std::uint16_t>(changes_.data()) % 0x1000)] = changes_[2];
      changes_ = changes_.subspan(3);
    }
    const bytes_span found = ram_.writable_window(address, n);
    require(found.empty() || (found.size() == n && found.data() >= ram().data() + data &&
                              found.data() + n <= ram().data() + ram_size));
    return found;
  }

 private:
  guest_ram ram_{ram(), text};
  bytes_view changes_;
};

using chip = hal::simulated_chip<8>;
using virtio_lines = virtio::polled_registers<virtio::gpio_device<chip>, restless_ram>;

/// One of the devices that a tender has, which gets what the contract of models says.
struct any_device {
  std::variant<std::unique_ptr<virtio_lines>, std::unique_ptr<hal::bcm2835_model>,
               std::unique_ptr<hal::pl061_model>>
      is;

  std::uint64_t size() const noexcept {
    return std::visit([](const auto& device) { return device->size(); }, is);
  }
  void check(std::uint64_t offset, std::uint8_t width) const noexcept {
    require(contains(size(), offset, width) && offset % width == 0);
  }
  std::uint64_t load(std::uint64_t offset, std::uint8_t width) noexcept {
    check(offset, width);
    // may have more bits than are asked for, such as all ones: whose window it is cuts them
    return std::visit([&](auto& device) { return device->load(offset, width); }, is);
  }
  void store(std::uint64_t offset, std::uint64_t value, std::uint8_t width) noexcept {
    check(offset, width);
    require(fits(value, width));
    std::visit([&](auto& device) { device->store(offset, value, width); }, is);
  }
};

/// Makes one access after the other.
struct scripted_vcpu {
  std::vector<guest_access> accesses;
  std::size_t next = 0;
  std::uint64_t answers = 0;
  status_or<guest_access> run() noexcept {
    if (next == accesses.size()) return status::failed;
    return accesses[next++];
  }
  void answer(std::uint64_t value) noexcept {
    const guest_access& asked = accesses[next - 1];
    require(!asked.is_write && fits(value, asked.width));
    ++answers;
  }
};

constexpr std::uint64_t base = register_layout::first;

guest_access store_word(virtio::mmio_register at, std::uint64_t value) {
  return {.where = guest_access::space::memory,
          .is_write = true,
          .width = 4,
          .address = base + static_cast<std::uint64_t>(at),
          .value = value & 0xffff'ffff};
}

/// What a driver does that means it, up to here: so that queues are looked at.
void take_device(std::vector<guest_access>& out, bytes_view how) {
  using enum virtio::mmio_register;
  const auto byte = [how](std::size_t i) { return std::to_integer<std::uint64_t>(how[i]); };
  for (const std::uint64_t state : std::array<std::uint64_t, 2>{0, 3})
    out.push_back(store_word(virtio::mmio_register::status, state));
  out.push_back(store_word(driver_features, byte(6) & 1));
  out.push_back(store_word(driver_features_select, 1));
  out.push_back(store_word(driver_features, 1));
  out.push_back(store_word(virtio::mmio_register::status, 11));
  for (std::uint64_t queue = 0; queue < 2; ++queue) {
    out.push_back(store_word(queue_select, queue));
    out.push_back(store_word(queue_size, std::uint64_t{1} << byte(1) % 9));
    out.push_back(store_word(queue_descriptors_low, data + byte(2) * 16));
    out.push_back(store_word(queue_available_low, data + byte(3) * 16));
    out.push_back(store_word(queue_used_low, data + byte(4) * 16));
    out.push_back(store_word(queue_ready, 1));
  }
  out.push_back(store_word(virtio::mmio_register::status, 15));
}

/// An access of any kind, mostly near what is there.
guest_access any_access(bytes_view how) {
  const auto kind = std::to_integer<unsigned>(how[0]);
  const auto size = std::to_integer<unsigned>(how[1]);
  guest_access out{.where = guest_access::space::memory,
                   .is_write = (kind & 8) != 0,
                   .width = static_cast<std::uint8_t>(size >= 128 ? 4 : size % 10),
                   .address = base + std::to_integer<unsigned>(how[2]) % 4 * register_layout::step +
                              load_le<std::uint16_t>(how.data() + 3) % register_layout::step,
                   .value = load_le<std::uint64_t>(how.data() + 8)};
  if ((kind & 16) != 0) out.address &= ~std::uint64_t{3};
  if ((kind & 0xe0) == 0xe0) out.address = out.value;
  if ((kind & 0xf0) == 0xf0) out.where = guest_access::space::port;
  if (!fits(out.value, out.width)) out.value &= (std::uint64_t{1} << (8 * out.width)) - 1;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t step = 16;
  const bytes_view input{reinterpret_cast<const std::byte*>(bytes), size};
  std::fill(ram().begin() + layout::program, ram().end(), std::byte{0x77});

  chip lines;
  std::array<any_device, 3> models{
      any_device{std::make_unique<virtio_lines>(std::make_shared<virtio::gpio_device<chip>>(lines),
                                                std::make_shared<restless_ram>(input))},
      any_device{std::make_unique<hal::bcm2835_model>()}, any_device{std::make_unique<hal::pl061_model>()}};
  manifest wanted;
  register_windows<any_device> windows;
  constexpr std::array kinds{device_type::virtio_gpio, device_type::bcm2835_gpio, device_type::pl061_gpio};
  constexpr std::array<std::string_view, 3> names{"virtio", "bcm2835", "pl061"};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    require(wanted.add(names[i], kinds[i]) == status::ok);
    require(windows.attach(wanted, names[i], kinds[i], models[i]) == status::ok);
  }

  scripted_vcpu cpu;
  device_window window{cpu, windows.range(), windows};
  const auto run = [&] {
    std::uint64_t passed_on = 0;
    std::uint64_t reads = 0;
    for (const guest_access& each : cpu.accesses) {
      const bool whole = each.width == 1 || each.width == 2 || each.width == 4 || each.width == 8;
      const bool here = each.where == guest_access::space::memory && whole && each.address >= base &&
                        contains(kinds.size() * register_layout::step, each.address - base, each.width) &&
                        each.address % each.width == 0;
      if (!here) ++passed_on;
      if (here && !each.is_write) ++reads;
    }
    cpu.next = 0;
    cpu.answers = 0;
    while (window.run()) {
      require(passed_on != 0);
      --passed_on;
    }
    require(passed_on == 0 && cpu.answers == reads);
    cpu.accesses.clear();
  };
  for (bytes_view rest = input; rest.size() >= step; rest = rest.subspan(step)) {
    const auto kind = std::to_integer<unsigned>(rest[0]) & 7;
    if (kind == 6) {
      take_device(cpu.accesses, rest);
    } else if (kind == 7) {  // the guest fills in a queue, or a buffer
      const std::size_t at = load_le<std::uint16_t>(rest.data() + 2) % (0x1000u - 12);
      std::copy_n(rest.begin() + 4, 12, ram().begin() + static_cast<std::ptrdiff_t>(data + at));
    } else {
      cpu.accesses.push_back(any_access(rest));
    }
    run();
    lines.drive(kind, (rest[1] & std::byte{1}) != std::byte{0});
  }

  cpu.accesses.push_back(store_word(virtio::mmio_register::status, 0));
  run();
  for (std::uint32_t line = 0; line < 8; ++line) require(!lines.is_output(line) && lines.hold(line, true));
  const auto first = ram().begin() + layout::program;
  require(std::all_of(first, ram().begin() + static_cast<std::ptrdiff_t>(data),
                      [](std::byte each) { return each == std::byte{0x77}; }));
  return 0;
}
