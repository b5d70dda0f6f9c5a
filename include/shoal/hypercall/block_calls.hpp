// SPDX-License-Identifier: BSL-1.0
//
// block_calls: reading and writing blocks, and what vendor_abi.hpp adds, over any block back end. Freestanding.
//
//     block_calls<my_disk> disks;
//     if (const status s = disks.attach(devices, "storage", disk); s != status::ok) return s;
//     hypercall_table table{..., disks};
//
// Offsets and lengths are whole blocks; several a call are allowed, which a guest that knows only Solo5 does
// not ask for. Data goes straight between the back end and the guest's memory. Leaves out waiting: a back end
// is done when it returns.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest_ram.hpp>
#include <shoal/hypercall/handler.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall {

/// `capacity()` bytes in blocks of `block_size()`, a power of two from 512 to 32768, which do not change while
/// it is attached. `read` and `write` get whole blocks inside the capacity, one or more. The guest may change
/// `in` while it is looked at. Statuses: see result_of().
template <class B>
concept block_backend =
    requires(B& device, const B& constant, std::uint64_t offset, bytes_span out, bytes_view in) {
      { constant.capacity() } noexcept -> std::same_as<std::uint64_t>;
      { constant.block_size() } noexcept -> std::same_as<std::uint32_t>;
      { device.read(offset, out) } noexcept -> std::same_as<status>;
      { device.write(offset, in) } noexcept -> std::same_as<status>;
    };

/// `flush()`: what was written before is on stable storage.
template <class B>
concept can_block_flush = block_backend<B> && requires(B& device) {
  { device.flush() } noexcept -> std::same_as<status>;
};

/// `discard(offset, length)`: whole blocks, one or more, that are not needed any more: what they hold is
/// unspecified.
template <class B>
concept can_block_discard =
    block_backend<B> && requires(B& device, std::uint64_t offset, std::uint64_t length) {
      { device.discard(offset, length) } noexcept -> std::same_as<status>;
    };

template <block_backend B>
class block_calls {
 public:
  static constexpr std::array numbers{number::block_write, number::block_read, vendor::block_flush,
                                      vendor::block_discard};
  static constexpr std::array devices{device_type::block};
  /// What a guest finds in its manifest.
  static constexpr std::uint32_t features = block_feature::many_blocks |
                                            (can_block_flush<B> ? block_feature::flush : 0u) |
                                            (can_block_discard<B> ? block_feature::discard : 0u);

  /// Gives a device to the name that a unikernel asks for. The device outlives this.
  /// Errors: out_of_range (it does not ask for it), busy (it has one), unsupported (size of the device).
  [[nodiscard]] status attach(manifest& wanted, std::string_view name, B& device) noexcept {
    const std::uint64_t handle = wanted.find(name, device_type::block);
    if (handle == 0) return status::out_of_range;
    disk& place = disks_[static_cast<std::size_t>(handle)];
    if (place.device != nullptr) return status::busy;
    const std::uint64_t capacity = device.capacity();
    const std::uint32_t block = device.block_size();
    const bool right = std::has_single_bit(block) && block >= 512 && block <= 32768 && capacity >= block &&
                       capacity % block == 0 && capacity <= std::numeric_limits<std::int64_t>::max();
    if (!right) return status::unsupported;
    place = {&device, capacity, block - 1};
    wanted[handle].attach_block(capacity, static_cast<std::uint16_t>(block), features);
    return status::ok;
  }

  template <hal::guest_memory M>
  outcome handle(call what, M& memory) noexcept {
    switch (what.number) {
      case number::block_read:
      case number::block_write: return transfer(what, memory);
      case vendor::block_flush:
      case vendor::block_discard: return maintain(what, memory);
      default: return outcome::not_mine;
    }
  }

 private:
  /// Aligned to its size, a power of two, so that it is found by a shift.
  struct alignas(4 * sizeof(std::uint64_t)) disk {
    B* device = nullptr;
    std::uint64_t capacity = 0;  ///< of a device, more
    std::uint64_t within = 0;    ///< the bits of an offset that are zero where a block begins

    /// Whole blocks, or no bytes. Where there is no device, no bytes at 0 are all there is.
    [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t length) const noexcept {
      std::uint64_t end = 0;
      return !__builtin_add_overflow(offset, length, &end) && end <= capacity &&
             ((offset | length) & within) == 0;
    }
  };

  [[nodiscard]] const disk& at(std::uint64_t handle) const noexcept {
    return disks_[handle < disks_.size() ? static_cast<std::size_t>(handle) : 0];  // 0 is never a device
  }

  template <hal::guest_memory M>
  outcome transfer(call what, M& memory) noexcept {
    argument<block_call> asked{memory, what};
    if (!asked) return outcome::fault;
    const std::uint64_t offset = asked->offset;
    const std::uint64_t length = asked->length;
    const disk& to = at(asked->handle);
    if (!to.has(offset, length)) return asked.answer(result_code::invalid);
    if (length == 0) return asked.answer(to.device != nullptr ? result_code::ok : result_code::invalid);
    if (what.number == number::block_read) {
      status_or<bytes_span> room = writable(memory, asked->data, length);
      return asked.answer(room ? result_of(to.device->read(offset, *room)) : result_code::invalid);
    }
    status_or<bytes_view> data = readable(memory, asked->data, length);
    return asked.answer(data ? result_of(to.device->write(offset, *data)) : result_code::invalid);
  }

  template <hal::guest_memory M>
  outcome maintain(call what, M& memory) noexcept {
    argument<range_call> asked{memory, what};
    if (!asked) return outcome::fault;
    const std::uint64_t offset = asked->offset;
    const std::uint64_t length = asked->length;
    const disk& to = at(asked->handle);
    if (to.device == nullptr || !to.has(offset, length)) return asked.answer(result_code::invalid);
    if constexpr (can_block_flush<B>) {
      if (what.number == vendor::block_flush && (offset | length) == 0) {
        return asked.answer(result_of(to.device->flush()));
      }
    }
    if constexpr (can_block_discard<B>) {
      if (what.number == vendor::block_discard) {
        return asked.answer(length == 0 ? result_code::ok : result_of(to.device->discard(offset, length)));
      }
    }
    return asked.answer(result_code::invalid);
  }

  std::array<disk, manifest::max_entries> disks_{};
};

}  // namespace shoal::hypercall
