// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/client_handshake.hpp>  // first: shows that the header stands alone

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/nbd/handshake.hpp>

#include "client_bytes.hpp"
#include "scripted_server.hpp"

namespace {

using namespace shoal::nbd;
using client::bytes;
using client::join;
using phase = client_handshake::phase;
using reply = option_reply;
using shoal::errc;

/// What comes of a server that says all this.
struct talk {
  client_handshake client;
  bytes said;  ///< by the client
  std::size_t taken = 0;

  explicit talk(const bytes& server, export_wish wish = {.name = "disk"}) : client(std::move(wish)) {
    taken = client.receive(server, said);
  }
};

bytes refuse(option asked, reply kind, std::string_view why = {}) {
  return server::answer(asked, kind, client::text(why));
}

TEST_CASE("a client asks for structure, allocation and the export, one after the other") {
  client_handshake c{{.name = "disk"}};
  bytes said;
  const auto hears = [&](const bytes& in) {
    said.clear();
    CHECK(c.receive(in, said) == in.size());
    return said;
  };
  CHECK(hears(server::greeting()) == join({client::flags(3), client::structured()}));
  CHECK(hears(server::structured()) == client::contexts(option::set_meta_context, "disk"));
  CHECK(hears(server::context(9)).empty());
  CHECK(hears(server::contexts_end()) == client::about(option::go, "disk", {info::block_size}));
  CHECK(hears(server::blocks_are(512, 4096, 1 << 20)).empty());
  CHECK(hears(server::export_is(1'000'000, 0x101)).empty());
  CHECK(c.state() == phase::haggling);
  CHECK(hears(server::gone()).empty());
  CHECK(c.state() == phase::transmission);
  const client_agreement& agreed = c.agreed();
  CHECK(agreed.info.name == "disk");
  CHECK(agreed.info.size == 999'936);  // whole blocks
  CHECK(agreed.info.flags == 0x101);
  CHECK(agreed.info.min_block == 512);
  CHECK(agreed.info.preferred_block == 4096);
  CHECK(agreed.max_block == 1 << 20);
  CHECK(agreed.structured);
  CHECK(agreed.info.allocation);
  CHECK(agreed.allocation_id == 9);
}

TEST_CASE("a client does without what a server has not") {
  const talk plain{server::without_structure(4096)};
  CHECK(plain.client.state() == phase::transmission);
  CHECK_FALSE(plain.client.agreed().structured);
  CHECK_FALSE(plain.client.agreed().info.allocation);
  CHECK(plain.client.agreed().max_block == max_payload);
  const talk no_context{
      join({server::greeting(), server::structured(), server::context(),
            refuse(option::set_meta_context, reply::err_too_big), server::export_is(4096), server::gone()})};
  CHECK(no_context.client.agreed().structured);
  CHECK_FALSE(no_context.client.agreed().info.allocation);
  const talk other_context{join({server::greeting(), server::structured(), server::context(3, "x:y"),
                                 server::contexts_end(), server::export_is(4096), server::gone()})};
  CHECK_FALSE(other_context.client.agreed().info.allocation);
}

TEST_CASE("an old server is asked for the export by name, and may send zeroes") {
  const bytes told = join({client::be(std::uint64_t{4096}), client::be(std::uint16_t{3})});
  // fixed newstyle without GO; newstyle that is not fixed; and one that pads its answer
  const bytes beginnings[] = {join({server::greeting(), refuse(option::structured_reply, reply::err_unsup),
                                    refuse(option::go, reply::err_unsup)}),
                              server::greeting(2), join({server::greeting(0)})};
  for (const bytes& beginning : beginnings) {
    const bool padded = beginning.size() == 18 && beginning.back() == std::byte{};
    const bytes all = join({beginning, told, bytes(padded ? 124 : 0)});
    const talk t{all};
    CHECK(t.client.state() == phase::transmission);
    CHECK(t.taken == all.size());
    CHECK(t.client.agreed().info.size == 4096);
    CHECK(t.client.agreed().info.has(transmission_flag::read_only));
    const bytes asked = client::option(option::export_name, client::text("disk"));
    CHECK(std::equal(asked.rbegin(), asked.rend(), t.said.rbegin()));
  }
  CHECK(talk{server::greeting(2)}.client.end_of_stream() == errc::not_found);
  CHECK(talk{server::greeting(3)}.client.end_of_stream() == errc::closed);
}

TEST_CASE("a client that wants TLS says nothing of the export before") {
  const bytes ready = join({server::greeting(), server::answer(option::starttls, reply::ack)});
  talk t{ready, {.name = "disk", .tls = true}};
  CHECK(t.client.state() == phase::securing);
  CHECK(t.said == join({client::flags(3), client::option(option::starttls)}));
  t.said.clear();
  t.client.secured(t.said);
  CHECK(t.client.state() == phase::haggling);
  CHECK(t.said == client::structured());
  const std::error_code wrong = std::make_error_code(std::errc::wrong_protocol_type);
  CHECK(talk{join({server::greeting(), refuse(option::starttls, reply::err_unsup)}), {.name = {}, .tls = true}}
            .client.failure() == wrong);
  CHECK(talk{server::greeting(0), {.name = {}, .tls = true}}.client.failure() == wrong);
}

TEST_CASE("a refusal says why, in the server's words too, and the client takes its leave") {
  const bytes before =
      join({server::greeting(), server::structured(), server::context(), server::contexts_end()});
  const struct {
    reply kind;
    std::error_code why;
  } all[] = {
      {reply::err_unknown, errc::not_found},
      {reply::err_policy, std::make_error_code(std::errc::permission_denied)},
      {reply::err_tls_reqd, std::make_error_code(std::errc::wrong_protocol_type)},
      {reply::err_shutdown, errc::shutting_down},
      {reply::err_platform, errc::failed},
      {reply{0x800000ff}, errc::failed},
  };
  for (const auto& each : all) {
    const talk t{join({before, refuse(option::go, each.kind, "no\x1b[2J such\n\xff")})};
    CHECK(t.client.state() == phase::failed);
    CHECK(t.client.failure() == each.why);
    CHECK(t.client.server_text() == "no?[2J such??");
    const bytes leave = client::option(option::abort);
    CHECK(std::equal(leave.rbegin(), leave.rend(), t.said.rbegin()));
  }
  const talk early{join({server::greeting(), refuse(option::structured_reply, reply::err_tls_reqd)})};
  CHECK(early.client.failure() == std::errc::wrong_protocol_type);
  const talk long_text{join({before, refuse(option::go, reply::err_unknown, std::string(60'000, 'x'))})};
  CHECK(long_text.client.server_text().size() == client_handshake::max_server_text);
}

TEST_CASE("what breaks the negotiation is not believed") {
  const bytes before =
      join({server::greeting(), server::structured(), server::context(), server::contexts_end()});
  const bytes wrong[] = {
      client::text("SSH-2.0-OpenSSH_9.2p1 Debian"),
      join({client::be(nbd_magic), client::text("NOTNEWER")}),
      join({server::greeting(), client::text("what comes is no answer")}),
      join({server::greeting(), server::answer(option::go, reply::ack)}),  // to another question
      join({server::greeting(),
            server::answer(option::structured_reply, reply::info)}),  // no answer to this one
      join({server::greeting(), server::structured(),
            server::answer(option::set_meta_context, reply::meta_context)}),
      join({before, server::gone()}),  // nothing was said of the export
      join({before, server::answer(option::go, reply::meta_context)}),
      join({before, server::answer(option::go, reply::info, client::be(std::uint16_t{0}))}),
      join({before, server::answer(option::go, reply::info, {std::byte{}})}),
      join({before, server::answer(option::go, reply::info, join({client::be(std::uint16_t{3}), bytes(13)}))}),
      join({before, server::export_is(std::uint64_t{1} << 63), server::gone()}),
      join({before, server::blocks_are(0, 4096, 1 << 20), server::export_is(4096), server::gone()}),
      join({before, server::blocks_are(3, 4096, 1 << 20), server::export_is(4096), server::gone()}),
      join({before, server::blocks_are(1 << 17, 1 << 17, 1 << 20), server::export_is(4096), server::gone()}),
      join({before, server::blocks_are(512, 256, 1 << 20), server::export_is(4096), server::gone()}),
      join({before, server::blocks_are(512, 5000, 1 << 20), server::export_is(4096), server::gone()}),
      join({before, server::blocks_are(4096, 4096, 512), server::export_is(4096), server::gone()}),
      join({before, client::be(option_reply_magic), client::be(std::uint32_t{7}), client::be(std::uint32_t{3}),
            client::be(std::uint32_t{1 << 20})}),  // more than anybody has to say
  };
  for (const bytes& each : wrong) {
    const talk t{each};
    CAPTURE(&each - wrong);
    CHECK(t.client.state() == phase::failed);
    CHECK(t.client.failure() == errc::malformed);
  }
  CHECK(talk{join({client::be(nbd_magic), client::be(std::uint64_t{0x00420281861253})})}.client.failure() ==
        errc::unsupported);
  bytes endless = before;
  for (unsigned i = 0; i <= client_handshake::max_answers; ++i)
    endless = join({std::move(endless), server::export_is(1)});
  CHECK(talk{endless}.client.failure() == errc::malformed);
}

TEST_CASE("how the answers were cut on their way changes nothing") {
  const bytes all = join({server::everything(1 << 20), client::text("the next protocol")});
  const talk whole{all};
  client_handshake cut{{.name = "disk"}};
  bytes said;
  bytes in;
  for (const std::byte each : all) {
    in.push_back(each);
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(cut.receive(in, said)));
  }
  CHECK(cut.state() == phase::transmission);
  CHECK(said == whole.said);
  CHECK(cut.agreed() == whole.client.agreed());
  CHECK(in == client::text("the next protocol"));
}

TEST_CASE("our server and our client agree") {
  const std::vector<export_info> exports = {
      {.name = "disk", .description = {}, .size = 1 << 20, .min_block = 512, .allocation = true}};
  handshake ours{exports};
  client_handshake c{{.name = "disk"}};
  const auto greeting = handshake::greeting();
  bytes to_client{greeting.begin(), greeting.end()};
  bytes to_server;
  while (c.state() == phase::haggling) {
    REQUIRE(c.receive(to_client, to_server) == to_client.size());
    to_client.clear();
    REQUIRE(ours.receive(to_server, to_client) == to_server.size());
    to_server.clear();
  }
  CHECK(c.state() == phase::transmission);
  CHECK(ours.state() == handshake::phase::transmission);
  CHECK(c.agreed().allocation_id == ours.chosen().allocation);
  CHECK(c.agreed().info.min_block == 512);
  CHECK(c.agreed().max_block == max_payload);
}

}  // namespace
