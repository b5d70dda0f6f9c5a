// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/car/header.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace std::string_view_literals;
using shoal::bytes_view;
using shoal::car_v2_header;
using shoal::cid;
using shoal::errc;

const cid root{shoal::multicodec::dag_pb,
               *shoal::multihash::make(shoal::hash_code::sha2_256, std::vector<std::byte>(32, std::byte{3}))};

TEST_CASE("a version 1 header with one root comes back, and what follows stays") {
  std::vector<std::byte> bytes = shoal::encode_car_header(root);
  CHECK(bytes.size() <= shoal::max_one_root_size);
  bytes.push_back(std::byte{1});
  bytes_view rest = bytes;
  const auto header = shoal::take_car_header(rest);
  REQUIRE(header);
  CHECK(header->roots == std::vector<cid>{root});
  CHECK(rest.size() == 1);
}

TEST_CASE("a version 1 header that is cut off anywhere, or says other things, is refused") {
  const std::vector<std::byte> whole = shoal::encode_car_header(root);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bytes_view input = bytes_view{whole}.first(size);
    CHECK(shoal::take_car_header(input).error() == errc::truncated);
    CHECK(input.size() == size);
  }
  const auto refused = [](std::string_view text) {
    std::string bytes;
    bytes.push_back(static_cast<char>(text.size()));
    bytes += text;
    bytes_view input = shoal::as_bytes(bytes);
    return shoal::take_car_header(input).error();
  };
  CHECK(refused(""sv) == errc::malformed);
  CHECK(refused("\xa2\x65roots\x80\x67version\x02"sv) == errc::unsupported);
  CHECK(refused("\xa1\x67version\x02"sv) == errc::unsupported);
  CHECK(refused("\xa1\x67version"sv) == errc::malformed);
  CHECK(refused("\xa2\x65roots\x80\x67version\x01\x00"sv) == errc::malformed);
  CHECK(refused("\xa2\x65roots\x9a\xff\xff\xff\xff\x67version\x01"sv) == errc::malformed);  // 2^32 - 1 roots
  CHECK(refused("\xa2\x65roots\x81\xd8\x2a\x5b\xff\xff\xff\xff\xff\xff\xff\xff"sv) == errc::malformed);
  bytes_view huge = shoal::as_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv);
  CHECK(shoal::take_car_header(huge).error() == errc::limit_exceeded);
}

TEST_CASE("a version 1 header may have no roots") {
  bytes_view input = shoal::as_bytes("\x11\xa2\x65roots\x80\x67version\x01"sv);
  const auto header = shoal::take_car_header(input);
  REQUIRE(header);
  CHECK(header->roots.empty());
}

TEST_CASE("a version 2 header comes back, and parts that overlap are refused") {
  car_v2_header header;
  header.fully_indexed = true;
  header.data_offset = 51;
  header.data_size = 1000;
  header.index_offset = 1051;
  const auto decoded = car_v2_header::decode(header.encode());
  REQUIRE(decoded);
  CHECK(decoded->fully_indexed);
  CHECK(decoded->data_offset == 51);
  CHECK(decoded->data_size == 1000);
  CHECK(decoded->index_offset == 1051);

  const auto refused = [&](auto change) {
    car_v2_header changed = header;
    change(changed);
    return car_v2_header::decode(changed.encode()).error();
  };
  CHECK_FALSE(refused([](car_v2_header& h) { h.index_offset = 0; }));
  CHECK(refused([](car_v2_header& h) { h.index_offset = 1050; }) == errc::malformed);
  CHECK(refused([](car_v2_header& h) { h.data_offset = 50; }) == errc::malformed);
  CHECK(refused([](car_v2_header& h) { h.data_size = UINT64_MAX; }) == errc::malformed);
  CHECK(car_v2_header::decode(bytes_view{header.encode()}.first(39)).error() == errc::truncated);
}

}  // namespace
