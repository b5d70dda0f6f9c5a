// SPDX-License-Identifier: BSL-1.0
//
// pci_tracker: knows a guest's PCI functions and where their BARs are, by looking at the configuration accesses
// that the guest makes, through ports 0xcf8 and 0xcfc or through ECAM. A BAR that the guest moves is followed.
//
//     pci_tracker pci;
//     pci.note(access, [](const bar_change& change) { tell(change); });
//     if (const std::optional<bar_location> at = pci.find(access)) use(at->bar, at->offset);
//
// Starts to look before the guest's firmware does: a BAR's size is known once the guest has asked for it.
// Leaves out expansion ROMs, and devices behind an IOMMU or another host bridge.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <shoal/hal/access_record.hpp>

namespace shoal::monitor {

/// Bus, device and function, as the upper bits of a configuration address have them.
struct pci_function {
  std::uint16_t number = 0;  ///< bus << 8 | device << 3 | function
  [[nodiscard]] constexpr unsigned bus() const noexcept { return number >> 8; }
  [[nodiscard]] constexpr unsigned device() const noexcept { return number >> 3 & 31u; }
  [[nodiscard]] constexpr unsigned function() const noexcept { return number & 7u; }
  friend constexpr auto operator<=>(const pci_function&, const pci_function&) noexcept = default;
};

/// One of the six base address registers of a function.
struct pci_bar {
  pci_function function;
  std::uint8_t index = 0;  ///< 0 to 5
  friend constexpr auto operator<=>(const pci_bar&, const pci_bar&) noexcept = default;
};

/// Where a BAR is.
struct bar_range {
  std::uint64_t base = 0;
  std::uint64_t size = 0;  ///< 0: nowhere
  bool port = false;       ///< in the I/O space
  friend constexpr bool operator==(const bar_range&, const bar_range&) noexcept = default;
};

/// A BAR came to be somewhere, or somewhere else. That a guest switches it off for a while is not told.
struct bar_change {
  pci_bar bar;
  bar_range before;  ///< where it was last; a size of 0: nowhere yet
  bar_range now;
};

/// What an address belongs to.
struct bar_location {
  pci_bar bar;
  std::uint64_t offset = 0;
};

class pci_tracker {
 public:
  /// More functions than this are not followed: a guest may write about as many as it likes.
  static constexpr std::size_t max_functions = 1024;

  /// What is known of a function.
  struct function_info {
    pci_function where;
    std::uint16_t vendor = 0xffff;  ///< 0xffff: the guest has not asked
    std::uint16_t device = 0xffff;
    std::uint8_t header_type = 0;
    std::optional<std::uint16_t> command;
    struct bar_register {
      std::uint32_t value = 0;  ///< as written last, or read
      std::uint32_t mask = 0;   ///< which bits of the address can be set; 0: not asked for
      bool asked = false;       ///< all ones were written: what is read next is the mask
      std::uint8_t kind = 0;    ///< the low bits: port, width
    };
    std::array<bar_register, 6> registers{};
    std::array<bar_range, 6> ranges{};
    std::array<bar_range, 6> last{};  ///< as ranges, but what is switched off stays
  };

  /// Tells of ECAM: memory at `base` of `size` bytes, a MiB for each bus.
  void set_ecam(std::uint64_t base, std::uint64_t size) noexcept {
    ecam_base_ = base;
    ecam_size_ = size;
  }

  /// Looks at any access.
  ///
  /// @param tell  called with each bar_change: the command register brings several at once
  template <class Tell>
  void note(const hal::access_record& access, Tell&& tell) {
    const bool port = access.what == hal::access::in || access.what == hal::access::out;
    const bool write = access.what == hal::access::out || access.what == hal::access::store;
    if (port && access.address == address_port && access.width == 4) {
      if (write) latch_ = static_cast<std::uint32_t>(access.value);
    } else if (port && access.address >= data_port && access.address < data_port + 4 && latch_ >> 31 != 0) {
      const pci_function function{static_cast<std::uint16_t>(latch_ >> 8 & 0xffff)};
      const std::uint32_t at = (latch_ & 0xfc) + static_cast<std::uint32_t>(access.address - data_port);
      configure(function, {at, access.width, access.value}, write, tell);
    } else if (!port && (write || access.what == hal::access::load) && access.address >= ecam_base_ &&
               access.address - ecam_base_ < ecam_size_) {
      const std::uint64_t offset = access.address - ecam_base_;
      const pci_function function{static_cast<std::uint16_t>(offset >> 12 & 0xffff)};
      configure(function, {static_cast<std::uint32_t>(offset & 0xfff), access.width, access.value}, write,
                tell);
    }
  }

  /// The BAR that an access goes to.
  [[nodiscard]] std::optional<bar_location> find(const hal::access_record& access) const noexcept {
    const bool port = access.what == hal::access::in || access.what == hal::access::out;
    if (!port && access.what != hal::access::load && access.what != hal::access::store) return std::nullopt;
    for (const mapped& each : mapped_) {
      if (each.range.port == port && access.address >= each.range.base &&
          access.address - each.range.base < each.range.size) {
        return bar_location{each.bar, access.address - each.range.base};
      }
    }
    return std::nullopt;
  }

  /// Where a BAR is now; a size of 0 when nowhere.
  [[nodiscard]] bar_range range_of(const pci_bar& bar) const noexcept {
    const auto at = std::ranges::lower_bound(functions_, bar.function, {}, &function_info::where);
    const bool known = at != functions_.end() && at->where == bar.function && bar.index < 6;
    return known ? at->ranges[bar.index] : bar_range{};
  }

  /// Those that exist, by number.
  [[nodiscard]] std::span<const function_info> functions() const noexcept { return functions_; }

