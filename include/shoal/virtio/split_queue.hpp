// SPDX-License-Identifier: BSL-1.0
//
// split_queue: the device's side of a split virtqueue (virtio 1.2, section 2.7), for drivers of any intent.
//
//     split_queue queue;
//     if (queue.enable(memory, layout, options) != status::ok) return refuse();
//     while (const auto popped = queue.pop(memory, chain); popped && *popped) {
//       const std::uint32_t written = serve(chain);
//       queue.push(memory, chain.head(), written);
//     }
//     if (queue.must_notify(memory)) interrupt();
//
// For transports and devices. It asks for each byte of the guest's memory anew, reads it once and checks what
// it has read; a driver that breaks the rules breaks the queue, which then stays silent until it is enabled
// again. Leaves out packed queues and in-order use.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/virtio/descriptor_chain.hpp>

namespace shoal::virtio {

/// No queue here is longer; the specification goes up to 32,768.
inline constexpr std::uint16_t max_queue_size = descriptor_chain::max_buffers;

namespace descriptor_flag {
inline constexpr std::uint16_t next = 1;
inline constexpr std::uint16_t write = 2;
inline constexpr std::uint16_t indirect = 4;
}  // namespace descriptor_flag

/// Where a queue is in the guest's memory.
struct queue_layout {
  std::uint16_t size = 0;  ///< descriptors; a power of two
  hal::guest_address descriptors{};
  hal::guest_address available{};
  hal::guest_address used{};
};

/// What the driver has accepted, and where the device went on.
struct queue_options {
  bool indirect = false;     ///< feature::indirect_descriptors
  bool event_index = false;  ///< feature::event_index
  std::uint16_t next = 0;    ///< first entry of the available ring that was not popped yet
};

class split_queue {
 public:
  /// Takes a queue in use. The used ring goes on where the guest's memory says that it ends.
  /// status::invalid_argument: size not a power of two up to max_queue_size, or a part not aligned;
  /// status::out_of_range: a part is not RAM.
  template <hal::guest_memory M>
  status enable(M& memory, const queue_layout& layout, const queue_options& options) noexcept {
    *this = {};
    if (const status s = check(memory, layout, options); s != status::ok) return s;
    const status_or<std::uint16_t> used = load(memory, layout.used + 2, std::memory_order_relaxed);
    if (!used) return used.code;
    layout_ = layout;
    options_ = options;
    next_ = options.next;
    used_ = told_ = *used;
    state_ = state::enabled;
    return status::ok;
  }
  /// The guest's memory is elsewhere, and the queue with it: goes on there. Errors of enable(), which break it.
  template <hal::guest_memory M>
  status move_to(M& memory, const queue_layout& layout) noexcept {
    if (!is_enabled()) return status::ok;
    status s = check(memory, layout, options_);
    if (layout.size != layout_.size) s = status::invalid_argument;
    layout_ = layout;
    if (s != status::ok) state_ = state::broken;
    return s;
  }
  /// Leaves the queue alone. What was popped can no longer be pushed.
  void disable() noexcept { state_ = state::disabled; }

  [[nodiscard]] bool is_enabled() const noexcept { return state_ == state::enabled; }
  /// The driver has broken the rules.
  [[nodiscard]] bool is_broken() const noexcept { return state_ == state::broken; }
  [[nodiscard]] std::uint16_t size() const noexcept { return layout_.size; }
  /// First entry of the available ring that was not popped yet: how another device goes on.
  [[nodiscard]] std::uint16_t next() const noexcept { return next_; }

