// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/recording_folder.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <shoal/monitor/recording_writer.hpp>

#include "../../temporary_folder.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::monitor::collect_hello;
using shoal::posix::recording_folder;

/// The bytes of a recording of so many records.
std::vector<std::byte> recording(std::uint64_t records) {
  shoal::monitor::detail::collect_output out;
  shoal::monitor::recording_writer writer{out};
  REQUIRE(writer.begin({}, {1, 1}) == shoal::status::ok);
  for (std::uint64_t i = 0; i < records; ++i) writer.put({.cycles = i + 2, .address = 300 * i, .value = i});
  return out.bytes;
}

}  // namespace

TEST_CASE("a session is continued by the next connection, without what a crash has torn") {
  const temporary_folder here;
  const collect_hello who{0xabc, "valve"};
  std::uintmax_t size = 0;
  {
    recording_folder folder{here.path};
    recording_folder::place place{folder};
    CHECK(*place.open(who) == 0);
    CHECK(place.path().filename() == "valve-0000000000000abc.rec");
    CHECK(place.append(recording(5), 5));
    size = file_size(place.path());
    const std::vector<std::byte> more = recording(1);
    CHECK(place.append(bytes_view{more}.first(20), 0));  // torn by a crash
  }
  recording_folder folder{here.path};
  recording_folder::place place{folder};
  CHECK(*place.open(who) == 5);
  CHECK(file_size(place.path()) == size);
  CHECK(place.append(recording(100'000), 100'000));
  CHECK(*place.open(who) == 100'005);
  CHECK_MESSAGE(*place.open({0xabd, "valve"}) == 0, "another session is another file");
}

TEST_CASE("the latest connection of a session is the one that writes") {
  const temporary_folder here;
  recording_folder folder{here.path};
  recording_folder::place old{folder};
  recording_folder::place fresh{folder};
  REQUIRE(old.open({1, "a"}));
  REQUIRE(fresh.open({1, "a"}));
  CHECK(old.append(recording(1), 1).error() == errc::closed);
  CHECK(fresh.append(recording(1), 1));
}

TEST_CASE("a file that is something else stays as it is") {
  const temporary_folder here;
  recording_folder folder{here.path};
  std::ofstream{here.path / "a-0000000000000001.rec"} << "a diary";
  recording_folder::place place{folder};
  CHECK(place.open({1, "a"}).error() == errc::malformed);
  CHECK(file_size(here.path / "a-0000000000000001.rec") == 7);
}

TEST_CASE("a session that is too large is refused, and a folder that is not there told") {
  const temporary_folder here;
  recording_folder folder{here.path, {.max_file = 100}};
  recording_folder::place place{folder};
  REQUIRE(place.open({1, "a"}));
  CHECK(place.append(recording(1000), 1000).error() == errc::no_space);
  recording_folder nowhere{here.path / "nowhere"};
  recording_folder::place lost{nowhere};
  CHECK(lost.open({1, "a"}).error() == std::errc::no_such_file_or_directory);
}