 private:
  static constexpr std::uint64_t address_port = 0xcf8;
  static constexpr std::uint64_t data_port = 0xcfc;
  // offsets in the configuration header (PCI Local Bus 3.0, section 6.1)
  static constexpr std::uint32_t id_at = 0x00;
  static constexpr std::uint32_t command_at = 0x04;
  static constexpr std::uint32_t header_type_at = 0x0e;
  static constexpr std::uint32_t bars_at = 0x10;
  static constexpr std::uint32_t bars_end = 0x28;
  static constexpr std::uint16_t port_enable = 1;
  static constexpr std::uint16_t memory_enable = 2;

  struct mapped {
    pci_bar bar;
    bar_range range;
  };

  /// The bytes of an access to the configuration space.
  struct lanes {
    std::uint32_t at;
    std::uint32_t width;
    std::uint64_t value;
    /// Puts the bytes that overlap [from, from + size) into `into`; false when there are none.
    bool put(std::uint32_t& into, std::uint32_t from, std::uint32_t size) const noexcept {
      bool any = false;
      for (std::uint32_t i = 0; i < width; ++i) {
        const std::uint32_t byte = at + i;
        if (byte < from || byte - from >= size) continue;
        const std::uint32_t shift = 8 * (byte - from);
        into = (into & ~(0xffu << shift)) | static_cast<std::uint32_t>(value >> (8 * i) & 0xff) << shift;
        any = true;
      }
      return any;
    }
  };

  template <class Tell>
  void configure(pci_function where, const lanes& part, bool write, Tell& tell) {
    if (part.at >= bars_end) return;
    std::uint32_t id = 0xffff'ffff;
    const bool told_id = !write && part.put(id, id_at, 4);
    function_info* const known = entry(where, told_id && (id & 0xffff) != 0xffff);
    if (known == nullptr) return;
    if (told_id && part.at == 0 && part.width >= 2) {
      known->vendor = static_cast<std::uint16_t>(id & 0xffff);
      if (part.width >= 4) known->device = static_cast<std::uint16_t>(id >> 16);
    }
    std::uint32_t command = known->command.value_or(0);
    if (part.put(command, command_at, 2)) known->command = static_cast<std::uint16_t>(command);
    std::uint32_t header = known->header_type;
    if (!write && part.put(header, header_type_at, 1)) known->header_type = static_cast<std::uint8_t>(header);
    for (std::size_t i = 0; i < 6; ++i) {
      auto& bar = known->registers[i];
      std::uint32_t raw = bar.asked ? 0xffff'ffff : bar.value;
      if (!part.put(raw, bars_at + static_cast<std::uint32_t>(4 * i), 4)) continue;
      if (write) {
        bar.asked = raw == 0xffff'ffff;
        if (!bar.asked) bar.value = raw;
      } else {
        bar.kind = static_cast<std::uint8_t>((raw & 1) != 0 ? 1u : raw & 7u);
        (bar.asked ? bar.mask : bar.value) = raw;
      }
    }
    place(*known, tell);
  }

  function_info* entry(pci_function where, bool exists) {
    const auto at = std::ranges::lower_bound(functions_, where, {}, &function_info::where);
    if (at != functions_.end() && at->where == where) return &*at;
    if (!exists || functions_.size() == max_functions) return nullptr;
    function_info fresh;
    fresh.where = where;
    return &*functions_.insert(at, fresh);
  }

  /// Works out where the BARs are, from the registers.
  template <class Tell>
  void place(function_info& known, Tell& tell) {
    const std::size_t count = (known.header_type & 0x7f) == 0 ? 6 : (known.header_type & 0x7f) == 1 ? 2 : 0;
    bool upper_half = false;
    for (std::size_t i = 0; i < 6; ++i) {
      const auto& low = known.registers[i];
      const bool wide = !upper_half && low.kind == 4 && i + 1 < count;
      bar_range now;
      bool halfway = low.asked;  // an address that is being asked about is where it was
      if (!upper_half && i < count && low.mask != 0) {
        now.port = low.kind == 1;
        const std::uint32_t flags = now.port ? 3 : 15;
        std::uint64_t mask = low.mask & ~flags;
        std::uint64_t base = low.value & ~flags;
        if (wide) {
          const auto& high = known.registers[i + 1];
          halfway = halfway || high.asked;
          mask |= std::uint64_t{high.mask == 0 ? 0xffff'ffff : high.mask} << 32;
          base |= std::uint64_t{high.value} << 32;
        } else {
          // a port BAR need not decode the upper half
          mask |= now.port ? 0xffff'ffff'ffff'0000 : 0xffff'ffff'0000'0000;
        }
        const std::uint16_t enable = now.port ? port_enable : memory_enable;
        const bool decoded = (known.command.value_or(enable) & enable) != 0;
        now.base = base & mask;
        now.size = decoded && now.base != 0 ? ~mask + 1 : 0;
        if (now.size == 0) now = {};
      }
      upper_half = wide;
      if (halfway || now == known.ranges[i]) continue;
      const pci_bar bar{known.where, static_cast<std::uint8_t>(i)};
      known.ranges[i] = now;
      remap(bar, now);
      if (now.size == 0 || now == known.last[i]) continue;
      tell(bar_change{bar, known.last[i], now});
      known.last[i] = now;
    }
  }

  void remap(const pci_bar& bar, const bar_range& now) {
    std::erase_if(mapped_, [&](const mapped& each) { return each.bar == bar; });
    if (now.size != 0) mapped_.push_back({bar, now});
  }

  std::vector<function_info> functions_;  // ascending
  std::vector<mapped> mapped_;
  std::uint32_t latch_ = 0;
  std::uint64_t ecam_base_ = 0;
  std::uint64_t ecam_size_ = 0;
};

}  // namespace shoal::monitor
