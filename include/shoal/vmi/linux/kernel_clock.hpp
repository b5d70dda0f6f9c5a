// SPDX-License-Identifier: BSL-1.0
//
// kernel_clock: by which of several kernels in one memory the one that runs is known. A machine that boots
// again keeps its memory, and in it, whole for a while, the kernel that ran before.
//
//     const std::optional<kernel_clock> clock = read_clock(space, symbols, types);
//     if (clock && before && clock->ticks != before->ticks) runs();
//
// A kernel that is gone has stopped clocks, and of two that have stopped, in a dump or a machine that is
// paused, the later one was set by the other. Leaves out kernels without symbols for their data.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <shoal/vmi/kernel_list.hpp>
#include <shoal/vmi/object.hpp>
#include <shoal/vmi/symbol_table.hpp>

namespace shoal::vmi {

struct kernel_clock {
  std::uint64_t ticks = 0;    ///< jiffies_64; 0 where it is not told
  std::uint64_t seconds = 0;  ///< since 1970, as the kernel keeps it; 0 where it is not told
};

/// Whether a number may be jiffies_64. Linux begins it 300 s before 2^32 (INITIAL_JIFFIES in
/// include/linux/jiffies.h), at 1,024 a second at most.
[[nodiscard]] constexpr bool may_be_ticks(std::uint64_t number) noexcept {
  constexpr std::uint64_t earliest = (std::uint64_t{1} << 32) - std::uint64_t{300} * 1024;
  constexpr std::uint64_t latest = std::uint64_t{1} << 48;
  return number >= earliest && number < latest;
}

/// Nothing where the list of tasks does not begin as one does, or the time is none: of a kernel that was
/// overwritten.
template <virtual_memory Space, type_source Types>
[[nodiscard]] std::optional<kernel_clock> read_clock(Space& space, const symbol_table& symbols,
                                                     const Types& types) {
  constexpr std::uint64_t latest = std::uint64_t{1} << 34;  // in the year 2514
  kernel_clock out;
  if (const std::optional<symbol> at = symbols.find("jiffies_64")) {
    const status_or<std::uint64_t> ticks = read_number<std::uint64_t>(space, at->address);
    if (!ticks || !may_be_ticks(*ticks)) return std::nullopt;
    out.ticks = *ticks;
  }
  const auto layout =
      record<"timekeeper", "xtime_sec", "ktime_sec", "wall_to_monotonic.tv_sec">::resolve(types);
  if (const std::optional<symbol> at = symbols.find("shadow_timekeeper"); at && layout) {
    const object keeper{space, *layout, at->address};
    const auto seconds = keeper.template number<"xtime_sec">();
    const auto since_boot = keeper.template number<"ktime_sec">();
    const auto between = keeper.template number<"wall_to_monotonic.tv_sec">();
    if (!seconds || !since_boot || !between || *seconds >= latest) return std::nullopt;
    // what was written over them does not add up (tk_update_ktime_data in kernel/time/timekeeping.c)
    const std::uint64_t carried = *since_boot - (*seconds + *between);
    if (carried <= 1) out.seconds = *seconds;
  }
  const auto task = record<"task_struct", "tasks">::resolve(types);
  if (const std::optional<symbol> at = symbols.find("init_task"); at && task) {
    list_walk tasks{space, object{space, *task, at->address}.template address_of<"tasks">(), 1};
    if (!tasks.next() && tasks.end() != walk_end::complete) return std::nullopt;
  }
  return out;
}

}  // namespace shoal::vmi
