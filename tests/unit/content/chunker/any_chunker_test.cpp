// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/chunker/any_chunker.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "checks.hpp"

namespace {

using chunker_test::cut_all;
using shoal::any_chunker;
using shoal::chunker_errc;

const chunker_test::bytes data = chunker_test::random_bytes(3 << 20, 1);

void same(std::string_view name, const any_chunker& expected) {
  CAPTURE(name);
  const shoal::result<any_chunker> parsed = any_chunker::parse(name);
  REQUIRE(parsed);
  CHECK(parsed->max_size() == expected.max_size());
  const shoal::bytes_view some =
      shoal::bytes_view{data}.first(std::min(data.size(), 100 * expected.max_size()));
  CHECK(cut_all(*parsed, some) == cut_all(expected, some));
}

any_chunker fixed(std::size_t size) {
  return any_chunker{shoal::fixed_chunker{size}};
}
any_chunker rabin(shoal::chunk_sizes sizes) {
  return any_chunker{shoal::rabin_chunker{sizes}};
}
any_chunker fastcdc(shoal::chunk_sizes sizes) {
  return any_chunker{shoal::fastcdc_chunker{sizes}};
}

TEST_CASE("chunker names: those of ipfs add") {
  same("", fixed(262144));
  same("default", fixed(262144));
  same("size-262144", fixed(262144));
  same("size-1000", fixed(1000));
  same("size-2096896", fixed(2096896));
  same("buzhash", any_chunker{shoal::buzhash_chunker{}});
  same("buzhash-whatever", any_chunker{shoal::buzhash_chunker{}});
  same("rabin", rabin({87381, 262144, 393216}));
  same("rabin-65536", rabin({21845, 65536, 98304}));
  same("rabin-1397931", rabin({465977, 1397931, 2096896}));
  same("rabin-18-25-32", rabin({18, 25, 32}));
  same("rabin-16-64-2096896", rabin({16, 64, 2096896}));
  same("rabin-min:18-avg:25-max:32", rabin({18, 25, 32}));
  same("rabin-18-avg:25-32", rabin({18, 25, 32}));
}

TEST_CASE("chunker names: FastCDC by its average") {
  same("fastcdc-256", fastcdc({64, 256, 1024}));
  same("fastcdc-65536", fastcdc({16384, 65536, 262144}));
  same("fastcdc-64K", fastcdc({16384, 65536, 262144}));
  same("fastcdc-1M", fastcdc({262144, 1048576, 2096896}));  // no chunk exceeds what a block holds
}

TEST_CASE("chunker names: sizes may have units") {
  for (const char* name : {"size-256K", "size-256k", "size-256KB", "size-256KiB"}) same(name, fixed(262144));
  same("size-1M", fixed(1048576));
  same("size-1MiB", fixed(1048576));
  same("rabin-64K", rabin({21845, 65536, 98304}));
  same("rabin-min:1K-avg:4K-max:16KiB", rabin({1024, 4096, 16384}));
}

TEST_CASE("chunker names: what is wrong is told apart") {
  const std::pair<std::string_view, chunker_errc> wrong[] = {
      {"unknown", chunker_errc::unknown_name},
      {"size", chunker_errc::bad_form},
      {"Size-5", chunker_errc::unknown_name},
      {"default-5", chunker_errc::unknown_name},
      {"-", chunker_errc::unknown_name},
      {"size-", chunker_errc::bad_number},
      {"size-x", chunker_errc::bad_number},
      {"size-5x", chunker_errc::bad_number},
      {"size-5 ", chunker_errc::bad_number},
      {"size-0x10", chunker_errc::bad_number},
      {"size-1.5M", chunker_errc::bad_number},
      {"size-5G", chunker_errc::bad_number},
      {"size-5Kib", chunker_errc::bad_number},
      {"size-K", chunker_errc::bad_number},
      {"size--5", chunker_errc::bad_form},
      {"size-123-extra", chunker_errc::bad_form},
      {"size-1-2-3-4-5", chunker_errc::bad_form},
      {"size-0", chunker_errc::chunk_too_short},
      {"size-0K", chunker_errc::chunk_too_short},
      {"size-2096897", chunker_errc::chunk_too_long},
      {"size-2M", chunker_errc::chunk_too_long},
      {"size-99999999999999999999999", chunker_errc::chunk_too_long},
      {"size-18014398509481984K", chunker_errc::chunk_too_long},
      {"rabin-", chunker_errc::bad_number},
      {"rabin-0", chunker_errc::average_too_small},
      {"rabin-47", chunker_errc::average_too_small},
      {"rabin-1397932", chunker_errc::chunk_too_long},
      {"rabin-18446744073709551615", chunker_errc::chunk_too_long},
      {"rabin-1-2", chunker_errc::bad_form},
      {"rabin-16-64-256-1024", chunker_errc::bad_form},
      {"rabin-15-23-31", chunker_errc::minimum_too_small},
      {"rabin-20-20-21", chunker_errc::wrong_order},
      {"rabin-19-21-21", chunker_errc::wrong_order},
      {"rabin-19-21-2096897", chunker_errc::chunk_too_long},
      {"rabin-max:16-avg:64-max:256", chunker_errc::bad_label},
      {"rabin-min:16-64:avg-max:256", chunker_errc::bad_label},
      {"rabin-16-64-average:256", chunker_errc::bad_label},
      {"rabin-:16-64-256", chunker_errc::bad_label},
      {"rabin-min:-64-256", chunker_errc::bad_number},
      {"fastcdc", chunker_errc::bad_form},
      {"fastcdc-1K-4K-16K", chunker_errc::bad_form},
      {"fastcdc-255", chunker_errc::average_out_of_range},
      {"fastcdc-1048577", chunker_errc::average_out_of_range},
      {"fastcdc-2M", chunker_errc::chunk_too_long},
      {"size-4097M", chunker_errc::chunk_too_long},  // 1 MiB in 32 bits,
      {"fastcdc-many", chunker_errc::bad_number},
  };
  for (const auto& [name, error] : wrong) {
    CAPTURE(name);
    CHECK(any_chunker::parse(name).error() == error);
  }
}

TEST_CASE("chunker names: each error says what is allowed") {
  for (int value = 1; value <= static_cast<int>(chunker_errc::average_out_of_range); ++value) {
    const std::string message = make_error_code(static_cast<chunker_errc>(value)).message();
    CAPTURE(message);
    CHECK(message.find("unknown chunker error") == message.npos);
  }
  CHECK(make_error_code(chunker_errc{99}).message() == "unknown chunker error 99");
  CHECK(make_error_code(chunker_errc::chunk_too_long).message().find("2096896") != std::string::npos);
  CHECK(any_chunker::help().find("2096896") != std::string_view::npos);
}

}  // namespace
