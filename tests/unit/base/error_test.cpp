// SPDX-License-Identifier: BSL-1.0
#include <shoal/base/error.hpp>  // first: shows that the header stands alone

#include <string>
#include <system_error>

#include <doctest/doctest.h>

namespace {

class other_copy final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "shoal"; }
  [[nodiscard]] std::string message(int) const override { return {}; }
};

TEST_CASE("an error compares by its category's name, so that it crosses a dlopen") {
  static const other_copy copy;
  const std::error_code far{static_cast<int>(shoal::errc::not_found), copy};
  CHECK(far == shoal::errc::not_found);
  CHECK(far != shoal::errc::busy);
}

TEST_CASE("an errno of the same number is not an errc") {
  const std::error_code system{static_cast<int>(shoal::errc::not_found), std::system_category()};
  CHECK(system != shoal::errc::not_found);
}

TEST_CASE("every errc has a text of its own") {
  for (int value = 1; value <= static_cast<int>(shoal::errc::shutting_down); ++value) {
    CHECK(shoal::error_category().message(value).find("unknown") == std::string::npos);
  }
  CHECK(shoal::error_category().message(0).find("unknown") == 0);
}

TEST_CASE("a status becomes the errc of the same name, and ok becomes no error") {
  CHECK_FALSE(make_error_code(shoal::status::ok));
  CHECK(make_error_code(shoal::status::truncated) == shoal::errc::truncated);
  CHECK(make_error_code(shoal::status::failed) == shoal::errc::failed);
}

}  // namespace
