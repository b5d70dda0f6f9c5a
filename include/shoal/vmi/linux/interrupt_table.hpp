// SPDX-License-Identifier: BSL-1.0
//
// interrupt_table: the gates by which a processor with x86-64 enters the Linux kernel on an exception or an
// interrupt (Intel SDM volume 3, 6.14.1): each has to lead into the kernel's own code, and where it led before.
//
//     const auto gates = read_interrupt_table(kernel, symbols.find("idt_table")->address);
//     if (gates) for (const finding& each : check_interrupt_table(*gates, names)) alert(each);
//
// It looks at the table that the kernel made. Registers are not in memory: who loads another table, or another
// address for system calls, is found by the code that was changed for it, or not at all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/finding.hpp>
#include <shoal/vmi/linux/code_names.hpp>

namespace shoal::vmi {

inline constexpr std::size_t interrupt_vectors = 256;

/// Where each gate leads; zero for one that is not present.
using interrupt_table = std::array<virtual_address, interrupt_vectors>;

/// out_of_range when it cannot be read.
template <virtual_memory Space>
[[nodiscard]] result<interrupt_table> read_interrupt_table(Space& space, virtual_address at) {
  constexpr std::size_t gate_size = 16;
  std::array<std::byte, interrupt_vectors * gate_size> bytes{};
  const status read = space.read(at, bytes);
  if (read != status::ok) return make_error_code(read);
  interrupt_table table{};
  for (std::size_t i = 0; i < interrupt_vectors; ++i) {
    const std::uint64_t low = load_le<std::uint64_t>(bytes.data() + gate_size * i);
    const std::uint64_t high = load_le<std::uint32_t>(bytes.data() + gate_size * i + 8);
    const bool present = (low >> 47 & 1) != 0;
    if (present) table[i] = virtual_address{(low & 0xffff) | (low >> 48 << 16) | high << 32};
  }
  return table;
}

/// @param before  a table of a time when all was well; null when nothing is known
[[nodiscard]] inline std::vector<finding> check_interrupt_table(const interrupt_table& table,
                                                                const code_names& names,
                                                                const interrupt_table* before = nullptr) {
  // Vectors that no processor raises keep the gates of the boot, though that code is gone.
  const std::optional<kernel_range> left_from_boot = names.part("early_idt_handler_array");
  std::vector<finding> out;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const bool present = value(table[i]) != 0;
    std::string why;
    const bool is_left = left_from_boot && left_from_boot->contains(table[i]);
    if (present && !names.in_text(table[i]) && !is_left) {
      why = "leads out of the kernel's code";
    } else if (before != nullptr && (*before)[i] != table[i]) {
      why = value((*before)[i]) == 0 ? "was not there" : "was " + names.describe((*before)[i]);
    } else {
      continue;
    }
    out.push_back({finding_kind::interrupt_gate, table[i], "interrupt " + std::to_string(i),
                   (present ? names.describe(table[i]) : std::string{"absent"}) + ": " + why});
  }
  return out;
}

}  // namespace shoal::vmi
