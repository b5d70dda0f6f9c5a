// SPDX-License-Identifier: BSL-1.0
#include <shoal/http/media_range.hpp>  // first: shows that the header stands alone

#include <string_view>

#include <doctest/doctest.h>

namespace {

using shoal::http::media_range;
using shoal::http::take_media_range;

TEST_CASE("an Accept field lists types with parameters") {
  std::string_view rest =
      "Application/vnd.ipld.car; version=1;Order=\"dfs\" ; dups=y;q=0.5, */*;q=0, ,text/plain";
  const media_range car = take_media_range(rest);
  CHECK(car.is("application/vnd.ipld.car"));
  CHECK(car.parameter("version") == "1");
  CHECK(car.parameter("order") == "dfs");
  CHECK(car.parameter("dups") == "y");
  CHECK_FALSE(car.parameter("dup"));
  CHECK(car.quality() == 500);
  const media_range any = take_media_range(rest);
  CHECK(any.is("*/*"));
  CHECK(any.quality() == 0);
  CHECK(take_media_range(rest).type.empty());
  const media_range text = take_media_range(rest);
  CHECK(text.is("text/plain"));
  CHECK(text.quality() == 1000);
  CHECK(rest.empty());
}

TEST_CASE("a quality is a number from 0 to 1 with three digits behind the point") {
  const auto quality = [](std::string_view text) { return take_media_range(text).quality(); };
  CHECK(quality("a/b;q=1") == 1000);
  CHECK(quality("a/b;q=1.000") == 1000);
  CHECK(quality("a/b;q=0.001") == 1);
  CHECK(quality("a/b;q=0.") == 0);
  for (const std::string_view wrong :
       {"a/b;q=", "a/b;q=2", "a/b;q=1.001", "a/b;q=0.0001", "a/b;q=x", "a/b;q=-1", "a/b;q=10"}) {
    CHECK(quality(wrong) == 0);
  }
}

}  // namespace
