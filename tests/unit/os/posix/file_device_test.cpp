// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/file_device.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/test/block_device_conformance.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/run.hpp>

#include "../../temporary_folder.hpp"

namespace {

using namespace shoal::literals;
using shoal::errc;
using shoal::extent;
using shoal::io_flags;
using shoal::io_pool;
using shoal::result;
using shoal::posix::file_device;
using shoal::test::run;
namespace fs = std::filesystem;

// A directory that goes when the test ends.
struct scratch : temporary_folder {
  using temporary_folder::temporary_folder;

  /// A file that holds the pattern.
  [[nodiscard]] fs::path file(std::size_t size) const {
    std::vector<std::byte> content(size);
    shoal::test::pattern_device::fill(0, content);
    const fs::path name = path / "disk.img";
    std::ofstream{name, std::ios::binary}.write(reinterpret_cast<const char*>(content.data()),
                                                static_cast<std::streamsize>(size));
    return name;
  }
};

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> content(size);
  shoal::test::pattern_device::fill(0, content);
  return content;
}

file_device fresh(const fs::path& directory, std::uint64_t size, io_pool& pool) {
  result<file_device> made = file_device::create_temporary(directory, size, pool);
  REQUIRE(made);
  return *std::move(made);
}

TEST_CASE("a file is a block device") {
  io_pool pool{2};
  shoal::test::conforms_to_block_device([&] { return fresh(fs::temp_directory_path(), 128_KiB, pool); });
}

TEST_CASE("a file in memory is a block device") {
  if (!fs::is_directory("/dev/shm")) {
    MESSAGE("skipped: no /dev/shm here");
    return;
  }
  io_pool pool{2};
  shoal::test::conforms_to_block_device([&] { return fresh("/dev/shm", 128_KiB, pool); });
}

TEST_CASE("a file of an odd size is a block device") {
  io_pool pool{2};
  shoal::test::conforms_to_block_device([&] { return fresh(fs::temp_directory_path(), 100001, pool); });
}

TEST_CASE("an overlay of a file on a sparse file is a block device") {
  io_pool pool{2};
  shoal::test::conforms_to_block_device([&] {
    return shoal::cow{fresh(fs::temp_directory_path(), 64_KiB, pool),
                      fresh(fs::temp_directory_path(), 64_KiB, pool)};
  });
}

TEST_CASE("a file opened read-only is a block source that refuses changes") {
  io_pool pool{2};
  const scratch place;
  const fs::path name = place.file(100000);
  shoal::test::conforms_to_block_source(
      [&] {
        result<file_device> opened = file_device::open(name, {.read_only = true}, pool);
        REQUIRE(opened);
        return *std::move(opened);
      },
      pattern(100000));
}

TEST_CASE("what was written is in the file") {
  io_pool pool{1};
  const scratch place;
  const fs::path name = place.file(8192);
  {
    result<file_device> disk = file_device::open(name, {}, pool);
    REQUIRE(disk);
    const std::vector<std::byte> in(100, std::byte{'x'});
    CHECK(run(disk->write(5000, in, io_flags::none)));
  }
  std::ifstream file{name, std::ios::binary};
  file.seekg(5000);
  std::string found(100, ' ');
  file.read(found.data(), 100);
  CHECK(found == std::string(100, 'x'));
  CHECK(fs::file_size(name) == 8192);
}

TEST_CASE("one writer or many readers: who comes late is told that the file is busy") {
  io_pool pool{1};
  const scratch place;
  const fs::path name = place.file(8192);
  {
    const result<file_device> writer = file_device::open(name, {}, pool);
    REQUIRE(writer);
    CHECK(file_device::open(name, {}, pool).error() == errc::busy);
    CHECK(file_device::open(name, {.read_only = true}, pool).error() == errc::busy);
    CHECK(file_device::open(name, {.read_only = true, .lock = false}, pool));
  }
  const result<file_device> reader = file_device::open(name, {.read_only = true}, pool);
  CHECK(reader);
  CHECK(file_device::open(name, {.read_only = true}, pool));
  CHECK(file_device::open(name, {}, pool).error() == errc::busy);
}

