// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/recording_file.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>

#include "../../temporary_folder.hpp"

using namespace shoal;
using namespace shoal::monitor;
using posix::recording_file;
using posix::sync_policy;

namespace {

constexpr std::array<std::string_view, 1> names{"nic"};

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void overwrite(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// How many records a file has; all of it is good.
std::size_t records_of(const std::filesystem::path& path) {
  const std::string bytes = contents(path);
  bytes_view rest = as_bytes(bytes);
  recording_reader reader;
  std::size_t records = 0;
  while (!rest.empty()) {
    const auto item = reader.next(rest);
    REQUIRE(item);
    if (item->kind == recording_kind::access) ++records;
  }
  return records;
}

void add(recording_file& file, std::uint64_t count) {
  recording_writer writer{file};
  REQUIRE(writer.begin(names, {1000, 5}) == status::ok);
  for (std::uint64_t i = 0; i < count; ++i) {
    writer.put({1000 + i * i, i % 5, i * 77, 0, 0, hal::access::load, 4});
  }
  REQUIRE(file.flush());
}

std::error_code error_of(const std::filesystem::path& path) {
  return recording_file::open(path, sync_policy::system).error();
}

}  // namespace

TEST_CASE("a recording is in its file once it is flushed") {
  const temporary_folder where;
  const auto path = where.path / "a";
  result<recording_file> file = recording_file::open(path, sync_policy::flush);
  REQUIRE(file);
  recording_writer writer{*file};
  REQUIRE(writer.begin(names, {1, 2}) == status::ok);
  writer.put({5, 4, 3, 0, 0, hal::access::store, 4});
  CHECK(contents(path).empty());
  CHECK(file->waiting() != 0);
  REQUIRE(file->flush());
  CHECK(file->waiting() == 0);
  CHECK(file->size() == contents(path).size());
  CHECK(records_of(path) == 1);
  writer.put({6, 4, 3, 0, 0, hal::access::store, 4});
  REQUIRE(file->sync());
  CHECK(records_of(path) == 2);
  REQUIRE(file->flush());
}

TEST_CASE("a recording is gone on with, wherever it was torn") {
  const temporary_folder where;
  const auto path = where.path / "a";
  {
    result<recording_file> file = recording_file::open(path, sync_policy::system);
    REQUIRE(file);
    CHECK(file->torn() == 0);
    add(*file, 20);
  }
  const std::string whole = contents(path);
  std::size_t most = 0;
  for (std::size_t size = 3; size <= whole.size(); ++size) {
    overwrite(path, whole.substr(0, size));
    result<recording_file> file = recording_file::open(path, sync_policy::system);
    REQUIRE(file);
    CHECK(file->size() + file->torn() == size);
    const std::uint64_t found = file->found();
    add(*file, 1);
    const std::size_t records = records_of(path);
    CHECK(records == found + 1);
    CHECK(records >= most);
    most = records;
  }
  CHECK(most == 21);
}

TEST_CASE("zeros that a crash left are cut off") {
  const temporary_folder where;
  const auto path = where.path / "a";
  {
    result<recording_file> file = recording_file::open(path, sync_policy::system);
    REQUIRE(file);
    add(*file, 20);
  }
  const std::string whole = contents(path);
  overwrite(path, whole + std::string(5000, '\0'));
  result<recording_file> file = recording_file::open(path, sync_policy::system);
  REQUIRE(file);
  CHECK(file->torn() == 5000);
  CHECK(file->size() == whole.size());
  CHECK(contents(path) == whole);
}

TEST_CASE("a recording longer than a piece is checked to its end") {
  const temporary_folder where;
  const auto path = where.path / "a";
  {
    result<recording_file> file = recording_file::open(path, sync_policy::system);
    REQUIRE(file);
    add(*file, 130'000);
  }
  REQUIRE(std::filesystem::file_size(path) > (1u << 20));
  const std::string whole = contents(path);
  overwrite(path, whole.substr(0, whole.size() - 1));
  result<recording_file> file = recording_file::open(path, sync_policy::system);
  REQUIRE(file);
  CHECK(file->torn() != 0);
  CHECK(file->found() == 129'999);
  CHECK(records_of(path) == 129'999);
}

TEST_CASE("what is no recording is left alone") {
  const temporary_folder where;
  const auto path = where.path / "a";
  for (const std::string_view other :
       {std::string_view{"#!/bin/sh\nexit\n"},
        std::string_view{"\x7f"
                         "ELF"},
        std::string_view{"x"}, std::string_view{"\xd9"}, std::string_view{"\x83\x01"}}) {
    overwrite(path, other);
    CHECK(error_of(path) == errc::malformed);
    CHECK(contents(path) == other);
  }
}

TEST_CASE("a recording that is broken before its end is left alone") {
  const temporary_folder where;
  const auto path = where.path / "a";
  {
    result<recording_file> file = recording_file::open(path, sync_policy::system);
    REQUIRE(file);
    add(*file, 20);
  }
  const std::string broken = contents(path) + '\xff' + contents(path);
  overwrite(path, broken);
  CHECK(error_of(path) != std::error_code{});
  CHECK(contents(path) == broken);
}

TEST_CASE("two do not write the same file, and a folder is no file") {
  const temporary_folder where;
  const auto path = where.path / "a";
  const result<recording_file> first = recording_file::open(path, sync_policy::system);
  REQUIRE(first);
  CHECK(error_of(path) == errc::busy);
  CHECK(error_of(where.path) == std::errc::is_a_directory);
  CHECK(error_of(where.path / "none" / "a") == std::errc::no_such_file_or_directory);
  CHECK(error_of("/dev/null") == errc::unsupported);
}
