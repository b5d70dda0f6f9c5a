// SPDX-License-Identifier: BSL-1.0
//
// i2c_calls: a guest's transfers on an I2C bus, over any hal::i2c_bus. Freestanding.
//
//     i2c_calls<my_bus> buses;
//     if (const status s = buses.attach(devices, "sensors", bus); s != status::ok) return s;
//     hypercall_table table{..., buses};
//
// What is written is copied first, so that a model at the bus sees bytes that stay. Leaves out which addresses
// a guest may reach: a bus that filters is a bus.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hal/i2c_bus.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall {

template <hal::i2c_bus Bus>
class i2c_calls {
 public:
  static constexpr std::array numbers{vendor::i2c_transfer};
  static constexpr std::array devices{device_type::i2c};
  static constexpr std::size_t max_bytes = 8192;  ///< each way

  /// Gives a bus to the name that a unikernel asks for. The bus outlives this.
  /// Errors: out_of_range (it does not ask for it), busy (it has one).
  [[nodiscard]] status attach(manifest& wanted, std::string_view name, Bus& bus) noexcept {
    const std::uint64_t handle = wanted.find(name, device_type::i2c);
    if (handle == 0) return status::out_of_range;
    Bus*& place = buses_[static_cast<std::size_t>(handle)];
    if (place != nullptr) return status::busy;
    place = &bus;
    wanted[handle].attach();
    return status::ok;
  }

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    if (what.number != vendor::i2c_transfer) return outcome::not_mine;
    argument<i2c_call> asked{memory, what};
    if (!asked) return outcome::fault;
    const std::uint64_t handle = asked->handle;
    Bus* const bus = handle < buses_.size() ? buses_[static_cast<std::size_t>(handle)] : nullptr;
    const std::uint32_t address = asked->address;
    const std::uint32_t out_length = asked->out_length;
    const std::uint32_t in_length = asked->in_length;
    if (bus == nullptr || address > std::numeric_limits<std::uint8_t>::max() || out_length > max_bytes ||
        in_length > max_bytes) {
      return asked.answer(result_code::invalid);
    }
    const status_or<bytes_view> out = readable(memory, asked->out, out_length);
    const status_or<bytes_span> in = writable(memory, asked->in, in_length);
    if (!out || !in) return asked.answer(result_code::invalid);
    const bytes_span copy = bytes_span{out_}.first(out->size());
    if (!copy.empty()) hal::copy_once(copy, *out);
    return asked.answer(result_of(bus->transfer(static_cast<hal::i2c_address>(address), copy, *in)));
  }

 private:
  std::array<Bus*, manifest::max_entries> buses_{};
  std::array<std::byte, max_bytes> out_{};
};

}  // namespace shoal::hypercall
