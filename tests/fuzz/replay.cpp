// SPDX-License-Identifier: BSL-1.0
//
// replay: runs a fuzz target without a fuzzer. Feeds it each file of a saved corpus, each again cut short and
// with bytes changed, and some bytes of no meaning. The changes come from a fixed seed, so a failure comes
// back.
//
//     fuzz_cid tests/fuzz/corpus/cid       every file of a folder
//     fuzz_cid found/crash-1234            one file
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using input = std::vector<std::uint8_t>;

std::size_t runs = 0;

void run(const input& bytes) {
  // a copy of just this size: a read past the end is a read past an allocation
  const input exact(bytes);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  ++runs;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) return {path};
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

input load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void run_changed(const input& seed, std::mt19937& random) {
  constexpr int changes = 32;
  for (int i = 0; i < changes && !seed.empty(); ++i) {
    input changed(seed);
    if (i % 2 == 0) changed.resize(random() % seed.size());
    for (std::uint32_t flips = random() % 4; flips > 0 && !changed.empty(); --flips) {
      changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
    }
    run(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937 random{5};
  run({});
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : files_of(argv[i])) {
      const input bytes = load(path);
      run(bytes);
      run_changed(bytes, random);
    }
  }
  for (std::size_t i = 0; i < 256; ++i) {
    input noise(random() % 256);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
    run(noise);
  }
  std::printf("%zu runs\n", runs);
  return 0;
}
