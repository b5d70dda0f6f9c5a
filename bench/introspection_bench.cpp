// SPDX-License-Identifier: BSL-1.0
//
// introspection_bench: what it costs to read a kernel from outside, on the RAM of a guest in a file.
//
//     introspection_bench guest.ram [ROUNDS]
//
// Printed are medians of rounds that measure each variant in turn: a number of eight bytes read by its virtual
// address, with and without the cache of translations, in the kernel's data, which has pages of 2 MiB, and in a
// page of 4 KiB, which takes a level more; the list of tasks with pid and comm of each; finding the kernel, by
// its memory alone and by a profile; a check of everything.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <shoal/openssl/digester.hpp>
#include <shoal/os/linux/introspected_memory.hpp>
#include <shoal/vmi/linux/kernel_check.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

using ram = linux_os::introspected_memory;

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct variant {
  std::string name;
  std::string unit;
  double scale;  ///< units in a second, for what is done once
  std::size_t times;
  std::function<void()> run;
  std::vector<double> taken;
};

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What the compiler must not leave out.
volatile std::uint64_t result_of_all;

/// The first page of 4 KiB in the kernel's half, page 0 where there is none.
virtual_address small_page(const address_space<ram>& space, std::uint64_t from) {
  constexpr int enough = 1'000'000;
  for (int i = 0; i < enough && from != 0; ++i) {
    const translation at = space.translate(virtual_address{from});
    if (at.code == status::ok && at.shift == 12) return virtual_address{from};
    from = ((from >> at.shift) + 1) << at.shift;
  }
  return {};
}

/// Reads the 512 numbers of a page, so many times.
template <class Space>
void read_numbers(Space& space, virtual_address page, std::size_t times) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < times; ++i) sum += read_number<std::uint64_t>(space, page + i % 512 * 8).value;
  result_of_all = sum;
}

template <class Space, class Layout>
std::size_t read_list(Space& space, const Layout& layout, virtual_address init) {
  std::size_t tasks = 1;
  std::uint64_t sum = 0;
  std::array<char, 16> text{};
  list_walk walk{space, init + layout.template field<"tasks">().offset, max_tasks};
  while (const status_or<virtual_address> node = walk.next()) {
    const object task{space, layout, layout.template owner<"tasks">(*node)};
    sum += task.template number<"pid">().value + task.template text<"comm">(text).value.size();
    ++tasks;
  }
  result_of_all = sum;
  return tasks;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: introspection_bench RAMFILE [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 51;
  auto memory = ram::of_file(argv[1]);
  if (!memory) return std::fprintf(stderr, "%s: %s\n", argv[1], memory.error().message().c_str()), 1;
  auto kernel = linux_kernel<ram>::attach(*memory);
  if (!kernel) return std::fprintf(stderr, "%s: %s\n", argv[1], kernel.error().message().c_str()), 1;
  const auto layout = task_layout::resolve(kernel->types());
  const auto init = kernel->symbol("init_task");
  if (!layout || !init) return std::fprintf(stderr, "no tasks\n"), 1;

  address_space<ram> bare{*memory, kernel->place().format, kernel->place().root};
  auto& cached = kernel->space();
  const virtual_address page{value(*init) / 4096 * 4096};
  const bool five = kernel->place().format == paging::x86_64_5;
  const virtual_address small = small_page(bare, five ? 0xff00'0000'0000'0000 : 0xffff'8000'0000'0000);
  const openssl::digester digester;
  const std::size_t tasks = read_list(cached, layout->task, *init);
  (void)check_kernel(*kernel, digester);
  const std::vector<std::byte> profile = kernel->profile().encode();
  constexpr std::size_t reads = 50'000;
  constexpr std::size_t lists = 200;
  const auto lists_of = [&](auto& space) {
    for (std::size_t i = 0; i < lists; ++i) read_list(space, layout->task, *init);
  };
  std::vector<variant> variants;
  const auto add = [&](std::string name, std::string unit, double scale, std::size_t times,
                       std::function<void()> run) {
    variants.push_back({std::move(name), std::move(unit), scale, times, std::move(run), {}});
  };
  add("read, cached", "ns", 1e9, reads, [&] { read_numbers(cached, page, reads); });
  add("read, each walked", "ns", 1e9, reads, [&] { read_numbers(bare, page, reads); });
  add("the same, in a page of 4 KiB", "ns", 1e9, reads, [&] { read_numbers(bare, small, reads); });
  add("list of tasks, cached", "us", 1e6, lists, [&] { lists_of(cached); });
  add("list of tasks, each read walked", "us", 1e6, lists, [&] { lists_of(bare); });
  add("check of everything", "ms", 1e3, 1, [&] { result_of_all = check_kernel(*kernel, digester).size(); });
  add("find the kernel", "ms", 1e3, 1, [&] { result_of_all = linux_kernel<ram>::attach(*memory).has_value(); });
  add("find it by its profile", "ms", 1e3, 1, [&] {
    auto known = kernel_profile::decode(profile);
    result_of_all = known && linux_kernel<ram>::attach(*memory, std::move(*known));
  });
  add("open the file", "ms", 1e3, 1, [&] { result_of_all = ram::of_file(argv[1]).has_value(); });

  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < variants.size(); ++i) {
      variant& each = variants[(i + static_cast<std::size_t>(round)) % variants.size()];
      each.taken.push_back(seconds(each.run) / static_cast<double>(each.times));
    }
  }
  std::printf("%s\n%zu tasks, %zu levels of tables, medians of %d rounds\n", kernel->banner().c_str(), tasks,
              five ? std::size_t{5} : std::size_t{4}, rounds);
  for (const variant& each : variants) {
    std::printf("%-32s %9.2f %s\n", each.name.c_str(), median(each.taken) * each.scale, each.unit.c_str());
  }
}
