// SPDX-License-Identifier: BSL-1.0
//
// The driver's side of a split virtqueue, well behaved unless a test tells it not to be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/virtio/split_queue.hpp>

namespace driver_model {

using shoal::bytes_span;
using shoal::bytes_view;
using shoal::hal::guest_address;
using namespace shoal::virtio;

/// Guest RAM from address 0x10000 on.
class ram {
 public:
  static constexpr guest_address base{0x10000};

  explicit ram(std::size_t size = 1u << 20) : own_(new std::byte[size]()), all_(own_.get(), size) {
    (void)regions_.add(base, all_);
  }
  /// RAM that somebody else has.
  explicit ram(bytes_span all) : all_(all) { (void)regions_.add(base, all_); }
  [[nodiscard]] bytes_span window(guest_address address, std::size_t n) noexcept {
    if (before_window) before_window();
    return regions_.window(address, n);
  }
  /// What the guest does between two looks at its memory.
  void (*before_window)() = nullptr;

  [[nodiscard]] std::byte* at(guest_address address) noexcept {
    return all_.data() + (static_cast<std::uint64_t>(address) - static_cast<std::uint64_t>(base));
  }

 private:
  std::unique_ptr<std::byte[]> own_;
  bytes_span all_;
  shoal::hal::guest_regions<1> regions_;
};

struct descriptor {
  guest_address address{};
  std::uint32_t length = 0;
  std::uint16_t flags = 0;
  std::uint16_t next = 0;
};

struct used_entry {
  std::uint32_t head = 0;
  std::uint32_t written = 0;
  friend bool operator==(const used_entry&, const used_entry&) = default;
};

/// A queue at `where` in the RAM; buffers are taken from behind it.
class queue {
 public:
  queue(ram& memory, std::uint16_t size, guest_address where = ram::base)
      : ram_(memory),
        layout_{.size = size,
                .descriptors = where,
                .available = where + 16u * size,
                .used = where + 16u * size + 8u + 2u * size + (4 - (2u * size) % 4) % 4},
        free_(where + 0x8000) {}

  [[nodiscard]] const queue_layout& layout() const noexcept { return layout_; }

  /// Memory for a buffer, in the order of the calls.
  [[nodiscard]] guest_address allocate(std::size_t n) {
    const guest_address at = free_;
    free_ = free_ + ((n + 15) & ~std::size_t{15});
    return at;
  }
  void write(std::uint16_t index, const descriptor& d) { write_at(layout_.descriptors + 16u * index, d); }
  void write_at(guest_address where, const descriptor& d) {
    std::byte* const to = ram_.at(where);
    shoal::store_le(to, static_cast<std::uint64_t>(d.address));
    shoal::store_le(to + 8, d.length);
    shoal::store_le(to + 12, d.flags);
    shoal::store_le(to + 14, d.next);
  }
  /// Puts a chain into the available ring.
  void offer(std::uint16_t head) {
    shoal::store_le(ram_.at(layout_.available + 4u + 2u * (available_ % layout_.size)), head);
    set_available(static_cast<std::uint16_t>(available_ + 1));
  }
  void set_available(std::uint16_t index) {
    available_ = index;
    shoal::store_le(ram_.at(layout_.available + 2), index);
  }
  void set_no_interrupt(bool on) {
    shoal::store_le(ram_.at(layout_.available), static_cast<std::uint16_t>(on ? 1 : 0));
  }
  void set_used_event(std::uint16_t index) {
    shoal::store_le(ram_.at(layout_.available + 4u + 2u * layout_.size), index);
  }
  [[nodiscard]] std::uint16_t available_event() {
    return shoal::load_le<std::uint16_t>(ram_.at(layout_.used + 4u + 8u * layout_.size));
  }
  [[nodiscard]] std::uint16_t used() { return shoal::load_le<std::uint16_t>(ram_.at(layout_.used + 2)); }
  [[nodiscard]] used_entry used_at(std::uint16_t index) {
    const std::byte* const at = ram_.at(layout_.used + 4u + 8u * (index % layout_.size));
    return {shoal::load_le<std::uint32_t>(at), shoal::load_le<std::uint32_t>(at + 4)};
  }

  /// Offers a request as drivers do: `out` copied to buffers that the device reads, then room for answers.
  /// Returns where the answers will be, one after the other; the chain begins with descriptor `first`.
  std::vector<guest_address> request(std::uint16_t first, std::span<const bytes_view> out,
                                     std::span<const std::size_t> in) {
    std::vector<guest_address> answers;
    const std::size_t total = out.size() + in.size();
    auto index = first;
    for (std::size_t i = 0; i < total; ++i) {
      const bool writable = i >= out.size();
      const std::size_t n = writable ? in[i - out.size()] : out[i].size();
      const guest_address at = allocate(n);
      if (writable)
        answers.push_back(at);
      else
        std::memcpy(ram_.at(at), out[i].data(), n);
      const bool last = i + 1 == total;
      const auto flags = static_cast<std::uint16_t>((writable ? descriptor_flag::write : 0) |
                                                    (last ? 0 : descriptor_flag::next));
      write(index, {at, static_cast<std::uint32_t>(n), flags, static_cast<std::uint16_t>(index + 1)});
      ++index;
    }
    offer(first);
    return answers;
  }

 private:
  ram& ram_;
  queue_layout layout_;
  guest_address free_;
  std::uint16_t available_ = 0;
};

}  // namespace driver_model
