// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/infer_tasks.hpp>

#include <array>
#include <cstdint>
#include <string_view>

#include <doctest/doctest.h>

#include <shoal/vmi/linux/task_list.hpp>

#include "../synthetic.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::synthetic_space;

namespace {

/// Where fields are.
struct shape {
  pointer_width width;
  std::uint32_t flags, tasks, mm, pid, parent, cred, comm;
  std::uint32_t uid, permitted;
};
constexpr shape armv7{pointer_width::four, 1056, 1440, 1480, 1584, 1596, 1912, 1920, 4, 48};
constexpr shape linux_4_9{pointer_width::eight, 20, 1104, 1184, 1320, 1336, 1768, 1776, 4, 48};
constexpr shape linux_6_1{pointer_width::eight, 44, 2192, 2272, 2416, 2432, 2960, 2976, 8, 52};
constexpr shape linux_6_12{pointer_width::eight, 44, 2224, 2304, 2432, 2448, 2960, 2976, 8, 56};

/// Six tasks: the idle one, init, kthreadd, a thread of the kernel, two programs.
class guest {
 public:
  static constexpr std::size_t tasks = 6;
  synthetic_space space;

  explicit guest(const shape& s) : space(s.width), s_(s) {
    constexpr std::array<std::string_view, tasks> names{"swapper/0", "init", "kthreadd",
                                                        "rcu_gp",    "sh",   "sleep"};
    constexpr std::array<std::size_t, tasks> parents{0, 0, 0, 2, 1, 4};
    for (std::uint32_t i = 0; i < tasks; ++i) {
      const bool program = i == 1 || i > 3;
      for (std::uint64_t at = 0; at < 3072; at += 8) space.bytes.put(task(i) + at, std::uint64_t{0});
      space.bytes.put(task(i) + s.flags, program ? 0x40'0100u : 0x20'8040u);
      put(i, s.tasks, task((i + 1) % tasks) + s.tasks);
      put(i, s.tasks + width(), task((i + tasks - 1) % tasks) + s.tasks);
      if (program) put(i, s.mm, task(i) + 0x800);
      put(i, s.mm + width(), task(i) + (program ? 0x800 : 0x900));
      const std::uint32_t pid = i < 3 ? i : 10 + i;
      space.bytes.put(task(i) + s.pid, pid);
      space.bytes.put(task(i) + s.pid + 4, pid);
      put(i, s.parent, task(parents[i]));
      put(i, s.parent + width(), task(parents[i]));
      put(i, s.parent + 2 * width(), task(i == 0 ? 1 : i) + s.parent + (i == 0 ? 4 : 2) * width());
      put(i, s.parent + 6 * width(), task(i));
      put(i, s.cred - width(), cred(i));
      put(i, s.cred, cred(i));
      space.bytes.text(task(i) + s.comm, names[i]);
      for (std::uint64_t at = 0; at < 128; at += 8) space.bytes.put(cred(i) + at, std::uint64_t{0});
      space.bytes.put(cred(i), std::uint32_t{3});
      for (std::uint64_t id = 0; id < 8; ++id)
        space.bytes.put(cred(i) + s.uid + 4 * id, i == 5 ? std::uint32_t{1000} : std::uint32_t{0});
      for (std::uint64_t right = 0; right < 3; ++right)
        space.bytes.put(cred(i) + s.permitted + 8 * right, std::uint64_t{0x1ff'ffff'ffff});
    }
  }

  void put(std::size_t i, std::uint64_t field, std::uint64_t pointer) {
    if (s_.width == pointer_width::eight) {
      space.bytes.put(task(i) + field, pointer);
    } else {
      space.bytes.put(task(i) + field, static_cast<std::uint32_t>(pointer));
    }
  }
  [[nodiscard]] std::uint64_t width() const { return static_cast<std::uint64_t>(s_.width); }
  [[nodiscard]] std::uint64_t task(std::size_t i) const {
    return (s_.width == pointer_width::eight ? 0xffff'8880'0100'0000 : 0xc140'0000) + 0x4000 * i;
  }
  [[nodiscard]] std::uint64_t cred(std::size_t i) const { return task(i) + 0x3000; }
  [[nodiscard]] std::optional<inferred_tasks> infer() {
    return infer_tasks(space, virtual_address{task(0) + s_.comm});
  }

