// SPDX-License-Identifier: BSL-1.0
//
// address_space: a guest's memory by virtual addresses: a kernel's or one process's. And virtual_memory, the
// contract that everything about the guest's software asks for. Freestanding.
//
//     address_space<ram, direct_translation_cache<>> kernel{memory, paging::x86_64_5, root};
//     const status_or<std::uint32_t> pid = read_number<std::uint32_t>(kernel, task + 2416);
//
// Reads may straddle pages. One address_space belongs to one thread; several may share a memory.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/status.hpp>
#include <shoal/vmi/address.hpp>
#include <shoal/vmi/paging.hpp>
#include <shoal/vmi/physical_memory.hpp>
#include <shoal/vmi/translation_cache.hpp>

namespace shoal::vmi {

/// `read(address, out)`: all of `out`; status::out_of_range when a page of it is not mapped or not RAM,
/// status::malformed when page tables lead outside of RAM, and `out` is then worth nothing.
template <class V>
concept virtual_memory = requires(V& space, virtual_address address, bytes_span out) {
  { space.read(address, out) } noexcept -> std::same_as<status>;
  { space.width() } noexcept -> std::same_as<pointer_width>;
};

/// One read of a batch, and how it went.
struct virtual_read {
  virtual_address address{};
  bytes_span out;
  status code = status::failed;
};

template <physical_memory Memory, translation_cache Cache = no_translation_cache>
class address_space {
 public:
  /// @param memory  outlives the address space
  /// @param root    of the table, without the flags of the register that holds it (F::root_of)
  address_space(const Memory& memory, paging format, physical_address root) noexcept
      : memory_(&memory), root_(root), format_(format) {
    with_format(format, [this]<class F>(F) noexcept {
      width_ = F::width;
      walk_ = &walk_pages<F, Memory>;
    });
  }

  [[nodiscard]] status read(virtual_address address, bytes_span out) noexcept {
    if (out.size() <= page_size - (value(address) & (page_size - 1))) return read_in_page(address, out);
    while (!out.empty()) {
      const std::uint64_t left = page_size - (value(address) & (page_size - 1));
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size()));
      const status read = read_in_page(address, out.first(part));
      if (read != status::ok) return read;
      out = out.subspan(part);
      address = address + part;
    }
    return status::ok;
  }

  /// A little-endian number, without a copy where the memory has windows. Errors as read.
  template <std::unsigned_integral T>
  [[nodiscard]] status_or<T> number(virtual_address address) noexcept {
    if ((value(address) & (page_size - 1)) > page_size - sizeof(T)) {
      std::array<std::byte, sizeof(T)> bytes;
      const status across = read(address, bytes);
      return across == status::ok ? status_or<T>{load_le<T>(bytes.data())} : across;
    }
    physical_address at{};
    const status located = locate(address, at);
    return located == status::ok ? read_number<T>(*memory_, at) : located;
  }

  /// As read for each, by one batch of the memory for every 32.
  void read_batch(std::span<virtual_read> reads) noexcept {
    constexpr std::size_t at_once = 32;
    while (!reads.empty()) {
      const auto now = reads.first(std::min(at_once, reads.size()));
      std::array<physical_read, at_once> batch;
      std::array<virtual_read*, at_once> whose{};
      std::size_t n = 0;
      for (virtual_read& each : now) {
        if (each.out.size() > page_size - (value(each.address) & (page_size - 1))) {
          each.code = read(each.address, each.out);
          continue;
        }
        physical_address at{};
        each.code = locate(each.address, at);
        if (each.code != status::ok) continue;
        batch[n] = {at, each.out, status::failed};
        whose[n++] = &each;
      }
      vmi::read_batch(*memory_, std::span{batch}.first(n));
      for (std::size_t i = 0; i < n; ++i) whose[i]->code = batch[i].code;
      reads = reads.subspan(now.size());
    }
  }

  /// Where an address is, by the tables alone: what was remembered is not asked.
  [[nodiscard]] translation translate(virtual_address address) const noexcept {
    return walk_(*memory_, root_, address);
  }

  /// Forgets what was remembered of the page tables.
  void forget() noexcept { cache_.forget(); }

  [[nodiscard]] pointer_width width() const noexcept { return width_; }
  [[nodiscard]] paging format() const noexcept { return format_; }
  [[nodiscard]] physical_address root() const noexcept { return root_; }
  [[nodiscard]] const Memory& memory() const noexcept { return *memory_; }

 private:
  static constexpr std::uint64_t page_size = 4096;

  [[nodiscard]] status locate(virtual_address address, physical_address& at) noexcept {
    const std::uint64_t page = value(address) / page_size;
    std::uint64_t frame = 0;
    if (!cache_.find(page, frame)) {
      const translation found = translate(address);
      if (found.code != status::ok) return found.code;
      frame = value(found.address) / page_size;
      cache_.keep(page, frame);
    }
    at = physical_address{frame * page_size + value(address) % page_size};
    return status::ok;
  }

  [[nodiscard]] status read_in_page(virtual_address address, bytes_span out) noexcept {
    if (out.empty()) return status::ok;
    physical_address at{};
    const status located = locate(address, at);
    if (located != status::ok) return located;
    if constexpr (can_window<Memory>) {
      const bytes_view bytes = memory_->window(at, out.size());
      if (!bytes.empty()) {
        copy_live(out, bytes);
        return status::ok;
      }
    }
    return memory_->read_physical(at, out);
  }

  const Memory* memory_;
  physical_address root_;
  translation (*walk_)(const Memory&, physical_address, virtual_address) noexcept = nullptr;
  paging format_;
  pointer_width width_ = pointer_width::eight;
  [[no_unique_address]] Cache cache_;
};

/// A little-endian number of the guest's.
template <std::unsigned_integral T, virtual_memory V>
[[nodiscard]] status_or<T> read_number(V& space, virtual_address address) noexcept {
  if constexpr (requires { space.template number<T>(address); }) {
    return space.template number<T>(address);
  } else {
    std::byte bytes[sizeof(T)];
    const status read = space.read(address, bytes);
    if (read != status::ok) return read;
    return load_le<T>(bytes);
  }
}

/// A pointer of the guest's.
template <virtual_memory V>
[[nodiscard]] status_or<virtual_address> read_pointer(V& space, virtual_address address) noexcept {
  if (space.width() == pointer_width::eight) {
    const status_or<std::uint64_t> wide = read_number<std::uint64_t>(space, address);
    return wide ? status_or<virtual_address>{virtual_address{*wide}} : wide.code;
  }
  const status_or<std::uint32_t> word = read_number<std::uint32_t>(space, address);
  return word ? status_or<virtual_address>{virtual_address{*word}} : word.code;
}

}  // namespace shoal::vmi
