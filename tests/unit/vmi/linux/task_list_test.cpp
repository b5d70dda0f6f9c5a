// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/task_list.hpp>

#include <doctest/doctest.h>

#include "synthetic_kernel.hpp"

using namespace shoal;
using namespace shoal::vmi;
using shoal::vmi::tests::kernel_layouts;
using shoal::vmi::tests::synthetic_kernel;

TEST_CASE("tasks are read with what ps prints of them") {
  synthetic_kernel kernel{5};
  const auto layout = task_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  kernel.space.bytes.text(synthetic_kernel::at(3) + 0x28, "a\nb\\");
  kernel.put(synthetic_kernel::at(4) + 0x48, synthetic_kernel::at(3));
  const task_list all = read_tasks(kernel.space, *layout, kernel.places.init_task);
  CHECK(all.end == walk_end::complete);
  REQUIRE(all.tasks.size() == 5);
  CHECK(all.tasks[0].subject() == "pid 0 (swapper/0)");
  CHECK(all.tasks[2].kernel_thread);
  CHECK_FALSE(all.tasks[3].kernel_thread);
  CHECK(all.tasks[3].subject() == "pid 3 (a\\x0ab\\x5c3)");
  REQUIRE(all.tasks[3].cred);
  CHECK(all.tasks[3].cred->uid == 1003);
  CHECK(all.tasks[3].cred->fsuid == 1003);
  CHECK(all.tasks[4].parent == all.tasks[3].address);
  CHECK(all.tasks[4].start_time == 4000);
  CHECK(all.at(synthetic_kernel::task(2)) == &all.tasks[2]);
  CHECK(all.at(virtual_address{}) == nullptr);
}

TEST_CASE("a kernel has started when its first process runs a program") {
  const auto layout = task_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  synthetic_kernel kernel{3};
  const auto is_started = [&] {
    return read_tasks(kernel.space, *layout, kernel.places.init_task).is_started();
  };
  CHECK_FALSE(is_started());
  kernel.put(synthetic_kernel::at(2) + 0x38, synthetic_kernel::base);  // a helper of the kernel's
  CHECK_FALSE(is_started());
  kernel.put(synthetic_kernel::at(1) + 0x38, synthetic_kernel::base);
  CHECK(is_started());
  CHECK_FALSE(task_list{}.is_started());
}

TEST_CASE("a task that cannot be read ends the list, credentials that cannot be read do not") {
  const auto layout = task_layout::resolve(kernel_layouts());
  REQUIRE(layout);
  synthetic_kernel kernel{5};
  kernel.put(synthetic_kernel::at(3) + 0x58, 0);
  const task_list all = read_tasks(kernel.space, *layout, kernel.places.init_task);
  CHECK(all.end == walk_end::complete);
  CHECK_FALSE(all.tasks[3].cred);
  CHECK(all.tasks[4].cred);
  CHECK(read_tasks(kernel.space, *layout, virtual_address{0x1000}).end == walk_end::unreadable);
  kernel.ring(
      {synthetic_kernel::at(0) + 0x10, synthetic_kernel::at(1) + 0x10, synthetic_kernel::base + 0x7ff0});
  CHECK(read_tasks(kernel.space, *layout, kernel.places.init_task).end == walk_end::unreadable);
  CHECK_FALSE(task_layout::resolve(given_types{}));
}
