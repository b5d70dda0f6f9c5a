// SPDX-License-Identifier: BSL-1.0
//
// attach: the live register accesses of an unmodified guest, out of QEMU's trace: only the chosen ones, each
// numbered by what it belongs to, wherever the guest has moved that.
//
//     monitor::attach guest{{.bars = {{{3 << 3}, 0}}}};        // BAR 0 of the device at 00:03.0
//     guest.receive(bytes_of_the_pipe, take_access, tell_of_bars);
//
// An access to a chosen BAR has source 1, 2, ... in the order of the choice, and the offset in the BAR for its
// address: rules and recordings outlive a move. Any other has source 0 and the address that the guest used.
// Leaves out starting QEMU, and time: QEMU's stamp is passed on if there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/pci_tracker.hpp>
#include <shoal/monitor/qemu_trace.hpp>

namespace shoal::monitor {

/// Addresses that are wanted, both ends included.
struct address_span {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool port = false;
};

/// Which accesses are wanted.
struct attach_choice {
  std::vector<pci_bar> bars;
  std::vector<address_span> spans;  ///< of no BAR that was chosen
  bool everything = false;          ///< these as well as all others
  bool ports = true;                ///< the guest is a PC: see parse_qemu_trace
};

class attach {
 public:
  /// A longer line is nothing that QEMU writes about an access.
  static constexpr std::size_t max_line = 1024;

  struct counts {
    std::uint64_t accesses = 0;   ///< lines that told of one
    std::uint64_t chosen = 0;     ///< of these
    std::uint64_t other = 0;      ///< lines about something else
    std::uint64_t malformed = 0;  ///< lines that were damaged, or too long
  };

  explicit attach(attach_choice choice) : choice_(std::move(choice)) {}

  /// Takes what QEMU wrote, cut anywhere.
  ///
  /// @param take  called with each traced_access that was chosen
  /// @param tell  called with each bar_change
  template <class Take, class Tell>
  void receive(std::string_view bytes, Take&& take, Tell&& tell) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      const bool too_long = skipping_ || part.size() > max_line - line_.size();
      if (end == std::string_view::npos) {
        skipping_ = too_long;
        too_long ? line_.clear() : static_cast<void>(line_ += part);
      } else if (too_long) {
        ++counts_.malformed;
        skipping_ = false;
        line_.clear();
      } else if (line_.empty()) {
        take_line(part, take, tell);
      } else {
        line_ += part;
        take_line(line_, take, tell);
        line_.clear();
      }
    }
  }

  [[nodiscard]] const counts& counted() const noexcept { return counts_; }
  [[nodiscard]] const pci_tracker& pci() const noexcept { return pci_; }

 private:
  template <class Take, class Tell>
  void take_line(std::string_view line, Take& take, Tell& tell) {
    status_or<traced_access> access = parse_qemu_trace(line, choice_.ports);
    if (!access) {
      ++(access.code == status::unsupported ? counts_.other : counts_.malformed);
      return;
    }
    ++counts_.accesses;
    // QEMU's q35 has its configuration space in memory; 256 MiB, aligned to its size
    constexpr std::uint64_t ecam_size = 256u << 20;
    if (access->region.starts_with("pcie-mmcfg")) {
      pci_.set_ecam(access->record.address & ~(ecam_size - 1), ecam_size);
    }
    // before it is numbered: configuration is about the address that the guest used
    pci_.note(access->record, tell);
    if (!choose(access->record)) return;
    ++counts_.chosen;
    take(std::as_const(*access));
  }

  /// Numbers an access that was chosen.
  [[nodiscard]] bool choose(hal::access_record& access) const noexcept {
    if (!choice_.bars.empty()) {
      if (const std::optional<bar_location> at = pci_.find(access)) {
        for (std::size_t i = 0; i < choice_.bars.size(); ++i) {
          if (choice_.bars[i] != at->bar) continue;
          access.source = static_cast<std::uint16_t>(i + 1);
          access.address = at->offset;
          return true;
        }
      }
    }
    if (choice_.everything) return true;
    const bool port = access.what == hal::access::in || access.what == hal::access::out;
    for (const address_span& span : choice_.spans) {
      if (span.port == port && span.first <= access.address && access.address <= span.last) return true;
    }
    return false;
  }

  attach_choice choice_;
  pci_tracker pci_;
  counts counts_;
  std::string line_;  // the start of a line whose end has not come
  bool skipping_ = false;
};

}  // namespace shoal::monitor
