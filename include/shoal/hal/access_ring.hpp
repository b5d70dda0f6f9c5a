// SPDX-License-Identifier: BSL-1.0
//
// access_ring: records on their way from the driver of a device to another thread. Never waits: what does not
// fit is counted, and told before the next record that fits. Freestanding.
//
//     access_ring<> ring;                                   // 512 KiB: not on a stack
//     ring.put(record);                                     // the driver's thread
//     std::array<access_record, 256> batch;                 // the other one
//     for (const access_record& record : std::span{batch}.first(ring.take(batch))) keep(record);
//
// One thread puts and one takes; several processors have a ring each. Leaves out waking the taker, who looks
// now and then: a call that wakes costs a hundred records.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_sink.hpp>

namespace shoal::hal {

/// @tparam Capacity  records, a power of two
template <std::size_t Capacity = 16384>
class access_ring {
  static_assert(Capacity >= 2 && (Capacity & (Capacity - 1)) == 0);

 public:
  access_ring() = default;
  access_ring(const access_ring&) = delete;
  access_ring& operator=(const access_ring&) = delete;

  // ---- the thread that puts

  void put(const access_record& record) noexcept {
    const std::size_t head = published_.load(std::memory_order_relaxed);
    if (head == limit_) [[unlikely]]
      return put_if_it_fits(record);
    place(head, record);
  }

  // ---- the thread that takes

  /// Moves the oldest records to `out`; how many there were.
  std::size_t take(std::span<access_record> out) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t waiting = published_.load(std::memory_order_acquire) - tail;
    const std::size_t count = waiting < out.size() ? waiting : out.size();
    for (std::size_t i = 0; i < count; ++i) out[i] = slots_[(tail + i) % Capacity];
    tail_.store(tail + count, std::memory_order_release);
    return count;
  }

  // ---- any thread

  /// Accesses that did not fit so far, those included that no record has told yet. Wraps with size_t.
  [[nodiscard]] std::size_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  void place(std::size_t head, const access_record& record) noexcept {
    slots_[head % Capacity] = record;
    published_.store(head + 1, std::memory_order_release);
  }

  // By value: a record whose address is taken would be in memory before it is in its place, which costs more
  // than all the rest of put().
  [[gnu::noinline]] void put_if_it_fits(access_record record) noexcept {
    std::size_t head = published_.load(std::memory_order_relaxed);
    const std::size_t end = tail_.load(std::memory_order_acquire) + Capacity;
    if (end - head < (missing_ == 0 ? 1u : 2u)) {
      const std::uint64_t times = times_of(record);
      missing_ += times;
      lost_.store(lost_.load(std::memory_order_relaxed) + static_cast<std::size_t>(times),
                  std::memory_order_relaxed);
      limit_ = head;
      return;
    }
    if (missing_ != 0) {
      slots_[head++ % Capacity] = {record.cycles, 0, missing_, 0, record.source, access::lost, 0};
      missing_ = 0;
    }
    limit_ = end;
    place(head, record);
  }

  // Each thread writes to cache lines of its own.
  static constexpr std::size_t line = 64;
  alignas(line) std::atomic<std::size_t> published_{0};
  std::size_t limit_ = Capacity;  // put() need not look at the taker before it is there
  std::uint64_t missing_ = 0;     // not told yet
  std::atomic<std::size_t> lost_{0};
  alignas(line) std::atomic<std::size_t> tail_{0};
  alignas(line) std::array<access_record, Capacity> slots_{};
};
static_assert(access_sink<access_ring<>>);

}  // namespace shoal::hal
