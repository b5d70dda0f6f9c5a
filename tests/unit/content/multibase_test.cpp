// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/multibase.hpp>  // first: shows that the header stands alone

#include <array>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::multibase;
using namespace std::string_literals;

const std::map<std::string, multibase> by_name{
    {"base2", multibase::base2},
    {"base8", multibase::base8},
    {"base10", multibase::base10},
    {"base16", multibase::base16},
    {"base16upper", multibase::base16upper},
    {"base32", multibase::base32},
    {"base32upper", multibase::base32upper},
    {"base32pad", multibase::base32pad},
    {"base32padupper", multibase::base32padupper},
    {"base32hex", multibase::base32hex},
    {"base32hexupper", multibase::base32hexupper},
    {"base32hexpad", multibase::base32hexpad},
    {"base32hexpadupper", multibase::base32hexpadupper},
    {"base32z", multibase::base32z},
    {"base36", multibase::base36},
    {"base36upper", multibase::base36upper},
    {"base58btc", multibase::base58btc},
    {"base58flickr", multibase::base58flickr},
    {"base64", multibase::base64},
    {"base64pad", multibase::base64pad},
    {"base64url", multibase::base64url},
    {"base64urlpad", multibase::base64urlpad},
};

/// Decodes every row of a table of the multibase specification, and encodes it where its text is the canonical
/// one.
void check_table(const std::string& file, const std::string& plain, bool canonical) {
  std::ifstream table{SHOAL_FIXTURES "/multibase/" + file};
  if (!table) {
    MESSAGE("skipped: no multibase fixtures");
    return;
  }
  std::string line;
  std::getline(table, line);
  int rows = 0;
  while (std::getline(table, line)) {
    const std::size_t comma = line.find(',');
    const std::size_t open = line.find('"');
    REQUIRE(open != std::string::npos);
    const std::string name = line.substr(0, comma);
    const std::string text = line.substr(open + 1, line.rfind('"') - open - 1);
    CAPTURE(name);
    const auto decoded = shoal::decode_multibase(text);
    if (name == "base256emoji") {
      CHECK(decoded.error() == shoal::errc::unsupported);
      continue;
    }
    REQUIRE(decoded);
    CHECK(as_text(*decoded) == plain);
    if (canonical) CHECK(shoal::encode_multibase(by_name.at(name), as_bytes(plain)) == text);
    ++rows;
  }
  CHECK(rows >= 12);
}

TEST_CASE("the specification's tables are read and written") {
  check_table("basic.csv", "yes mani !", true);
  check_table("leading_zero.csv", "\0yes mani !"s, true);
  check_table("two_leading_zeros.csv", "\0\0yes mani !"s, true);
  check_table("case_insensitivity.csv", "hello world", false);
}

TEST_CASE("every base gives back what it was given, at every length") {
  for (const auto& [name, base] : by_name) {
    CAPTURE(name);
    std::string bytes;
    for (int length = 0; length < 40; ++length) {
      const auto back = shoal::decode_multibase(shoal::encode_multibase(base, as_bytes(bytes)));
      REQUIRE(back);
      CHECK(as_text(*back) == bytes);
      bytes += static_cast<char>(length * 37 + 200);
    }
  }
}

TEST_CASE("a text that other software would not have written is refused") {
  using shoal::decode_multibase;
  CHECK(decode_multibase("").error() == shoal::errc::truncated);
  CHECK(decode_multibase("x00").error() == shoal::errc::unsupported);
  CHECK(decode_multibase("R8D").error() == shoal::errc::unsupported);      // base45
  CHECK(decode_multibase("f6g").error() == shoal::errc::malformed);        // foreign character
  CHECK(decode_multibase("f666").error() == shoal::errc::malformed);       // half a byte
  CHECK(decode_multibase("mA").error() == shoal::errc::malformed);         // less than a byte
  CHECK(decode_multibase("mAAAAA").error() == shoal::errc::malformed);     // a character too many
  CHECK(decode_multibase("mAB").error() == shoal::errc::malformed);        // filling bits that are not zero
  CHECK(decode_multibase("MAA").error() == shoal::errc::malformed);        // padding missing
  CHECK(decode_multibase("MAA=").error() == shoal::errc::malformed);       // padding too short
  CHECK(decode_multibase("MAA======").error() == shoal::errc::malformed);  // padding too long
  CHECK(decode_multibase("M====").error() == shoal::errc::malformed);      // padding of nothing
  CHECK(decode_multibase("mAA==").error() == shoal::errc::malformed);      // padding where there is none
  CHECK(decode_multibase("z0").error() == shoal::errc::malformed);         // 0 is not in base 58
  CHECK(decode_multibase("f\x80\xff").error() == shoal::errc::malformed);  // not ASCII
}

TEST_CASE("a text whose cost grows with its square is bounded") {
  const std::string long_enough(shoal::max_positional_text, '2');
  CHECK(shoal::decode_multibase('z' + long_enough));
  CHECK(shoal::decode_multibase("z2" + long_enough).error() == shoal::errc::limit_exceeded);
  CHECK(shoal::decode_multibase("f22" + long_enough));
}

}  // namespace
