// SPDX-License-Identifier: BSL-1.0
#include <shoal/libp2p/multistream.hpp>  // first: shows that the header stands alone

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "vectors.hpp"

namespace {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_view;
using shoal::libp2p::multistream_dialer;
using shoal::libp2p::multistream_listener;
using event = shoal::libp2p::multistream_event;
using vectors::hex;
using vectors::unhex;

// multistream-select, and what Helia says
const std::string header = "132f6d756c746973747265616d2f312e302e300a";
const std::string noise = "072f6e6f6973650a";
const std::string yamux = "0d2f79616d75782f312e302e300a";
const std::string na = "036e610a";

constexpr std::array<std::string_view, 1> one{"/noise"};
constexpr std::array<std::string_view, 2> two{"/tls/1.0.0", "/noise"};

bool knows_noise(std::string_view name) {
  return name == "/noise";
}

TEST_CASE("the messages are those of Helia") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  CHECK(vectors::strings_of(golden, "header").at(0) == header);
  CHECK(vectors::strings_of(golden, "na").at(0) == na);
  CHECK(vectors::strings_of(golden, "yamux").at(0) == yamux);
}

TEST_CASE("a dialer sends its header and its first name at once") {
  multistream_dialer dial{one};
  CHECK(hex(dial.take_output()) == header + noise);
  CHECK(dial.take_output().empty());
  const auto answer = unhex(header + noise + "abcd");
  bytes_view in{answer};
  CHECK(dial.next(in) == event::agreed);
  CHECK(dial.protocol() == "/noise");
  CHECK(hex(in) == "abcd");
  CHECK(dial.next(in) == event::agreed);
  CHECK(in.size() == 2);
}

TEST_CASE("a dialer proposes its next name when one is refused") {
  multistream_dialer dial{two};
  multistream_listener listen;
  CHECK(hex(listen.take_output()) == header);
  const auto first = dial.take_output();
  bytes_view in{first};
  CHECK(listen.next(in, knows_noise) == event::starved);
  const auto refusal = listen.take_output();
  CHECK(hex(refusal) == na);
  const auto heard = unhex(header + na);
  in = heard;
  CHECK(dial.next(in) == event::starved);
  const auto second = dial.take_output();
  CHECK(hex(second) == noise);
  in = second;
  CHECK(listen.next(in, knows_noise) == event::agreed);
  CHECK(listen.protocol() == "/noise");
  const auto echo = listen.take_output();
  CHECK(hex(echo) == noise);
  in = echo;
  CHECK(dial.next(in) == event::agreed);
  CHECK(dial.index() == 1);
}

TEST_CASE("a dialer without a further name is refused") {
  multistream_dialer dial{one};
  const auto answer = unhex(header + na);
  bytes_view in{answer};
  CHECK(dial.next(in) == event::refused);
}

TEST_CASE("a listener leaves what is pipelined behind the name, however the stream is cut") {
  const auto stream = unhex(header + noise + "0011223344");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    multistream_listener listen;
    bytes_view in = bytes_view{stream}.first(cut);
    event heard = listen.next(in, knows_noise);
    std::string rest = hex(in);
    in = bytes_view{stream}.subspan(cut);
    heard = listen.next(in, knows_noise);
    rest += hex(in);
    CHECK(heard == event::agreed);
    CHECK(rest == "0011223344");
    CHECK(hex(listen.take_output()) == header + noise);
  }
}

TEST_CASE("whoever does not speak multistream is found out") {
  for (const std::string& text :
       {std::string{"00"}, std::string{"0141"}, noise, header.substr(0, 38) + "41", std::string{"8108"},
        std::string{"ffffffffffffffffff"},
        vectors::hex(as_bytes("GET / HTTP/1.1\r\n\r\n      "
                              "                                                        "))}) {
    multistream_listener listen;
    const auto stream = unhex(text);
    bytes_view in{stream};
    CHECK_MESSAGE(listen.next(in, knows_noise) == event::violation, text);
    multistream_dialer dial{two};
    in = stream;
    CHECK(dial.next(in) == event::violation);
  }
  multistream_dialer dial{two};
  const auto other = unhex(header + yamux);  // a name that nobody proposed
  bytes_view in{other};
  CHECK(dial.next(in) == event::violation);
}

TEST_CASE("a dialer that proposes without end is cut off") {
  std::string text = header;
  for (std::size_t i = 0; i < multistream_listener::max_proposals; ++i) text += yamux;
  const auto stream = unhex(text + noise);
  multistream_listener listen;
  bytes_view in{stream};
  CHECK(listen.next(in, knows_noise) == event::refused);
  CHECK(hex(in) == noise);
  CHECK(listen.protocol().empty());
}

TEST_CASE("a listing is not given") {
  const auto stream = unhex(header + "036c730a");
  multistream_listener listen;
  bytes_view in{stream};
  CHECK(listen.next(in, knows_noise) == event::starved);
  CHECK(hex(listen.take_output()) == header + na);
}

}  // namespace