  /// Takes the next request. False when there is none, or the queue is not enabled. A reason, once, when the
  /// driver has broken the queue with it: status::malformed, out_of_range (not RAM) or limit_exceeded (4 GiB or
  /// more).
  template <hal::guest_memory M>
  status_or<bool> pop(M& memory, descriptor_chain& chain) noexcept {
    if (!is_enabled()) return false;
    const status_or<std::uint16_t> end = load(memory, layout_.available + 2, std::memory_order_acquire);
    if (!end) return broken(end.code);
    const auto waiting = static_cast<std::uint16_t>(*end - next_);
    if (waiting == 0) return false;
    if (waiting > layout_.size) return broken(status::malformed);
    const std::uint64_t slot = 4 + std::uint64_t{2} * (next_ % layout_.size);
    const status_or<std::uint16_t> head = load(memory, layout_.available + slot, std::memory_order_relaxed);
    if (!head) return broken(head.code);
    if (const status s = fetch(memory, *head, chain); s != status::ok) return broken(s);
    ++next_;
    return true;
  }

  /// Walks the chain that begins with descriptor `head`. For a request that was popped earlier, whose buffers
  /// may be elsewhere by now; errors as of pop(), and the queue is as it was.
  template <hal::guest_memory M>
  [[nodiscard]] status fetch(M& memory, std::uint16_t head, descriptor_chain& chain) const noexcept {
    chain.clear(head);
    hal::guest_address table = layout_.descriptors;
    std::uint64_t table_size = layout_.size;
    std::uint64_t index = head;
    bool inside = false;  // of an indirect table
    for (std::uint16_t count = 0; count < layout_.size;) {
      if (index >= table_size) return status::malformed;
      std::array<std::byte, 16> bytes;
      if (!hal::copy_from(memory, table + 16 * index, bytes)) return status::out_of_range;
      const descriptor d = parse(bytes);
      if ((d.flags & descriptor_flag::indirect) != 0) {
        if (inside || !options_.indirect || (d.flags & descriptor_flag::next) != 0) return status::malformed;
        if (d.length == 0 || d.length % 16 != 0 || d.length / 16 > layout_.size) return status::malformed;
        inside = true;
        table = d.address;
        table_size = d.length / 16;
        index = 0;
        continue;
      }
      if (d.length == 0) return status::malformed;
      const bytes_span buffer = memory.window(d.address, d.length);
      if (buffer.size() != d.length) return status::out_of_range;
      const bool writable = (d.flags & descriptor_flag::write) != 0;
      if (!writable && chain.writable_bytes() != 0) return status::malformed;
      if (!chain.add(buffer, writable)) return status::limit_exceeded;
      if ((d.flags & descriptor_flag::next) == 0) return status::ok;
      ++count;
      index = d.next;
    }
    return status::malformed;  // more than the queue is long: it may be a loop
  }

  /// Gives a request back, of whose writable buffers the first `written` bytes were written. False, and the
  /// queue is broken, when the ring is no longer RAM; false when the queue is not enabled.
  template <hal::guest_memory M>
  bool push(M& memory, std::uint16_t head, std::uint32_t written) noexcept {
    if (!is_enabled()) return false;
    std::array<std::byte, 8> entry;
    store_le<std::uint32_t>(entry.data(), head);
    store_le<std::uint32_t>(entry.data() + 4, written);
    const std::uint64_t slot = 4 + std::uint64_t{8} * (used_ % layout_.size);
    const auto end = static_cast<std::uint16_t>(used_ + 1);
    if (!hal::copy_to(memory, layout_.used + slot, entry) ||
        !store(memory, layout_.used + 2, end, std::memory_order_release)) {
      state_ = state::broken;
      return false;
    }
    used_ = end;
    return true;
  }

  /// True when the driver wants to hear of what was pushed since this was asked last.
  template <hal::guest_memory M>
  [[nodiscard]] bool must_notify(M& memory) noexcept {
    if (!is_enabled() || told_ == used_) return false;
    std::atomic_thread_fence(std::memory_order_seq_cst);  // our index before its wish
    const std::uint16_t told = told_;
    const bool first = !told_once_;
    told_ = used_;
    told_once_ = true;
    if (!options_.event_index) {
      const status_or<std::uint16_t> flags = load(memory, layout_.available, std::memory_order_relaxed);
      return !flags || (*flags & no_interrupt) == 0;
    }
    const std::uint64_t slot = 4 + std::uint64_t{2} * layout_.size;
    const status_or<std::uint16_t> event = load(memory, layout_.available + slot, std::memory_order_relaxed);
    if (!event || first) return true;
    return static_cast<std::uint16_t>(used_ - *event - 1) < static_cast<std::uint16_t>(used_ - told);
  }

