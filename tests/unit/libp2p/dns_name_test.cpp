// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/dns_name.hpp>  // first: shows that the header stands alone

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::errc;
using shoal::result;
using shoal::libp2p::dns_name;
using shoal::libp2p::take_dns_name;
using shoal::libp2p::to_text;
using vectors::hex;
using vectors::unhex;

const std::string header(24, '0');

/// The name at `at` of a message with these bytes behind an empty header; moves `at`.
result<dns_name> take(const std::string& digits, std::size_t& at) {
  return take_dns_name(unhex(header + digits), at);
}

/// Why there is no name at `at`.
std::error_code refusal(const std::string& digits, std::size_t at = 12) {
  const std::size_t before = at;
  const std::error_code why = take(digits, at).error();
  CHECK(at == before);
  return why;
}

TEST_CASE("a name is its labels, each behind its length") {
  const dns_name name = *dns_name::parse("_p2p._udp.local");
  CHECK(hex(name.bytes()) == "045f703270045f756470056c6f63616c00");
  CHECK(to_text(name) == "_p2p._udp.local");
  CHECK(*dns_name::parse("_p2p._udp.local.") == name);
  CHECK(name.label() == "_p2p");
  CHECK(to_text(name.parent()) == "_udp.local");
  CHECK(*dns_name::join("_p2p", name.parent()) == name);
  CHECK(dns_name{}.is_root());
  CHECK(dns_name{}.label().empty());
  CHECK(dns_name{}.parent().is_root());
  CHECK(to_text(dns_name{}) == ".");
  CHECK(*dns_name::parse("") == dns_name{});
}

TEST_CASE("names are the same in upper and in lower case") {
  CHECK(*dns_name::parse("_P2P._udp.LOCAL") == *dns_name::parse("_p2p._UDP.local"));
  CHECK_FALSE(*dns_name::parse("a@") == *dns_name::parse("a`"));
  CHECK_FALSE(*dns_name::parse("ab") == *dns_name::parse("a.b"));
}

TEST_CASE("labels and names have a longest") {
  const std::string label(63, 'a');
  const std::string full = label + '.' + label + '.' + label + '.' + std::string(61, 'b');
  REQUIRE(dns_name::parse(full));
  CHECK(dns_name::parse(full)->bytes().size() == dns_name::max_size);
  CHECK(dns_name::parse(full + 'b').error() == errc::limit_exceeded);
  CHECK(dns_name::parse(label + 'a').error() == errc::limit_exceeded);
  CHECK(dns_name::join("a", *dns_name::parse(full)).error() == errc::limit_exceeded);
  CHECK(dns_name::join("a", *dns_name::parse(full.substr(2))).has_value());
  for (const char* none : {"..", ".a", "a..b", "a.."}) {
    CAPTURE(none);
    CHECK(dns_name::parse(none).error() == errc::malformed);
  }
  CHECK(dns_name::join("", dns_name{}).error() == errc::malformed);
}

TEST_CASE("a part of a name may stand further to the front") {
  const std::string message =
      "016100"
      "0162c00c"
      "0163c00f"
      "ff";
  std::size_t at = 12;
  CHECK(to_text(*take(message, at)) == "a");
  CHECK(at == 15);
  CHECK(to_text(*take(message, at)) == "b.a");
  CHECK(at == 19);
  CHECK(to_text(*take(message, at)) == "c.b.a");
  CHECK(at == 23);
}

TEST_CASE("what is no name is refused") {
  CHECK(refusal("") == errc::truncated);
  CHECK(refusal("01") == errc::truncated);
  CHECK(refusal("0161") == errc::truncated);
  CHECK(refusal("c0") == errc::truncated);
  CHECK(refusal("4161") == errc::malformed);
  CHECK(refusal("8161") == errc::malformed);
  CHECK(refusal("c000") == errc::malformed);
  CHECK(refusal("c00b") == errc::malformed);
}

TEST_CASE("references that lead nowhere or in circles are refused") {
  CHECK(refusal("c00c") == errc::malformed);
  CHECK(refusal("0161c00c") == errc::malformed);
  CHECK(refusal("c00e0000") == errc::malformed);
  CHECK(refusal("ffff") == errc::malformed);
  CHECK(refusal("c00ec00c", 14) == errc::malformed);
  std::string chain = "0000";
  for (int i = 0; i < 17; ++i) chain += "c0" + hex(std::vector{static_cast<std::byte>(12 + 2 * i)});
  CHECK(refusal(chain, 12 + 2 * 17) == errc::limit_exceeded);
  std::size_t shorter = 12 + 2 * 16;
  CHECK(take(chain, shorter).has_value());
}

TEST_CASE("references do not make a name longer than names can be") {
  // each of the names is the one before with 60 bytes more in front
  std::string message = "00";
  std::size_t last = 12;
  for (int i = 0; i < 4; ++i) {
    const std::size_t next = 12 + message.size() / 2;
    message += "3b" + hex(std::vector<std::byte>(59, std::byte{'x'})) + "c0" +
               hex(std::vector{static_cast<std::byte>(last)});
    last = next;
  }
  CHECK(take(message, last)->bytes().size() == 241);
  message += "0e" + hex(std::vector<std::byte>(14, std::byte{'y'})) + "c0c7";
  CHECK(refusal(message, 12 + message.size() / 2 - 17) == errc::limit_exceeded);
}

}  // namespace
