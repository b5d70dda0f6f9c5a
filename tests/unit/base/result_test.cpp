// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/result.hpp>  // first: shows that the header stands alone

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::result;

result<std::string> named(bool there) {
  if (!there) return errc::not_found;
  return std::string{"disk"};
}

TEST_CASE("a result has a value and no error, or an error and no value") {
  const result<std::string> found = named(true);
  REQUIRE(found);
  CHECK(*found == "disk");
  CHECK(found->size() == 4);
  CHECK_FALSE(found.error());
  const result<std::string> missing = named(false);
  CHECK_FALSE(missing);
  CHECK(missing.error() == errc::not_found);
}

TEST_CASE("a value that cannot be copied can be moved out") {
  result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  REQUIRE(made);
  const std::unique_ptr<int> taken = *std::move(made);
  CHECK(*taken == 7);
}

TEST_CASE("a result of nothing is success unless it has an error") {
  CHECK(result<>{});
  CHECK(result<>{std::error_code{}});
  const result<> failed = errc::busy;
  CHECK_FALSE(failed);
  CHECK(failed.error() == errc::busy);
}

TEST_CASE("the operating system's errors and a freestanding status fit in as well") {
  const result<int> system = std::make_error_code(std::errc::permission_denied);
  CHECK(system.error() == std::errc::permission_denied);
  const result<int> bare = shoal::status::truncated;
  CHECK(bare.error() == errc::truncated);
}

}  // namespace
