// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/bitswap_message.hpp>  // first: shows that the header stands alone

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;
using shoal::cid;
using shoal::errc;
using bytes = std::vector<std::byte>;

bytes from_hex(std::string_view text) {
  return *shoal::decode_multibase('f' + std::string{text});
}

const std::string hello = "01551220b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
const cid hello_id = *cid::decode(from_hex(hello));

struct seen {
  std::vector<want_entry> wants;
  std::vector<block_presence> presences;
  std::vector<block_payload> blocks;
};

seen all_of(const bitswap_message& m) {
  seen out;
  m.visit([&](const want_entry& w) { out.wants.push_back(w); });
  m.visit([&](const block_presence& p) { out.presences.push_back(p); });
  m.visit([&](const block_payload& b) { out.blocks.push_back(b); });
  return out;
}

std::error_code error_of(const bytes& body) {
  return bitswap_message::parse(body).error();
}

bytes operator+(bytes a, const bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

bytes field(std::uint32_t number, const bytes& content) {
  bytes out;
  shoal::append_protobuf_bytes(out, number, content);
  return out;
}

TEST_CASE("a want as Helia writes it is read") {
  const bytes body = from_hex("0a320a2e0a24" + hello + "10011800200028011000");
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  const seen s = all_of(*m);
  REQUIRE(s.wants.size() == 1);
  CHECK(s.wants[0].id == hello_id);
  CHECK(s.wants[0].priority == 1);
  CHECK(s.wants[0].type == want_type::block);
  CHECK(s.wants[0].send_dont_have);
  CHECK_FALSE(s.wants[0].cancel);
  CHECK_FALSE(m->full());
}

TEST_CASE("what Helia says is read as it was meant") {
  std::ifstream file(SHOAL_FIXTURES "/golden_helia.json");
  if (!file) {
    MESSAGE("skipped: no " SHOAL_FIXTURES "/golden_helia.json");
    return;
  }
  std::stringstream text;
  text << file.rdbuf();
  const std::string json = text.str();
  const auto vector = [&](const std::string& name) {
    const std::size_t object = json.find('"' + name + '"', json.find("\"bitswap\""));
    const std::size_t from = json.find("\"hex\"", object);
    const std::size_t begin = json.find('"', json.find(':', from)) + 1;
    return from_hex(json.substr(begin, json.find('"', begin) - begin));
  };
  const auto read = [](const bytes& body) {
    const auto m = bitswap_message::parse(body);
    REQUIRE(m);
    return all_of(*m);
  };
  const bytes have_bytes = vector("want_have");
  const seen have = read(have_bytes);
  REQUIRE(have.wants.size() == 1);
  CHECK(have.wants[0].type == want_type::have);
  CHECK(have.wants[0].priority == 5);
  CHECK(have.wants[0].send_dont_have);
  const seen cancel = read(vector("cancel"));
  REQUIRE(cancel.wants.size() == 1);
  CHECK(cancel.wants[0].cancel);
  CHECK(cancel.wants[0].id == hello_id);
  const bytes block_bytes = vector("block");
  const seen block = read(block_bytes);
  REQUIRE(block.blocks.size() == 1);
  CHECK(block.blocks[0].prefix == block_prefix::of(hello_id));
  CHECK(shoal::as_text(block.blocks[0].data) == "hello world");
  CHECK(*block.blocks[0].prefix.name(blocks::hash_of(block.blocks[0].data).digest()) == hello_id);
  const seen yes = read(vector("have"));
  REQUIRE(yes.presences.size() == 1);
  CHECK(yes.presences[0].what == presence::have);
  CHECK(yes.presences[0].id == hello_id);
  const seen no = read(vector("dont_have"));
  REQUIRE(no.presences.size() == 1);
  CHECK(no.presences[0].what == presence::dont_have);
}

TEST_CASE("payloads are seen where they lie") {
  const bytes body = field(3, field(1, from_hex("01551220")) + field(2, bytes(1000)));
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  const seen s = all_of(*m);
  REQUIRE(s.blocks.size() == 1);
  CHECK(s.blocks[0].data.data() == body.data() + (body.size() - 1000));
}

TEST_CASE("a block of Bitswap 1.0 is a block of CID version 0") {
  const bytes body = field(2, bytes(3, std::byte{7}));
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  const seen s = all_of(*m);
  REQUIRE(s.blocks.size() == 1);
  CHECK(s.blocks[0].prefix.version == 0);
  CHECK(s.blocks[0].prefix.name(bytes(32))->version() == 0);
  CHECK(s.blocks[0].prefix.name(bytes(31)).error() == errc::invalid_argument);
}

TEST_CASE("full is known before the wants are visited, though it stands behind them") {
  const bytes body = from_hex("0a300a2c0a24" + hello + "1001180020001001");
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  CHECK(m->full());
  CHECK(all_of(*m).wants.size() == 1);
}

TEST_CASE("negative priorities and pending bytes come through") {
  const bytes body =
      field(1, field(1, field(1, from_hex(hello)) + from_hex("10ffffffffffffffffff01"))) + from_hex("28ac02");
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  CHECK(all_of(*m).wants.at(0).priority == -1);
  CHECK(m->pending_bytes() == 300);
}

TEST_CASE("what is not known is skipped: fields, kinds of wants, kinds of answers") {
  const bytes id = field(1, from_hex(hello));
  const bytes body = field(9, bytes(5)) + from_hex("5001") + field(1, field(1, id + from_hex("2007"))) +
                     field(4, id + from_hex("1009"));
  const auto m = bitswap_message::parse(body);
  REQUIRE(m);
  const seen s = all_of(*m);
  CHECK(s.wants.empty());
  CHECK(s.presences.empty());
}

TEST_CASE("a message that breaks the rules is refused whole") {
  const bytes id = field(1, from_hex(hello));
  CHECK(error_of(field(1, field(1, from_hex("1001")))) == errc::malformed);  // a want of nothing
  CHECK(error_of(field(4, from_hex("1001"))) == errc::malformed);            // an answer about nothing
  CHECK(error_of(field(1, field(1, field(1, from_hex("0255"))))) == errc::unsupported);
  CHECK(error_of(field(1, field(1, id + from_hex("0a")))) == errc::truncated);
  CHECK(error_of(field(1, from_hex("10"))) == errc::truncated);
  CHECK(error_of(field(1, field(1, id)) + from_hex("0aff")) == errc::truncated);
  CHECK(error_of(field(3, field(2, bytes(10)))) == errc::truncated);                    // no prefix
  CHECK(error_of(field(3, field(1, from_hex("0155122000")))) == errc::malformed);       // more than one
  CHECK(error_of(field(3, field(1, from_hex("0155128101")))) == errc::limit_exceeded);  // 129 bytes of it
  CHECK(error_of(field(3, field(1, from_hex("00551220")))) == errc::malformed);         // version 0 of raw
  CHECK(error_of(field(3, field(1, from_hex("02551220")))) == errc::unsupported);
}

TEST_CASE("blocks and messages have a longest") {
  CHECK_FALSE(error_of(field(2, bytes(shoal::max_block_size))));
  CHECK(error_of(field(2, bytes(shoal::max_block_size + 1))) == errc::limit_exceeded);
  CHECK(error_of(field(9, bytes(max_message_size))) == errc::limit_exceeded);
}

TEST_CASE("the empty message says nothing") {
  const auto m = bitswap_message::parse({});
  REQUIRE(m);
  const seen s = all_of(*m);
  CHECK((s.wants.empty() && s.presences.empty() && s.blocks.empty()));
}

}  // namespace
