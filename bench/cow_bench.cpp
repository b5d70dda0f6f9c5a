// SPDX-License-Identifier: BSL-1.0
//
// What a copy-on-write overlay costs: random 4 KiB requests, 32 outstanding, on a device alone and with an
// overlay on it, in turns. Each line gives the medians of the rounds and the median of the rounds' ratios.
//
//     $ cow_bench                        # files in the temporary directory
//     $ TMPDIR=/mnt/disk cow_bench       # files elsewhere
//     base      request                    alone/s   overlay/s   ratio
//     memory    read                       2406678     2538304    1.06
//     memory    write                      2463041     2419031    0.98
//     ...
//
// "file" has a sparse file on top, "file+mem" memory. How fast a file takes writes depends on how it was
// filled, which is the file system's doing and not the overlay's: the line to look at for "file" is the one
// about reads.
//
// Reads go the way a server takes: lend, else try, else wait; what is lent is copied, as a socket would do.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/os/posix/file_device.hpp>
#include <shoal/task/io_pool.hpp>

namespace {

using namespace shoal::literals;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::cow;
using shoal::io_flags;
using shoal::lease;
using shoal::memory_device;
using shoal::result;
using shoal::posix::file_device;

constexpr std::uint64_t device_size = 256_MiB;
constexpr std::size_t request_size = 4096;
constexpr std::size_t depth = 32;
constexpr std::size_t rounds = 101;  // short and many: whatever else the machine does meets both sides

enum class request { read, write };

struct work {
  request kind;
  std::size_t count;
  std::uint32_t seed;
};

template <shoal::block_device D>
bool at_once(D& device, request kind, std::uint64_t offset, bytes_span buffer) {
  if (kind == request::write) {
    if constexpr (shoal::can_try_write<D>) return device.try_write(offset, buffer, io_flags::none);
    return false;
  }
  if constexpr (shoal::can_lend<D>) {
    if (const lease lent = device.try_lend(offset, buffer.size()); lent.size() == buffer.size()) {
      std::memcpy(buffer.data(), lent.bytes().data(), buffer.size());
      return true;
    }
  }
  if constexpr (shoal::can_try_read<D>) return device.try_read(offset, buffer);
  return false;
}

template <shoal::block_device D>
asio::awaitable<void> worker(D& device, work todo) {
  std::minstd_rand random{todo.seed};
  std::array<std::byte, request_size> content{};
  const bytes_span buffer{content};
  for (std::size_t i = 0; i < todo.count; ++i) {
    const std::uint64_t offset = random() % (device_size / request_size) * request_size;
    if (at_once(device, todo.kind, offset, buffer)) continue;
    result<> ended;
    if (todo.kind == request::read) {
      ended = co_await device.read(offset, buffer);
    } else {
      const bytes_view in{buffer};
      ended = co_await device.write(offset, in, io_flags::none);
    }
    if (!ended) throw std::system_error(ended.error());
  }
}

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

/// Requests a second.
template <shoal::block_device D>
double measure(D& device, request kind, std::size_t count, std::uint32_t seed) {
  asio::io_context context;
  for (std::uint32_t i = 0; i < depth; ++i) {
    asio::co_spawn(context, worker(device, {kind, count / depth, seed * 1000 + i + 1}), rethrow);
  }
  const auto start = std::chrono::steady_clock::now();
  context.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(count / depth * depth) / took.count();
}

// Of two speeds over the same distance.
double mean(double a, double b) {
  return 2 / (1 / a + 1 / b);
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <shoal::block_device Alone, shoal::block_device Overlay>
void compare(const char* base, const char* name, Alone& alone, Overlay& overlay, request kind,
             std::size_t count) {
  std::vector<double> one, two, ratios;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    // There and back again, so that neither side profits from its place in the order.
    const double first = measure(alone, kind, count, 2 * round);
    const double second = measure(overlay, kind, count, 2 * round);
    const double third = measure(overlay, kind, count, 2 * round + 1);
    const double fourth = measure(alone, kind, count, 2 * round + 1);
    one.push_back(mean(first, fourth));
    two.push_back(mean(second, third));
    ratios.push_back(two.back() / one.back());
  }
  std::printf("%-9s %-22s %11.0f %11.0f %7.2f\n", base, name, median(one), median(two), median(ratios));
  std::fflush(stdout);
}

template <shoal::block_device D>
void fill(D& device) {
  asio::io_context context;
  const std::vector<std::byte> content(1_MiB, std::byte{1});
  const auto write_all = [](D& to, bytes_view in) -> asio::awaitable<void> {
    for (std::uint64_t offset = 0; offset < device_size; offset += in.size()) {
      const result<> written = co_await to.write(offset, in, io_flags::none);
      if (!written) throw std::system_error(written.error());
    }
  };
  asio::co_spawn(context, write_all(device, content), rethrow);
  context.run();
}

/// `make` gives an empty device, and `make_top` what is on top of the overlay.
template <class Make, class MakeTop>
void compare_on(const char* base, Make make, MakeTop make_top, std::size_t count) {
  auto alone = make();
  auto below = make();
  fill(alone);
  fill(below);
  cow overlay{std::move(below), make_top()};
  compare(base, "read", alone, overlay, request::read, count);
  compare(base, "write", alone, overlay, request::write, count);
  compare(base, "read what was written", alone, overlay, request::read, count);
}

file_device sparse_file(const std::filesystem::path& directory, shoal::io_pool& pool) {
  result<file_device> made = file_device::create_temporary(directory, device_size, pool);
  if (!made) throw std::system_error(made.error(), directory.string());
  return *std::move(made);
}

}  // namespace

int main() try {
  shoal::io_pool pool{4};
  const std::filesystem::path directory = std::filesystem::temp_directory_path();
  const auto memory = [] { return memory_device{device_size}; };
  const auto file = [&] { return sparse_file(directory, pool); };
  std::printf("%-9s %-22s %11s %11s %7s\n", "base", "request", "alone/s", "overlay/s", "ratio");
  compare_on("memory", memory, memory, 40000);
  compare_on("file", file, file, 10000);
  compare_on("file+mem", file, memory, 10000);
} catch (const std::exception& error) {
  std::fprintf(stderr, "cow_bench: %s\n", error.what());
  return 1;
}
