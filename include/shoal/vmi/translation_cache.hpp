// SPDX-License-Identifier: BSL-1.0
//
// What an address_space remembers of its walks: nothing (no_translation_cache), or the last page of each of a
// few thousand slots (direct_translation_cache). Freestanding.
//
//     address_space<ram, direct_translation_cache<2048>> kernel{memory, format, root};
//     kernel.forget();                                  // before each check: the guest may have mapped anew
//
// A cache that is not emptied shows a guest as it was.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace shoal::vmi {

/// `find(page)`, `keep(page, frame)`: numbers of 4 KiB pages, whatever the guest's page is. `forget()`: all of
/// it.
template <class C>
concept translation_cache = requires(C& cache, std::uint64_t page, std::uint64_t& frame) {
  { cache.find(page, frame) } noexcept -> std::same_as<bool>;
  { cache.keep(page, page) } noexcept;
  { cache.forget() } noexcept;
};

/// Remembers nothing.
struct no_translation_cache {
  static constexpr bool find(std::uint64_t, std::uint64_t&) noexcept { return false; }
  static constexpr void keep(std::uint64_t, std::uint64_t) noexcept {}
  static constexpr void forget() noexcept {}
};
static_assert(translation_cache<no_translation_cache>);

/// @tparam Slots  a power of two; 16 bytes each
template <std::size_t Slots = 2048>
  requires(Slots != 0 && (Slots & (Slots - 1)) == 0)
class direct_translation_cache {
 public:
  [[nodiscard]] bool find(std::uint64_t page, std::uint64_t& frame) const noexcept {
    const slot& here = slots_[static_cast<std::size_t>(page & (Slots - 1))];
    frame = here.frame;
    return here.tag == (page | era_);
  }
  void keep(std::uint64_t page, std::uint64_t frame) noexcept {
    slots_[static_cast<std::size_t>(page & (Slots - 1))] = {page | era_, frame};
  }
  /// Costs nothing but once in 4,095 times.
  void forget() noexcept {
    era_ += one_era;
    if (era_ != 0) return;
    slots_ = {};
    era_ = one_era;
  }

 private:
  // A number of a page has 52 bits; the upper twelve tell which forget() it is from, and zero is nobody's.
  static constexpr std::uint64_t one_era = std::uint64_t{1} << 52;
  struct slot {
    std::uint64_t tag = 0;
    std::uint64_t frame = 0;
  };
  std::array<slot, Slots> slots_{};
  std::uint64_t era_ = one_era;
};
static_assert(translation_cache<direct_translation_cache<>>);

}  // namespace shoal::vmi