 private:
  shape s_;
};

}  // namespace

TEST_CASE("fields of tasks are found in kernels of several versions and widths") {
  for (const shape& s : {armv7, linux_4_9, linux_6_1, linux_6_12}) {
    CAPTURE(s.comm);
    guest guest{s};
    const auto found = guest.infer();
    REQUIRE(found);
    CHECK(value(found->init_task) == guest.task(0));
    const auto layout = task_layout::resolve(found->types);
    REQUIRE(layout);
    CHECK(layout->task.field<"mm">().offset == s.mm);
    CHECK(layout->cred.field<"fsuid">().offset == s.uid + 24);
    CHECK(layout->cred.field<"cap_effective">().offset == s.permitted + 8);
    const task_list all = read_tasks(guest.space, *layout, found->init_task);
    CHECK(all.end == walk_end::complete);
    REQUIRE(all.tasks.size() == guest::tasks);
    CHECK(all.tasks[5].comm == "sleep");
    CHECK(all.tasks[5].pid == 15);
    CHECK(all.tasks[5].parent_pid == 14);
    REQUIRE(all.tasks[5].cred);
    CHECK(all.tasks[5].cred->uid == 1000);
    CHECK(all.tasks[3].kernel_thread);
    CHECK_FALSE(all.tasks[4].kernel_thread);
    CHECK(all.tasks[4].start_time == 0);  // nobody can tell
  }
}

TEST_CASE("a field that does not fit is the end of it") {
  const shape& s = linux_6_1;
  const auto fails = [](auto&& change) {
    guest changed{linux_6_1};
    change(changed);
    return !changed.infer();
  };
  CHECK_FALSE(fails([](guest&) {}));
  CHECK(fails([&](guest& g) { g.space.bytes.text(g.task(2) + s.comm, "kthreade"); }));
  CHECK(fails([&](guest& g) { g.put(5, s.tasks, g.task(3) + s.tasks); }));                      // torn
  CHECK(fails([&](guest& g) { g.space.bytes.put(g.task(4) + s.pid + 4, std::uint32_t{9}); }));  // not its tgid
  CHECK(fails([&](guest& g) { g.put(4, s.parent + 48, g.task(3)); }));  // led by another
  CHECK(fails([&](guest& g) { g.put(2, s.mm, g.task(2)); }));
  CHECK(fails([&](guest& g) { g.space.bytes.put(g.task(3) + s.flags, std::uint32_t{0}); }));
  CHECK(fails([&](guest& g) { g.space.bytes.put(g.cred(0) + s.permitted, std::uint64_t{1}); }));
  CHECK(fails([&](guest& g) { g.put(3, s.cred, 0); }));
}

TEST_CASE("memory that leads to itself costs a bounded number of reads") {
  for (const pointer_width width : {pointer_width::four, pointer_width::eight}) {
    synthetic_space space{width};
    constexpr std::uint64_t base = 0xc000'0000;
    // each word is the head of an endless list in which all are called kthreadd
    for (std::uint64_t at = 0; at < 0x4000; at += 16) space.bytes.text(base + at, "kthreadd");
    for (std::uint64_t at = 0; at < 0x4000; at += 4) space.bytes.put(base + at, std::uint32_t{0xc000'0010});
    CHECK_FALSE(infer_tasks(space, virtual_address{base + 0x3000}));
    CHECK(space.reads < 1'000'000);
  }
  synthetic_space nothing;
  CHECK_FALSE(infer_tasks(nothing, virtual_address{0}));
  CHECK_FALSE(infer_tasks(nothing, virtual_address{~std::uint64_t{0}}));
}
