// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/server_session.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "client_bytes.hpp"
#include "synchronous_server.hpp"

namespace {

using namespace shoal::nbd;
using client::ask;
using client::bytes;
using client::join;
using kind = server_event::kind;

const std::vector<export_info>& exports() {
  static const std::vector<export_info> all = synchronous_server::exports();
  return all;
}

/// A session that is past its negotiation.
server_session settled(const bytes& haggling = join({client::flags(), client::go()})) {
  server_session session{exports()};
  shoal::bytes_view rest = haggling;
  while (!session.settled()) {
    const server_event e = session.next(rest);
    REQUIRE(e.what != kind::starved);
    rest = rest.subspan(e.consumed);
  }
  CHECK(session.take_output().size() >= 18);
  return session;
}

TEST_CASE("a session greets, negotiates, and then yields requests") {
  server_session session{exports()};
  CHECK(session.take_output().size() == 18);
  CHECK(session.next({}).what == kind::starved);
  const bytes in = join({client::flags(), client::structured(), client::go(), ask(command::read, 512, 1024)});
  server_event e = session.next(in);
  CHECK(e.what == kind::settled);
  CHECK(session.has_output());
  CHECK(session.chosen().structured);
  CHECK(session.replies().structured());
  e = session.next(shoal::bytes_view{in}.subspan(e.consumed));
  CHECK(e.what == kind::request);
  CHECK(e.request.offset == 512);
  CHECK(e.consumed == request_size);
}

TEST_CASE("a request is seen when its last byte is there") {
  server_session session = settled();
  const bytes in = ask(command::flush, 0, 0);
  for (std::size_t n = 0; n < in.size(); ++n) {
    const server_event e = session.next(shoal::bytes_view{in}.first(n));
    CHECK(e.what == kind::starved);
    CHECK(e.consumed == 0);
  }
  CHECK(session.next(in).what == kind::request);
}

TEST_CASE("a write that is all there is one event, and one of nothing too") {
  server_session session = settled();
  const bytes in = join({ask(command::write, 100, 3), client::text("abc"), ask(command::write, 100, 0)});
  server_event e = session.next(in);
  CHECK(e.what == kind::payload);
  CHECK(shoal::as_text(e.bytes) == "abc");
  CHECK(e.offset == 100);
  CHECK(e.last);
  CHECK(e.consumed == request_size + 3);
  e = session.next(shoal::bytes_view{in}.subspan(e.consumed));
  CHECK(e.what == kind::payload);
  CHECK(e.bytes.empty());
  CHECK(e.last);
}

TEST_CASE("a long payload comes in pieces that end at block boundaries, and never waits for more than one") {
  server_session session = settled();
  const std::uint32_t length = 200'000;
  const std::uint64_t offset = 4096 + 5;
  const bytes head = ask(command::write, offset, length);
  CHECK(session.next(head).consumed == head.size());
  CHECK(session.writing());
  const bytes payload(length, std::byte{1});
  std::uint64_t at = offset;
  std::size_t available = 0;
  while (at < offset + length) {
    available = std::min<std::size_t>(available + 1000, length - static_cast<std::size_t>(at - offset));
    const server_event e = session.next(shoal::bytes_view{payload}.first(available));
    if (e.what == kind::starved) {
      CHECK(e.consumed == 0);
      REQUIRE(available < server_session::payload_piece);
      continue;
    }
    REQUIRE(e.what == kind::payload);
    CHECK(e.offset == at);
    at += e.bytes.size();
    available -= e.bytes.size();
    CHECK(e.last == (at == offset + length));
    if (!e.last) CHECK(at % server_session::payload_piece == 0);
  }
  CHECK_FALSE(session.writing());
}

TEST_CASE("the payload of a refused write is skipped as it arrives, and refused at its end") {
  server_session session = settled();
  const bytes head = ask(command::write, UINT64_MAX, 0xffffffff);
  server_event e = session.next(head);
  CHECK(e.what == kind::starved);
  const bytes junk(1u << 16, std::byte{0x25});
  std::size_t left = 0xffffffff;
  while (left > junk.size()) {
    e = session.next(junk);
    REQUIRE(e.what == kind::starved);
    REQUIRE(e.consumed == junk.size());
    left -= e.consumed;
  }
  e = session.next(shoal::bytes_view{junk}.first(left));
  CHECK(e.what == kind::refused);
  CHECK(e.code == error::inval);
  CHECK(session.next(ask(command::read, 0, 1)).what == kind::request);
}

TEST_CASE("a write that fails in its middle is refused at its end, with the device's error") {
  server_session session = settled();
  const bytes in = join({ask(command::write, 0, 200'000), bytes(200'000)});
  server_event e = session.next(shoal::bytes_view{in}.first(100'000));
  REQUIRE(e.what == kind::payload);
  session.fail_write(error::nospc);
  e = session.next(shoal::bytes_view{in}.subspan(e.consumed));
  CHECK(e.what == kind::refused);
  CHECK(e.code == error::nospc);
}

TEST_CASE("a draining session refuses what is new and lets a write that has begun end") {
  server_session session = settled();
  const bytes in = join({ask(command::write, 0, 4), client::text("abcd"), ask(command::read, 0, 1),
                         ask(command::write, 0, 1), client::text("x"), ask(command::disc, 0, 0)});
  shoal::bytes_view rest = in;
  rest = rest.subspan(session.next(rest.first(request_size)).consumed);
  session.refuse_requests();
  server_event e = session.next(rest);
  CHECK(e.what == kind::payload);
  rest = rest.subspan(e.consumed);
  for (int i = 0; i < 2; ++i) {
    e = session.next(rest);
    CHECK(e.what == kind::refused);
    CHECK(e.code == error::shutdown);
    rest = rest.subspan(e.consumed);
  }
  CHECK(session.next(rest).what == kind::left);
}

TEST_CASE("a client that says goodbye has left; one out of step has broken the protocol") {
  CHECK(settled().next(ask(command::disc, 0, 0)).what == kind::left);
  CHECK(settled().next(bytes(request_size)).what == kind::violation);
}

TEST_CASE("hostile bytes never get more out of a server than errors") {
  const bytes haggled = join({client::flags(), client::structured(), client::go()});
  std::mt19937 random{1};
  for (int round = 0; round < 300; ++round) {
    bytes in = haggled;
    for (int i = 0; i < 20; ++i) {
      const auto type = static_cast<command>(random() % 10);
      const bytes next =
          ask(type, random() % 3 == 0 ? UINT64_MAX - random() % 8 : random(),
              static_cast<std::uint32_t>(random() % 100'000), static_cast<std::uint16_t>(1u << random() % 17));
      in.insert(in.end(), next.begin(), next.end());
    }
    if (round % 2 == 0) in[random() % in.size()] = static_cast<std::byte>(random());
    synchronous_server server;
    server.hear(in);
    CHECK_NOTHROW(server.check_output());
  }
}

TEST_CASE("how the bytes were cut on their way changes nothing") {
  std::mt19937 random{2};
  const bytes in =
      join({client::flags(), client::option(option::list), client::structured(),
            client::contexts(option::set_meta_context, ""), client::go(), ask(command::write, 5, 100'000),
            bytes(100'000, std::byte{0x5a}), ask(command::read, 0, 4096), ask(command::write, UINT64_MAX, 9),
            client::text("123456789"), ask(command::block_status, 0, 4096), ask(command::trim, 0, 4096),
            ask(command::read, 0, 100'000, command_flag::df), ask(command::disc, 0, 0)});
  synchronous_server whole;
  whole.hear(in);
  CHECK(whole.ended());
  whole.check_output();
  for (int round = 0; round < 50; ++round) {
    synchronous_server cut;
    shoal::bytes_view rest = in;
    while (!rest.empty()) {
      const std::size_t n = std::min<std::size_t>(rest.size(), 1 + random() % (round % 2 == 0 ? 40 : 70'000));
      cut.hear(rest.first(n));
      rest = rest.subspan(n);
    }
    CHECK(cut.output() == whole.output());
  }
}

}  // namespace
