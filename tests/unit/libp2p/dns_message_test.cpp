// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/dns_message.hpp>  // first: shows that the header stands alone

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::errc;
using shoal::result;
using vectors::hex;
using vectors::unhex;
using namespace shoal::libp2p;

const dns_name service = *dns_name::parse("_p2p._udp.local");
const dns_name mine = *dns_name::join("abc", service);

const std::string service_bytes = "045f703270045f756470056c6f63616c00";

TEST_CASE("a question is what every implementation asks") {
  dns_writer out{0, 0};
  CHECK(out.ask({.name = service, .type = dns_type::ptr}));
  const auto message = out.take();
  CHECK(hex(message) == "000000000001000000000000" + service_bytes + "000c0001");
  result<dns_reader> in = dns_reader::open(message);
  REQUIRE(in);
  CHECK(in->id() == 0);
  CHECK(in->flags() == 0);
  const auto question = in->next_question();
  REQUIRE(question);
  REQUIRE(*question);
  CHECK((*question)->name == service);
  CHECK((*question)->type == dns_type::ptr);
  CHECK((*question)->net == dns_class_internet);
  CHECK_FALSE((*question)->unicast);
  CHECK_FALSE(*in->next_question());
  CHECK_FALSE(*in->next_record());
}

TEST_CASE("a response says every name once") {
  dns_writer out{0x1234, dns_flag::response | dns_flag::authoritative};
  CHECK(out.add_pointer(dns_section::answer, service, 120, mine));
  CHECK(out.add_service(dns_section::additional, mine, true, 120, 4001, *dns_name::parse("h.local")));
  const auto text = unhex("036f6e65");
  CHECK(out.add({.section = dns_section::additional,
                 .name = mine,
                 .type = dns_type::txt,
                 .unique = true,
                 .ttl = 7,
                 .data = text}));
  const auto message = out.take();
  CHECK(hex(message) == "123484000000000100000002" + service_bytes +
                            "000c0001"
                            "00000078"
                            "0006"
                            "03616263c00c"
                            "c027"
                            "0021"
                            "8001"
                            "00000078"
                            "000a"
                            "000000000fa1"
                            "0168c016"
                            "c027"
                            "0010"
                            "8001"
                            "00000007"
                            "0004"
                            "036f6e65");
  result<dns_reader> in = dns_reader::open(message);
  REQUIRE(in);
  std::vector<dns_record> records;
  while (true) {
    const auto record = in->next_record();
    REQUIRE(record);
    if (!*record) break;
    records.push_back(**record);
  }
  REQUIRE(records.size() == 3);
  CHECK(records[0].section == dns_section::answer);
  CHECK(records[0].name == service);
  CHECK(records[0].type == dns_type::ptr);
  CHECK(records[0].target == mine);
  CHECK(records[0].ttl == 120);
  CHECK_FALSE(records[0].unique);
  CHECK(records[1].section == dns_section::additional);
  CHECK(records[1].name == mine);
  CHECK(records[1].unique);
  CHECK(records[2].ttl == 7);
  CHECK(hex(records[2].data) == "036f6e65");
}

TEST_CASE("what does not fit is left out, and what comes later may fit") {
  dns_writer out{0, dns_flag::response, 80};
  CHECK(out.add_pointer(dns_section::answer, service, 120, mine));
  const std::vector<std::byte> long_text(60);
  const std::size_t room = out.room();
  CHECK_FALSE(out.add({.section = dns_section::additional,
                       .name = *dns_name::parse("long"),
                       .type = dns_type::txt,
                       .data = long_text}));
  CHECK(out.room() == room);
  CHECK(out.add({.section = dns_section::additional, .name = *dns_name::parse("long"), .type = dns_type::txt}));
  const auto message = out.take();
  CHECK(message.size() <= 80);
  result<dns_reader> in = dns_reader::open(message);
  CHECK(*in->next_record());
  const auto second = in->next_record();
  REQUIRE(second);
  REQUIRE(*second);
  CHECK((*second)->name == *dns_name::parse("long"));
  CHECK_FALSE(*in->next_record());
}

TEST_CASE("the highest bit of a class is not of the class") {
  const auto message = unhex(
      "0000"
      "0000"
      "0001"
      "0001"
      "0000"
      "0000"
      "00"
      "000c"
      "8001"
      "00"
      "0001"
      "80ff"
      "00000001"
      "0000");
  result<dns_reader> in = dns_reader::open(message);
  REQUIRE(in);
  const auto question = in->next_question();
  CHECK((*question)->unicast);
  CHECK((*question)->net == dns_class_internet);
  const auto record = in->next_record();
  CHECK((*record)->unique);
  CHECK((*record)->net == dns_class_any);
}

/// Why the first record of a message with one answer cannot be read.
std::error_code refusal(const std::string& digits) {
  const auto message = unhex("000084000000000100000000" + digits);
  result<dns_reader> in = dns_reader::open(message);
  return in->next_record().error();
}

TEST_CASE("what is no message is refused") {
  CHECK(dns_reader::open(unhex("00000000000100000000")).error() == errc::truncated);
  CHECK(dns_reader::open(std::vector<std::byte>(max_dns_message + 1)).error() == errc::limit_exceeded);
  CHECK(refusal("") == errc::truncated);
  CHECK(refusal("00") == errc::truncated);
  CHECK(refusal("00"
                "0010"
                "0001"
                "00000000"
                "00") == errc::truncated);
  CHECK(refusal("00"
                "0010"
                "0001"
                "00000000"
                "0001") == errc::truncated);
  CHECK(refusal("00"
                "0010"
                "0001"
                "00000000"
                "ffff"
                "00") == errc::truncated);
  CHECK(refusal("00"
                "000c"
                "0001"
                "00000000"
                "0000") == errc::truncated);
  CHECK(refusal("00"
                "000c"
                "0001"
                "00000000"
                "0002"
                "0000") == errc::malformed);
  CHECK(refusal("00"
                "000c"
                "0001"
                "00000000"
                "0001"
                "01"
                "6100") == errc::truncated);
  CHECK(refusal("00"
                "000c"
                "0001"
                "00000000"
                "0002"
                "c017") == errc::malformed);
  const auto message = unhex(
      "0000"
      "0000"
      "ffff"
      "ffff"
      "ffff"
      "ffff"
      "00"
      "0001"
      "00");
  result<dns_reader> in = dns_reader::open(message);
  CHECK(in->next_question().error() == errc::truncated);
  CHECK(in->next_record().error() == errc::truncated);
}

TEST_CASE("strings of a text end with it") {
  const auto data = unhex(
      "0161"
      "00"
      "0262");
  bytes_view rest{data};
  CHECK(hex(*take_dns_text(rest)) == "61");
  CHECK(take_dns_text(rest)->empty());
  CHECK(take_dns_text(rest).error() == errc::truncated);
  rest = {};
  CHECK(take_dns_text(rest).error() == errc::truncated);
}

}  // namespace
