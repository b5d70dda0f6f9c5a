// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/multiaddr.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::as_bytes;
using shoal::bytes_view;
using shoal::errc;
using shoal::libp2p::multiaddr;
using shoal::libp2p::multiaddr_code;
using shoal::libp2p::multiaddr_component;
using vectors::hex;
using vectors::unhex;

const std::string peer = "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7";
const std::string peer_bytes = "002408011220ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

/// Text that is the usual one, and its bytes. The first seven are in golden_helia.json; the others by the
/// tables of multiaddr and multicodec.
const std::vector<std::pair<std::string, std::string>> known{
    {"/ip4/127.0.0.1/tcp/4101", "047f000001061005"},
    {"/ip6/::1/tcp/4001", "2900000000000000000000000000000001060fa1"},
    {"/ip4/127.0.0.1/tcp/4101/p2p/" + peer, "047f000001061005a50326" + peer_bytes},
    {"/dns4/example.com/tcp/443/tls/http", "360b6578616d706c652e636f6d0601bbc003e003"},
    {"/ip4/1.2.3.4/udp/4001/quic-v1", "040102030491020fa1cd03"},
    {"/unix/tmp%2Fa.sock", "90030a746d702f612e736f636b"},
    {"/dnsaddr/bootstrap.libp2p.io", "3813626f6f7473747261702e6c69627032702e696f"},
    {"/ip6zone/eth0/ip6/fe80::1/tcp/0", "2a046574683029fe800000000000000000000000000001060000"},
    {"/ip4/10.0.0.0/ipcidr/8", "040a0000002b08"},
    {"/dns/a/tcp/65535/wss", "35016106ffffde03"},
    {"/dns6/b/tcp/1/ws", "370162060001dd03"},
    {"/ip4/1.2.3.4/tcp/1/p2p/" + peer + "/p2p-circuit/p2p/" + peer,
     "0401020304060001a50326" + peer_bytes + "a202a50326" + peer_bytes},
    {"/ip4/1.2.3.4/udp/1/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
     "0401020304910200 01cd03d103d20322"
     "1220241f96b80cf18a52e3818d8c340a0c23bdc24224c0f62bfd5a96e291feda5ebd"},
    {"/ip4/1.2.3.4/tcp/443/tls/sni/example.com/noise/ws",
     "04010203040601bbc003c1030b6578616d706c652e636f6dc603dd03"},
    {"/ip4/1.2.3.4/udp/9/webrtc-direct",
     "040102030491020009"
     "9802"},
    {"/memory/18446744073709551615", "8906ffffffffffffffff"},
    {"/dns/x/https/http-path/a%20b%25",
     "350178bb03e10304"
     "61206225"},
};

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

TEST_CASE("texts and bytes are those of the specification and of Helia") {
  for (const auto& [text, raw] : known) {
    CAPTURE(text);
    const auto bytes = unhex(without_spaces(raw));
    const auto parsed = multiaddr::parse(text);
    REQUIRE(parsed);
    CHECK(hex(parsed->bytes()) == hex(bytes));
    const auto decoded = multiaddr::decode(bytes);
    REQUIRE(decoded);
    CHECK(to_text(*decoded) == text);
    CHECK(*decoded == *parsed);
  }
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  for (std::size_t i = 0; i < 7; ++i) {
    const auto raw = vectors::strings_of(golden, known[i].first);
    REQUIRE(raw.size() == 1);
    CHECK(raw[0] == known[i].second);
  }
}

TEST_CASE("other texts of an address mean the same") {
  const auto same = [](const std::string& text, const std::string& usual) {
    const auto parsed = multiaddr::parse(text);
    REQUIRE_MESSAGE(parsed, text);
    CHECK(to_text(*parsed) == usual);
  };
  same("/ip4/1.2.3.4/tcp/80/", "/ip4/1.2.3.4/tcp/80");
  same("/ip4/1.2.3.4/tcp/00080", "/ip4/1.2.3.4/tcp/80");
  same("/ipfs/" + peer, "/p2p/" + peer);
  same("/p2p/bafzaajaiaejcb2sknrr6fhcsbk7pkud3cmxml6mvi53k5pv6pojeehxknekenurm", "/p2p/" + peer);
  same("/unix/%2ftmp%2Fa", "/unix/%2Ftmp%2Fa");
  same("/certhash/zQmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD",
       "/certhash/uEiD4Usf6YvlxgX9U2KgNzWP89wmLPL3pro7B7kSQE-xdsA");
}

