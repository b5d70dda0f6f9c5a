// SPDX-License-Identifier: BSL-1.0
//
// How fast the NBD client reads and writes what a server exports: long reads in a row, and 4 KiB requests at
// random, with one and with 32 outstanding. What is there is overwritten.
//
//     $ nbdkit -U disk.sock memory 1G
//     $ nbd_client_bench 'nbd+unix:///?socket=disk.sock' 5        # seconds for each line
//     seq   1 MiB x 8        3000.0 MiB/s    0.300 cpu s/GiB
//     rr1   4 KiB x 1         40000 /s       10.00 cpu us/request
//     ...
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/nbd/uri.hpp>
#include <shoal/net/nbd_client.hpp>
#include <shoal/task/run.hpp>

namespace {

using namespace shoal::literals;
using clock_type = std::chrono::steady_clock;
using shoal::net::nbd_client;

struct load {
  const char* name;
  std::size_t size;  // of a request
  unsigned depth;    // requests outstanding
  bool writes;
  bool random;
};

struct progress {
  clock_type::time_point end;
  std::uint64_t next = 0;  // offset, of requests in a row
  std::uint64_t done = 0;  // requests
};

asio::awaitable<void> worker(nbd_client& disk, load kind, std::uint32_t seed, progress& all) {
  std::mt19937_64 random{seed};
  std::vector<std::byte> content(kind.size, std::byte{1});
  const std::uint64_t places = disk.info().size / kind.size;
  const shoal::bytes_span out{content};
  const shoal::bytes_view in{content};
  while (clock_type::now() < all.end) {
    const std::uint64_t offset = (kind.random ? random() : all.next++) % places * kind.size;
    shoal::task<> request =
        kind.writes ? disk.write(offset, in, shoal::io_flags::none) : disk.read(offset, out);
    const shoal::result<> ended = co_await std::move(request);
    if (!ended) throw std::system_error(ended.error());
    ++all.done;
  }
}

double seconds_of_cpu() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void measure(asio::io_context& context, nbd_client& disk, load kind, double seconds) {
  progress all;
  const auto start = clock_type::now();
  const double cpu = seconds_of_cpu();
  all.end = start + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>{seconds});
  for (std::uint32_t i = 0; i < kind.depth; ++i) {
    asio::co_spawn(context, worker(disk, kind, i, all), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  context.restart();
  context.run();
  const double took = std::chrono::duration<double>(clock_type::now() - start).count();
  const double used = seconds_of_cpu() - cpu;
  const auto requests = static_cast<double>(all.done);
  const double mib = requests * static_cast<double>(kind.size) / 1048576.0;
  if (kind.size >= 1_MiB) {
    std::printf("%-5s 1 MiB x %-2u  %12.1f MiB/s %10.3f cpu s/GiB\n", kind.name, kind.depth, mib / took,
                used / mib * 1024);
  } else {
    std::printf("%-5s 4 KiB x %-2u  %12.0f /s    %10.2f cpu us/request\n", kind.name, kind.depth,
                requests / took, used / requests * 1e6);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  const auto where = shoal::nbd::uri::parse(argc > 1 ? argv[1] : "");
  if (!where) throw std::runtime_error("usage: nbd_client_bench nbd://HOST:PORT/EXPORT [SECONDS]");
  const double seconds = argc > 2 ? std::stod(argv[2]) : 3;
  asio::io_context context{1};
  const shoal::nbd::export_wish wish{.name = where->export_name};
  auto opened = shoal::run(context, nbd_client::open(shoal::net::route_to(*where), wish, {}));
  if (!opened) throw std::system_error(opened.error(), argv[1]);
  for (const load& each : {load{"seq", 1_MiB, 8, false, false}, load{"rr1", 4096, 1, false, true},
                           load{"rr32", 4096, 32, false, true}, load{"rw32", 4096, 32, true, true}}) {
    measure(context, *opened, each, seconds);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "nbd_client_bench: %s\n", error.what());
  return 1;
}
