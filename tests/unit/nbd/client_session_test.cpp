// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/client_session.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "client_bytes.hpp"
#include "scripted_server.hpp"
#include "synchronous_server.hpp"

namespace {

using namespace shoal::nbd;
using client::bytes;
using client::join;
using kind = client_event::kind;
using shoal::errc;

constexpr std::uint64_t size = 1 << 20;

/// A client that is past its negotiation, and what it was told since.
struct talker {
  client_session session{{.name = "disk"}};
  std::vector<client_event> ended;

  explicit talker(const bytes& negotiation = server::everything(size)) {
    hear(negotiation);
    REQUIRE(session.settled());
    (void)session.take_output();
  }

  std::uint64_t ask(command type, std::uint64_t offset, std::uint32_t length, shoal::bytes_span content = {}) {
    std::array<std::byte, request_size> head;
    const request r{.type = type, .offset = offset, .length = length};
    const std::uint64_t cookie = session.begin(r, content, head.data());
    CHECK(bytes{head.begin(), head.end()} == client::ask(type, offset, length, 0, cookie));
    return cookie;
  }

  /// False once it is broken.
  bool hear(shoal::bytes_view in) {
    while (true) {
      client_event e = session.next(in);
      in = in.subspan(e.consumed);
      if (e.what == kind::broken) return false;
      if (e.what == kind::starved) return true;
      if (e.what == kind::finished) ended.push_back(std::move(e));
    }
  }
};

bytes some(std::size_t n, unsigned char first = 1) {
  bytes out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(first + i);
  return out;
}

TEST_CASE("a read comes in parts, in any order, and holes are zeroes") {
  talker t;
  bytes content(100, std::byte{0xaa});
  const std::uint64_t id = t.ask(command::read, 1000, 100, content);
  CHECK(t.hear(server::data(id, 1060, some(40, 61), false)));
  CHECK(t.hear(server::hole(id, 1020, 40, false)));
  CHECK(t.ended.empty());
  CHECK(t.hear(server::data(id, 1000, some(20), true)));
  REQUIRE(t.ended.size() == 1);
  CHECK(t.ended[0].cookie == id);
  CHECK(t.ended[0].code == error::ok);
  bytes expected = some(100);
  std::fill_n(expected.begin() + 20, 40, std::byte{});
  CHECK(content == expected);
  CHECK(t.session.outstanding() == 0);
}

TEST_CASE("requests are answered in any order, and their replies may lie in each other") {
  talker t;
  bytes a(8);
  bytes b(8);
  const std::uint64_t first = t.ask(command::read, 0, 8, a);
  const std::uint64_t second = t.ask(command::read, 8, 8, b);
  const std::uint64_t third = t.ask(command::flush, 0, 0);
  CHECK(t.hear(join({server::data(second, 8, some(4), false), server::data(first, 0, some(4), false),
                     server::simple(third), server::data(second, 12, some(4, 5), true),
                     server::data(first, 4, some(4, 5), false), server::end(first)})));
  REQUIRE(t.ended.size() == 3);
  CHECK(t.ended[0].cookie == third);
  CHECK(t.ended[1].cookie == second);
  CHECK(t.ended[2].cookie == first);
  CHECK(a == some(8));
  CHECK(b == some(8));
}

TEST_CASE("a server without structured replies sends content behind its reply") {
  talker t{server::without_structure(size)};
  bytes content(300);
  const std::uint64_t id = t.ask(command::read, 0, 300, content);
  const std::uint64_t bad = t.ask(command::read, 300, 300, content);
  CHECK(t.hear(join({server::simple(bad, error::io), server::simple(id, error::ok, some(300))})));
  REQUIRE(t.ended.size() == 2);
  CHECK(t.ended[0].code == error::io);
  CHECK(t.ended[1].code == error::ok);
  CHECK(content == some(300));
}

TEST_CASE("an error ends a request, with or without what was read before") {
  talker t;
  bytes content(64);
  const std::uint64_t a = t.ask(command::read, 0, 64, content);
  CHECK(t.hear(server::failed(a, error::io, "the disk is on fire", true)));
  const std::uint64_t b = t.ask(command::read, 0, 64, content);
  CHECK(t.hear(join({server::data(b, 0, some(32), false), server::failed(b, error::nomem, "", false),
                     server::failed(b, error::io, "again", false), server::end(b)})));
  const std::uint64_t c = t.ask(command::read, 0, 64, content);
  CHECK(t.hear(server::chunk(c, chunk::error_offset, true,
                             join({client::be(std::uint32_t{5}), client::be(std::uint16_t{2}),
                                   client::text("no"), client::be(std::uint64_t{7})}))));
  const std::uint64_t d = t.ask(command::write, 0, 64);
  CHECK(t.hear(server::chunk(d, std::uint16_t{0x8765}, true,  // of a kind that is not known, but an error
                             join({client::be(std::uint32_t{28}), client::be(std::uint16_t{0}), bytes(8)}))));
  const std::uint64_t e = t.ask(command::block_status, 0, 64);
  CHECK(t.hear(server::simple(e, error::inval)));
  REQUIRE(t.ended.size() == 5);
  CHECK(t.ended[0].code == error::io);
  CHECK(t.ended[1].code == error::nomem);
  CHECK(t.ended[2].code == error::io);
  CHECK(t.ended[3].code == error::nospc);
  CHECK(t.ended[4].code == error::inval);
}

TEST_CASE("a block status is cut to what was asked for, and to what is kept of it") {
  talker t;
  const std::uint64_t a = t.ask(command::block_status, 4096, 8192);
  CHECK(t.hear(server::status(a, 1, {4096, state_hole | state_zero, 1 << 20, 0}, true)));
  REQUIRE(t.ended.size() == 1);
  CHECK(t.ended[0].runs == std::vector<allocation_run>{{4096, state_hole | state_zero}, {4096, 0}});
  const std::uint64_t b = t.ask(command::block_status, 0, 1 << 20);
  std::vector<std::uint32_t> many;
  for (unsigned i = 0; i < 5000; ++i) many.insert(many.end(), {1, i % 4});
  CHECK(t.hear(join({server::status(b, 1, many, false), server::end(b)})));
  REQUIRE(t.ended.size() == 2);
  CHECK(t.ended[1].runs.size() == client_session::max_runs);
}

TEST_CASE("what nobody waits for any more is taken and dropped") {
  talker t;
  {
    bytes content(512);
    const std::uint64_t id = t.ask(command::read, 0, 512, content);
    CHECK(t.hear(shoal::bytes_view{server::data(id, 0, some(512), true)}.first(100)));
    CHECK_FALSE(t.session.room().empty());
    t.session.forget(id);
    CHECK(t.session.room().empty());
  }
  CHECK(t.hear(shoal::bytes_view{server::data(1, 0, some(512), true)}.subspan(100)));
  CHECK(t.ended.size() == 1);
  t.session.forget(77);
}

TEST_CASE("content can be received into its place") {
  talker t;
  bytes content(1000);
  const std::uint64_t id = t.ask(command::read, 0, 1000, content);
  const bytes reply = server::data(id, 0, some(1000), true);
  CHECK(t.session.room().empty());
  shoal::bytes_view rest = reply;
  CHECK(t.hear(rest.first(128)));
  rest = rest.subspan(128);
  while (!t.session.room().empty()) {
    const shoal::bytes_span room = t.session.room();
    const std::size_t n = std::min<std::size_t>(room.size(), 300);
    std::ranges::copy(rest.first(n), room.begin());
    t.session.filled(n);
    rest = rest.subspan(n);
  }
  CHECK(rest.size() == 1);  // which tells that this was all
  CHECK(t.hear(rest));
  CHECK(t.ended.size() == 1);
  CHECK(content == some(1000));
}

TEST_CASE("a server that breaks the rules is heard no further") {
  using command::block_status;
  using command::read;
  using command::write;
  const struct {
    const char* rule;
    command asked;
    bytes said;  // to the first request: offset 4096, length 512
  } all[] = {
      {"what should be a reply is none", write, client::text("HTTP/1.1 400 Bad Request")},
      {"a reply to nothing", write, server::simple(99)},
      {"a reply to nothing", write, server::end(99)},
      {"a reply to nothing", write, join({server::simple(1), server::simple(1)})},
      {"a reply to nothing", read,
       join({server::data(1, 4096, some(512), true), server::hole(1, 4096, 1, true)})},
      {"a read without a structured reply", read, server::simple(1, error::ok, some(512))},
      {"a reply of both kinds", write, join({server::failed(1, error::io, "", false), server::simple(1)})},
      {"content that was not asked for, or came before", read, server::data(1, 4095, some(2), false)},
      {"content that was not asked for, or came before", read, server::data(1, 4097, some(512), false)},
      {"content that was not asked for, or came before", read, server::data(1, UINT64_MAX, some(2), false)},
      {"content that was not asked for, or came before", read,
       join({server::data(1, 4096, some(512), false), server::data(1, 4096, some(512), true)})},
      {"content that was not asked for, or came before", read, server::hole(1, 4096, 513, false)},
      {"content that was not asked for, or came before", read, server::hole(1, 4096, 0, false)},
      {"content that was not asked for, or came before", write, server::data(1, 4096, some(5), false)},
      {"content that was not asked for, or came before", block_status, server::hole(1, 4096, 5, false)},
      {"a chunk of data without any", read, server::data(1, 4096, {}, true)},
      {"a hole of no such length", read, server::chunk(1, chunk::offset_hole, true, bytes(11))},
      {"a chunk of nothing that is something", read, server::chunk(1, chunk::none, true, bytes(1))},
      {"a chunk of nothing that is something", read, server::chunk(1, chunk::none, false)},
      {"a read without all its content", read, join({server::data(1, 4096, some(511), false), server::end(1)})},
      {"a read without all its content", read, server::end(1)},
      {"a chunk of a kind that nobody asked for", read, server::chunk(1, std::uint16_t{3}, true, bytes(4))},
      {"an error that is none", read, server::failed(1, error::ok, "", true)},
      {"an error of no such length", read, server::chunk(1, chunk::error, true, bytes(5))},
      {"an error of no such length", read, server::failed(1, error::io, std::string(5000, 'x'), true)},
      {"an error of no such length", read, server::chunk(1, chunk::error_offset, true, bytes(13))},
      {"an error whose text is of another length", read,
       server::chunk(1, chunk::error, true,
                     join({client::be(std::uint32_t{5}), client::be(std::uint16_t{9}), bytes(8)}))},
      {"a block status without content", block_status, server::end(1)},
      {"a block status without content", block_status, server::simple(1)},
      {"a block status that was not asked for, or came before", read, server::status(1, 1, {512, 0}, true)},
      {"a block status that was not asked for, or came before", block_status,
       join({server::status(1, 1, {512, 0}, false), server::status(1, 1, {512, 0}, true)})},
      {"a block status of no such length", block_status, server::status(1, 1, {}, true)},
      {"a block status of no such length", block_status, server::status(1, 1, {512}, true)},
      {"a block status of a context that was not selected", block_status, server::status(1, 2, {512, 0}, true)},
      {"a block status of what was not asked for", block_status, server::status(1, 1, {0, 0}, true)},
      {"a block status of what was not asked for", block_status, server::status(1, 1, {512, 0, 1, 0}, true)},
  };
  for (const auto& each : all) {
    CAPTURE(&each - all);
    talker t;
    bytes content(512);
    t.ask(each.asked, 4096, 512, each.asked == read ? shoal::bytes_span{content} : shoal::bytes_span{});
    CHECK_FALSE(t.hear(each.said));
    CHECK(t.session.failure() == errc::malformed);
    CHECK(t.session.detail() == each.rule);
    CHECK_FALSE(t.hear(server::simple(1)));  // for good
  }
  talker plain{server::without_structure(size)};
  plain.ask(command::write, 0, 512);
  CHECK_FALSE(plain.hear(server::end(1)));
  talker angry;
  angry.ask(command::flush, 0, 0);
  bool heard = true;
  for (unsigned i = 0; i <= client_session::max_errors; ++i)
    heard = angry.hear(server::failed(1, error::io, "no", false));
  CHECK_FALSE(heard);
}

TEST_CASE("what comes in the clear behind the promise of TLS is not believed") {
  client_session s{{.name = "disk", .tls = true}};
  const bytes ready = join({server::greeting(), server::answer(option::starttls, option_reply::ack)});
  const client_event e = s.next(join({ready, server::structured()}));
  CHECK(e.what == kind::broken);
  CHECK(s.failure() == errc::malformed);
  client_session honest{{.name = "disk", .tls = true}};
  CHECK(honest.next(ready).what == kind::securing);
  honest.secured();
  CHECK(honest.take_output().size() == 4 + 16 + 16);
}

TEST_CASE("a refusal is told in the server's words") {
  client_session s{{.name = "disk"}};
  const client_event e = s.next(
      join({server::greeting(), server::answer(option::structured_reply, option_reply::err_unsup),
            server::answer(option::go, option_reply::err_unknown, client::text("there is no disk here"))}));
  CHECK(e.what == kind::broken);
  CHECK(s.failure() == errc::not_found);
  CHECK(s.detail() == "there is no disk here");
}

/// Our client and our server, back to back.
TEST_CASE("random requests against our own server leave what a model says, however the bytes are cut") {
  for (const std::size_t cut : {1u, 7u, 4096u, 1u << 20}) {
    std::mt19937 random{static_cast<std::uint32_t>(cut)};
    synchronous_server far;
    client_session session{{.name = ""}};
    std::size_t heard = 0;
    std::map<std::uint64_t, std::pair<bytes, bytes>> reads;  // cookie: found, expected
    std::size_t finished = 0;
    const auto listen = [&] {
      while (heard < far.output().size()) {
        // copied: what the client says makes the server say more
        const bytes in{far.output().begin() + static_cast<std::ptrdiff_t>(heard), far.output().end()};
        const client_event e = session.next(shoal::bytes_view{in}.first(std::min(in.size(), cut)));
        const client_event whole = e.what == kind::starved && in.size() > cut ? session.next(in) : e;
        REQUIRE(whole.what != kind::broken);
        REQUIRE(whole.what != kind::starved);
        heard += whole.consumed;
        if (whole.what == kind::finished) {
          CHECK(whole.code == error::ok);
          ++finished;
        }
        const bytes said = session.take_output();
        if (!said.empty()) far.hear(said);
      }
    };
    far.hear({});
    listen();
    REQUIRE(session.settled());
    bytes model(synchronous_server::size);
    std::size_t begun = 0;
    for (int i = 0; i < 60; ++i) {
      const auto offset = static_cast<std::uint32_t>(random() % (model.size() - 1));
      const auto length = static_cast<std::uint32_t>(
          1 + random() % std::min<std::size_t>(model.size() - offset, i % 10 == 0 ? 100'000 : 3000));
      const auto place = shoal::bytes_span{model}.subspan(offset, length);
      std::array<std::byte, request_size> head;
      request r{.type = command::read, .offset = offset, .length = length};
      switch (random() % 4) {
        case 0: {
          r.type = command::write;
          const bytes payload = some(length, static_cast<unsigned char>(random()));
          std::ranges::copy(payload, place.begin());
          session.begin(r, {}, head.data());
          far.hear(join({bytes{head.begin(), head.end()}, payload}));
          break;
        }
        case 1:
          r.type = command::write_zeroes;
          std::ranges::fill(place, std::byte{});
          session.begin(r, {}, head.data());
          far.hear(head);
          break;
        default: {
          std::pair<bytes, bytes> expected{bytes(length), bytes{place.begin(), place.end()}};
          // begin() takes where the content goes, which must not move any more
          const auto next = reads.emplace(begun + 1, std::move(expected)).first;
          CHECK(session.begin(r, next->second.first, head.data()) == begun + 1);
          far.hear(head);
        }
      }
      ++begun;
      if (random() % 3 == 0) listen();
    }
    listen();
    CHECK(finished == begun);
    CHECK(session.outstanding() == 0);
    for (const auto& [cookie, content] : reads) CHECK(content.first == content.second);
  }
}

}  // namespace