TEST_CASE("what cannot be opened says why") {
  io_pool pool{1};
  const scratch place;
  CHECK(file_device::open(place.path / "none", {}, pool).error() == std::errc::no_such_file_or_directory);
  CHECK(file_device::open(place.path, {.read_only = true}, pool).error() == std::errc::is_a_directory);
  CHECK(file_device::open(place.path, {}, pool).error() == std::errc::is_a_directory);
  CHECK(file_device::open("/dev/null", {}, pool).error() == errc::unsupported);
  const fs::path fifo = place.path / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(file_device::open(fifo, {.read_only = true}, pool).error() == errc::unsupported);
  CHECK(file_device::create_temporary(place.path / "none", 10, pool).error() ==
        std::errc::no_such_file_or_directory);
}

void cut_while_open(const fs::path& parent) {
  io_pool pool{1};
  const scratch place{parent};
  const fs::path name = place.file(64_KiB);
  result<file_device> disk = file_device::open(name, {}, pool);
  REQUIRE(disk);
  fs::resize_file(name, 10000);
  std::vector<std::byte> out(4096);
  CHECK(run(disk->read(4096, out)));
  CHECK(run(disk->read(8192, out)).error() == errc::source_changed);
  CHECK(run(disk->read(32768, out)).error() == errc::source_changed);
  CHECK_FALSE(disk->try_read(8192, out));
  CHECK_FALSE(disk->try_read(32768, out));
  CHECK(run(disk->extents(8192, 4096)).error() == errc::source_changed);
}

TEST_CASE("a file that was cut while it was open gives an error where its bytes were") {
  cut_while_open(fs::temp_directory_path());
  if (fs::is_directory("/dev/shm")) cut_while_open("/dev/shm");
}

TEST_CASE("what was just written is read without waiting") {
  io_pool pool{1};
  file_device disk = fresh(fs::temp_directory_path(), 64_KiB, pool);
  const std::vector<std::byte> in(4096, std::byte{1});
  CHECK(run(disk.write(8192, in, io_flags::none)));
  std::vector<std::byte> out(4096);
  if (!disk.try_read(8192, out)) {
    MESSAGE("skipped: this file system cannot tell what is cached");
    return;
  }
  CHECK(out == in);
}

TEST_CASE("holes are extents, and trim makes new ones") {
  io_pool pool{1};
  file_device disk = fresh(fs::temp_directory_path(), 256_KiB, pool);
  const std::vector<std::byte> in(128_KiB, std::byte{1});
  CHECK(run(disk.write(64_KiB, in, io_flags::none)));
  const extent hole{.length = 64_KiB, .hole = true, .zero = true};
  const std::vector<extent> written{hole, {.length = 128_KiB}, hole};
  const result<std::vector<extent>> found = run(disk.extents(0, 256_KiB));
  REQUIRE(found);
  if (found->size() == 1) {
    MESSAGE("skipped: this file system has no holes");
    return;
  }
  CHECK(*found == written);
  CHECK(run(disk.trim(64_KiB, 64_KiB, io_flags::fua)));
  const std::vector<extent> trimmed{{.length = 128_KiB, .hole = true, .zero = true}, {.length = 64_KiB}, hole};
  CHECK(*run(disk.extents(0, 256_KiB)) == trimmed);
  const std::vector<extent> part{{.length = 10}};
  CHECK(*run(disk.extents(128_KiB + 5, 10)) == part);
}

TEST_CASE("a request longer than one system call moves is whole") {
  io_pool pool{1};
  file_device disk = fresh(fs::temp_directory_path(), 12_MiB, pool);
  const std::vector<std::byte> in = pattern(9_MiB + 1);
  CHECK(run(disk.write(77, in, io_flags::fua)));
  std::vector<std::byte> out(in.size());
  CHECK_FALSE(disk.try_read(77, out));  // too much to copy while others wait
  CHECK(run(disk.read(77, out)));
  CHECK(out == in);
}

}  // namespace
