// SPDX-License-Identifier: BSL-1.0
//
// How fast the chunkers cut random bytes that are in memory, beside the SHA-256 of the same bytes by OpenSSL in
// pieces of 256 KiB: an import does both to each byte, so a chunker should be far from half of the work.
//
//     $ chunker_bench --benchmark_enable_random_interleaving --benchmark_repetitions=9
//     ...
//     chunker                 GB/s    of SHA-256
//     buzhash                 8.48          4.04
//     ...
//
// The table at the end has the medians of the repetitions; the arguments above mix their order, so that
// whatever else the machine does meets all of them. Each chunker's name also says how long its chunks were on
// average.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <shoal/base/bytes.hpp>
#include <shoal/content/chunker/any_chunker.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/openssl/digester.hpp>

namespace {

using namespace shoal::literals;
using shoal::bytes_view;

constexpr std::size_t input_size = 64_MiB;
constexpr std::size_t piece_size = 256_KiB;
const std::string reference = "SHA-256 (OpenSSL)";

/// Random bytes. More than a CPU caches, as what is imported comes from memory.
bytes_view input() {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> made(input_size);
    std::mt19937_64 random{1};
    for (std::byte& b : made) b = static_cast<std::byte>(random());
    return made;
  }();
  return bytes;
}

void hash(benchmark::State& state) {
  shoal::openssl::digester digester;
  std::array<std::byte, 32> digest{};
  for (auto _ : state) {
    for (bytes_view rest = input(); !rest.empty(); rest = rest.subspan(piece_size)) {
      if (digester.digest(shoal::hash_code::sha2_256, rest.first(piece_size), digest) != shoal::status::ok) {
        state.SkipWithError("no SHA-256");
      }
    }
    benchmark::DoNotOptimize(digest);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(input_size) * state.iterations());
}

void cut(benchmark::State& state, shoal::any_chunker chunker) {
  std::size_t chunks = 0;
  for (auto _ : state) {
    chunks = 0;
    for (bytes_view rest = input(); !rest.empty(); ++chunks) rest = rest.subspan(chunker.next_cut(rest, true));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(input_size) * state.iterations());
  state.counters["KiB/chunk"] = static_cast<double>(input_size) / 1024 / static_cast<double>(chunks);
}

/// Shows the runs as usual and keeps each benchmark's speeds for the table.
class ratio_reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
        speeds_[run.run_name.function_name].push_back(run.counters.at("bytes_per_second"));
      }
    }
  }

  void print_table() {
    const double sha256 = median(reference);
    std::printf("\n%-20s %7s %13s\n", "chunker", "GB/s", "of SHA-256");
    for (const auto& [name, speeds] : speeds_) {
      std::printf("%-20s %7.2f %13.2f\n", name.c_str(), median(name) / 1e9, median(name) / sha256);
    }
  }

 private:
  double median(const std::string& name) {
    std::vector<double>& speeds = speeds_[name];
    if (speeds.empty()) return 0;
    const auto middle = speeds.begin() + static_cast<std::ptrdiff_t>(speeds.size() / 2);
    std::nth_element(speeds.begin(), middle, speeds.end());
    return *middle;
  }

  std::map<std::string, std::vector<double>> speeds_;  // bytes a second
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  input();  // made now, so that no run pays for it
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RegisterBenchmark(reference.c_str(), hash)->Unit(benchmark::kMillisecond);
  for (const char* name : {"buzhash", "fastcdc-256K", "fastcdc-64K", "fastcdc-16K", "rabin"}) {
    const shoal::result<shoal::any_chunker> chunker = shoal::any_chunker::parse(name);
    if (!chunker) return 1;
    benchmark::RegisterBenchmark(name, cut, *chunker)->Unit(benchmark::kMillisecond);
  }
  ratio_reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_table();
}
