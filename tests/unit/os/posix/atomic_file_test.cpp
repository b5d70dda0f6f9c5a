// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/atomic_file.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>

#include <doctest/doctest.h>

#include <shoal/os/posix/mapping.hpp>

#include "../../temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using shoal::as_bytes;
using shoal::as_text;
using shoal::result;
using shoal::posix::atomic_file;
using shoal::posix::mapping;

using folder = temporary_folder;

std::string text_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("a file does not take the place of a pipe or a device") {
  const folder at;
  REQUIRE(::mkfifo((at / "pipe").c_str(), 0600) == 0);
  CHECK(atomic_file::create(at / "pipe").error() == shoal::errc::unsupported);
  fs::create_symlink("/dev/null", at / "link");
  CHECK(atomic_file::create(at / "link").error() == shoal::errc::unsupported);
  CHECK_FALSE(fs::exists(at / "pipe.partial"));
}

TEST_CASE("a file appears under its name when it is committed, and not before") {
  const folder at;
  result<atomic_file> file = atomic_file::create(at / "out");
  REQUIRE(file);
  REQUIRE(file->append(as_bytes("content")));
  CHECK_FALSE(fs::exists(at / "out"));
  REQUIRE(file->commit());
  CHECK(text_of(at / "out") == "content");
  CHECK_FALSE(fs::exists(at / "out.partial"));
}

TEST_CASE("what was there stays until the commit, and is replaced by it") {
  const folder at;
  std::ofstream{at / "out"} << "old";
  result<atomic_file> file = atomic_file::create(at / "out");
  REQUIRE(file);
  REQUIRE(file->append(as_bytes("new")));
  CHECK(text_of(at / "out") == "old");
  REQUIRE(file->commit());
  CHECK(text_of(at / "out") == "new");
}

TEST_CASE("pieces of every size come out in the order in which they went in, and patches where they belong") {
  const folder at;
  result<atomic_file> file = atomic_file::create(at / "out");
  REQUIRE(file);
  std::string expected;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::string head(i % 7, static_cast<char>('a' + i % 26));
    const std::size_t sizes[] = {0, 1, 1000, atomic_file::direct - 1, atomic_file::direct, 200'000};
    const std::string body(sizes[i % 6], static_cast<char>('A' + i % 26));
    REQUIRE(file->append(as_bytes(head), as_bytes(body)));
    expected += head + body;
    CHECK(file->size() == expected.size());
    if (i % 50 == 49) {
      REQUIRE(file->patch(i, as_bytes("patch")));
      expected.replace(i, 5, "patch");
    }
  }
  REQUIRE(file->commit());
  CHECK(text_of(at / "out") == expected);
}

TEST_CASE("a file that is given up or moved from removes itself once") {
  const folder at;
  {
    result<atomic_file> file = atomic_file::create(at / "out");
    REQUIRE(file);
    const atomic_file moved = std::move(*file);
    CHECK(moved.path() == at / "out");
    CHECK(fs::exists(at / "out.partial"));
  }
  CHECK(fs::is_empty(at.path));
}

TEST_CASE("two writers of one file do not mix: the second is told so") {
  const folder at;
  std::optional<result<atomic_file>> first{atomic_file::create(at / "out")};
  REQUIRE(*first);
  CHECK(atomic_file::create(at / "out").error() == shoal::errc::busy);
  first.reset();
  CHECK(atomic_file::create(at / "out"));
}

TEST_CASE("a folder that vanished while writing is an error of the commit") {
  const folder at;
  fs::create_directory(at / "sub");
  result<atomic_file> file = atomic_file::create(at / "sub/out");
  REQUIRE(file);
  fs::rename(at / "sub", at / "moved");
  CHECK(file->commit().error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a mapping shows the file, notices a new size, and refuses what is no file") {
  const folder at;
  std::ofstream{at / "in"} << "mapped";
  std::ofstream{at / "empty"};
  result<mapping> file = mapping::open(at / "in");
  REQUIRE(file);
  const mapping moved = std::move(*file);
  CHECK(as_text(moved.bytes()) == "mapped");
  CHECK(moved.unchanged());
  std::ofstream{at / "in", std::ios::app} << " and longer";
  CHECK_FALSE(moved.unchanged());
  const result<mapping> empty = mapping::open(at / "empty");
  REQUIRE(empty);
  CHECK(empty->bytes().empty());
  CHECK(mapping::open(at.path).error() == std::errc::is_a_directory);
  CHECK(mapping::open("/dev/null").error() == shoal::errc::unsupported);
  CHECK(mapping::open(at / "missing").error() == std::errc::no_such_file_or_directory);
}

}  // namespace