  /// Asks for a kick at the next request. True when one came in the meantime: pop again, no kick may follow.
  template <hal::guest_memory M>
  [[nodiscard]] bool want_kick(M& memory) noexcept {
    if (!is_enabled()) return false;
    const std::uint64_t slot = 4 + std::uint64_t{8} * layout_.size;
    if (options_.event_index && !store(memory, layout_.used + slot, next_, std::memory_order_relaxed)) {
      return false;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);  // our wish before its index
    const status_or<std::uint16_t> end = load(memory, layout_.available + 2, std::memory_order_acquire);
    return end && *end != next_;
  }

 private:
  enum class state : std::uint8_t { disabled, enabled, broken };
  static constexpr std::uint16_t no_interrupt = 1;

  template <hal::guest_memory M>
  static status check(M& memory, const queue_layout& layout, const queue_options& options) noexcept {
    if (!std::has_single_bit(layout.size) || layout.size > max_queue_size) return status::invalid_argument;
    const auto aligned = [](hal::guest_address address, std::uint64_t to) {
      return static_cast<std::uint64_t>(address) % to == 0;
    };
    if (!aligned(layout.descriptors, 16) || !aligned(layout.available, 2) || !aligned(layout.used, 4)) {
      return status::invalid_argument;
    }
    const std::size_t event = options.event_index ? 2 : 0;
    if (memory.window(layout.descriptors, std::size_t{16} * layout.size).empty() ||
        memory.window(layout.available, 4 + std::size_t{2} * layout.size + event).empty() ||
        memory.window(layout.used, 4 + std::size_t{8} * layout.size + event).empty()) {
      return status::out_of_range;
    }
    return status::ok;
  }

  struct descriptor {
    hal::guest_address address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
  };
  static descriptor parse(const std::array<std::byte, 16>& bytes) noexcept {
    return {static_cast<hal::guest_address>(load_le<std::uint64_t>(bytes.data())),
            load_le<std::uint32_t>(bytes.data() + 8), load_le<std::uint16_t>(bytes.data() + 12),
            load_le<std::uint16_t>(bytes.data() + 14)};
  }

  status_or<bool> broken(status why) noexcept {
    state_ = state::broken;
    return why;
  }

  // Fields that the other side reads and writes at the same time: whole, little-endian, in order.
  static constexpr std::uint16_t little(std::uint16_t value) noexcept {
    if constexpr (std::endian::native == std::endian::little) return value;
    return static_cast<std::uint16_t>((value << 8) | (value >> 8));
  }
  template <hal::guest_memory M>
  static std::uint16_t* field(M& memory, hal::guest_address address) noexcept {
    const bytes_span at = memory.window(address, 2);
    const bool whole = at.size() == 2 && reinterpret_cast<std::uintptr_t>(at.data()) % 2 == 0;
    return whole ? reinterpret_cast<std::uint16_t*>(at.data()) : nullptr;
  }
  template <hal::guest_memory M>
  static status_or<std::uint16_t> load(M& memory, hal::guest_address address,
                                       std::memory_order order) noexcept {
    std::uint16_t* const at = field(memory, address);
    if (at == nullptr) return status::out_of_range;
    return little(std::atomic_ref{*at}.load(order));
  }
  template <hal::guest_memory M>
  static bool store(M& memory, hal::guest_address address, std::uint16_t value,
                    std::memory_order order) noexcept {
    std::uint16_t* const at = field(memory, address);
    if (at == nullptr) return false;
    std::atomic_ref{*at}.store(little(value), order);
    return true;
  }

  queue_layout layout_;
  queue_options options_;
  std::uint16_t next_ = 0;
  std::uint16_t used_ = 0;
  std::uint16_t told_ = 0;  // the used index that must_notify() saw
  bool told_once_ = false;
  state state_ = state::disabled;
};

}  // namespace shoal::virtio
