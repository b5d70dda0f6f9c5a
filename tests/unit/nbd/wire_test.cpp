// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/wire.hpp>  // first: shows that the header stands alone

#include <array>
#include <cstdint>

#include <doctest/doctest.h>

#include "client_bytes.hpp"

namespace {

namespace nbd = shoal::nbd;

TEST_CASE("a request is read field by field") {
  const client::bytes sent =
      client::ask(nbd::command::trim, 0x0102030405060708, 0x11121314, 9, 0xfffefdfcfbfaf9f8);
  REQUIRE(sent.size() == nbd::request_size);
  const auto read = nbd::parse_request(shoal::bytes_view{sent}.first<nbd::request_size>());
  REQUIRE(read);
  CHECK(read->type == nbd::command::trim);
  CHECK(read->flags == 9);
  CHECK(read->cookie == 0xfffefdfcfbfaf9f8);
  CHECK(read->offset == 0x0102030405060708);
  CHECK(read->length == 0x11121314);
  client::bytes again(nbd::request_size);
  nbd::put_request(again.data(), *read);
  CHECK(again == sent);
}

TEST_CASE("a request with another magic is malformed") {
  client::bytes sent = client::ask(nbd::command::read, 0, 1);
  sent[3] ^= std::byte{1};
  CHECK(nbd::parse_request(shoal::bytes_view{sent}.first<nbd::request_size>()).error() ==
        shoal::errc::malformed);
}

TEST_CASE("replies have the bytes of the specification") {
  std::array<std::byte, nbd::simple_reply_size> simple;
  nbd::put_simple_reply(simple.data(), 0x0102030405060708, nbd::error::nospc);
  CHECK(client::bytes(simple.begin(), simple.end()) ==
        client::join({client::be(0x67446698u), client::be(28u), client::be(0x0102030405060708ull)}));
  std::array<std::byte, nbd::chunk_header_size> chunk;
  nbd::put_chunk_header(chunk.data(), 5, nbd::chunk::offset_hole, true, 12);
  CHECK(client::bytes(chunk.begin(), chunk.end()) ==
        client::join({client::be(0x668e33efu), client::be(std::uint16_t{1}), client::be(std::uint16_t{2}),
                      client::be(std::uint64_t{5}), client::be(12u)}));
}

}  // namespace