TEST_CASE("IPv6 addresses are read in every form and written in one") {
  const std::vector<std::pair<std::string, std::string>> forms{
      {"::", "::"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"1::", "1::"},
      {"::0001", "::1"},
      {"2001:DB8::a", "2001:db8::a"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"::ffff:1.2.3.4", "::ffff:102:304"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"},
  };
  for (const auto& [text, usual] : forms) {
    CAPTURE(text);
    const auto parsed = shoal::libp2p::parse_ip6(text);
    REQUIRE(parsed);
    std::string back;
    shoal::libp2p::append_ip6(back, *parsed);
    CHECK(back == usual);
  }
  for (const char* text : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                           "12345::", "::g", "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "::1.2.3",
                           "1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", " ::1", "::-1"}) {
    CHECK_MESSAGE(shoal::libp2p::parse_ip6(text).error() == errc::malformed, text);
  }
  for (const char* text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2..4", ".1.2.3",
                           "1.2.3.4.", "0x1.2.3.4", "1.2.3.-4", "1.2.3.4 "}) {
    CHECK_MESSAGE(shoal::libp2p::parse_ip4(text).error() == errc::malformed, text);
  }
}

TEST_CASE("what is no address in text is refused") {
  const auto refused = [](const std::string& text, errc expected) {
    CHECK_MESSAGE(multiaddr::parse(text).error() == expected, text);
  };
  refused("", errc::truncated);
  refused("/", errc::truncated);
  refused("///", errc::truncated);
  refused("/ip4", errc::truncated);
  refused("/ip4/1.2.3.4/tcp", errc::truncated);
  refused("ip4/1.2.3.4", errc::malformed);
  refused("/ip4/1.2.3.4//tcp/1", errc::unsupported);
  refused("/ip4//tcp/1", errc::malformed);
  refused("/ip4/1.2.3.4/tcp/65536", errc::malformed);
  refused("/ip4/1.2.3.4/tcp/-1", errc::malformed);
  refused("/ip4/1.2.3.4/tcp/+1", errc::malformed);
  refused("/ip4/1.2.3.4/tcp/000001", errc::malformed);
  refused("/ip4/1.2.3.4/frobnicate/1", errc::unsupported);
  refused("/ip4/10.0.0.0/ipcidr/256", errc::malformed);
  refused("/tls/1", errc::unsupported);
  refused("/dns//tcp/1", errc::malformed);
  refused(std::string{"/dns/a\0b", 8}, errc::malformed);
  refused("/dns/a\n", errc::malformed);
  refused("/unix/%2", errc::malformed);
  refused("/unix/%g0", errc::malformed);
  refused("/unix//tcp/1", errc::malformed);
  refused("/p2p/bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e", errc::unsupported);
  refused("/certhash/uEiA", errc::malformed);
  refused("/dns/" + std::string(multiaddr::max_size, 'a'), errc::limit_exceeded);
  refused("/" + std::string(multiaddr::max_text, 'a'), errc::limit_exceeded);
}

TEST_CASE("what is no address in bytes is refused") {
  for (const auto& [text, raw] : known) {
    const auto bytes = unhex(without_spaces(raw));
    std::set<std::size_t> ends;  // where a component ends
    for (bytes_view rest{bytes}; !rest.empty();) {
      REQUIRE(shoal::libp2p::take_multiaddr_component(rest));
      ends.insert(bytes.size() - rest.size());
    }
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      CHECK(multiaddr::decode(bytes_view{bytes}.first(n)).has_value() == ends.contains(n));
    }
  }
  const auto refused = [](const std::string& raw, errc expected) {
    CHECK_MESSAGE(multiaddr::decode(unhex(raw)).error() == expected, raw);
  };
  refused("", errc::truncated);
  refused("00", errc::unsupported);
  refused("8400", errc::malformed);                  // a varint that is not the shortest
  refused("ffffffffffffffffff01", errc::malformed);  // or too long
  refused("3800", errc::malformed);                  // a name without a letter
  refused("3803612f62", errc::malformed);            // or with a slash
  refused("900300", errc::malformed);
  refused("d203021220", errc::malformed);
  refused("38ffffffff7f", errc::truncated);
  refused(
      "a50302"
      "0000"
      "a50301"
      "00",
      errc::malformed);
  std::string repeated;
  for (int i = 0; i < 600; ++i) repeated += "c003";
  refused(repeated, errc::limit_exceeded);
}

TEST_CASE("an address is built, walked and asked") {
  multiaddr address;
  CHECK(address.empty());
  CHECK(to_text(address) == "/");
  CHECK_FALSE(address.peer());
  REQUIRE(address.append(multiaddr_code::ip4, unhex("c0000201")));
  REQUIRE(address.append(multiaddr_code::tcp, unhex("0fa1")));
  REQUIRE(address.append(multiaddr_code::tls));
  CHECK(address.append(multiaddr_code::tcp, unhex("0f")).error() == errc::malformed);
  CHECK(address.append(multiaddr_code::tls, unhex("0f")).error() == errc::malformed);
  CHECK(address.append(multiaddr_code{1}).error() == errc::unsupported);
  REQUIRE(address.append(multiaddr_code::p2p, unhex(peer_bytes)));
  CHECK(to_text(address) == "/ip4/192.0.2.1/tcp/4001/tls/p2p/" + peer);
  std::vector<multiaddr_code> codes;
  for (const multiaddr_component c : address) codes.push_back(c.code());
  CHECK(codes ==
        std::vector{multiaddr_code::ip4, multiaddr_code::tcp, multiaddr_code::tls, multiaddr_code::p2p});
  CHECK(hex(address.find(multiaddr_code::tcp).value()) == "0fa1");
  CHECK(address.find(multiaddr_code::tls).value().empty());
  CHECK_FALSE(address.find(multiaddr_code::udp));
  CHECK(to_text(address.peer().value()) == peer);
  CHECK(std::hash<multiaddr>{}(address) == std::hash<multiaddr>{}(*multiaddr::parse(to_text(address))));
}

/// The bytes of the one Go string literal in a file of Go's fuzz corpus.
std::vector<std::byte> go_literal(const std::string& file) {
  const std::size_t start = file.find('"') + 1;
  const std::size_t end = file.rfind('"');
  std::string bytes;
  for (std::size_t i = start; i < end; ++i) {
    if (file[i] != '\\') {
      bytes += file[i];
      continue;
    }
    const char kind = file[++i];
    if (kind == 'x') {
      bytes += static_cast<char>(std::stoi(file.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else if (kind == 'u') {
      bytes += '?';
      i += 4;
    } else {
      const std::string from = "rntabfv\\\"";
      const std::string to = "\r\n\t\a\b\f\v\\\"";
      bytes += to.at(from.find(kind));
    }
  }
  const bytes_view view = as_bytes(bytes);
  return {view.begin(), view.end()};
}

TEST_CASE("the inputs that once broke go-multiaddr are refused, or are what they say") {
  const std::filesystem::path folder =
      std::filesystem::path{SHOAL_FIXTURES} / "go-multiaddr-fuzzcorpus/testdata/fuzz";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("skipped: no go-multiaddr-fuzzcorpus");
    return;
  }
  std::size_t files = 0;
  std::size_t taken = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = go_literal(all);
    const bool is_text = all.find("string(") != std::string::npos;
    const auto address = is_text ? multiaddr::parse(shoal::as_text(bytes)) : multiaddr::decode(bytes);
    if (!address) continue;
    ++taken;
    INFO(to_text(*address));
    const auto again = multiaddr::parse(to_text(*address));
    REQUIRE(again);
    CHECK(*again == *address);
  }
  CHECK(files == 21);
  CHECK(taken == 5);  // a name of 42 zeroes for dns6, and four unix paths
}

}  // namespace
