// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/handshake.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "client_bytes.hpp"

namespace {

using namespace shoal::nbd;
using client::about;
using client::bytes;
using client::join;
using client::option_answer;
using client::server_bytes;

const std::vector<export_info> exports{
    {.name = "", .description = "the default", .size = 1u << 20, .allocation = true},
    {.name = "coarse", .description = "", .size = 1u << 16, .min_block = 4096},
    {.name = "plain", .description = "", .size = 5},
};

/// A handshake that hears everything at once, and what it says.
struct conversation {
  explicit conversation(const bytes& in) {
    shoal::bytes_view rest = in;
    while (true) {
      const std::size_t took = talk.receive(rest, out);
      rest = rest.subspan(took);
      if (took == 0 || talk.state() != handshake::phase::haggling) break;
    }
    left = rest.size();
  }
  std::vector<option_answer> answers() const {
    std::vector<option_answer> all;
    server_bytes said{out};
    while (!said.empty()) all.push_back(said.answer());
    return all;
  }
  option_reply last() const { return answers().back().kind; }

  handshake talk{exports};
  bytes out;
  std::size_t left = 0;
};

bytes info_export(const export_info& e, std::uint16_t extra = 0) {
  return join({client::be(std::uint16_t{0}), client::be(e.size),
               client::be(static_cast<std::uint16_t>(e.flags | extra))});
}

TEST_CASE("the greeting offers fixed newstyle without zeroes") {
  const auto hello = handshake::greeting();
  CHECK(shoal::as_text(shoal::bytes_view{hello}.first(16)) == "NBDMAGICIHAVEOPT");
  CHECK(shoal::load_be<std::uint16_t>(hello.data() + 16) == 3);
}

TEST_CASE("a client flag that was not offered ends the conversation") {
  CHECK(conversation{client::flags(4)}.talk.state() == handshake::phase::closed);
  CHECK(conversation{client::flags(0x80000003)}.talk.state() == handshake::phase::closed);
  CHECK(conversation{client::flags(0)}.talk.state() == handshake::phase::haggling);
}

TEST_CASE("EXPORT_NAME answers with size and flags, and 124 zeroes for those who did not decline them") {
  const conversation old{join({client::flags(1), client::option(option::export_name)})};
  REQUIRE(old.out.size() == 10 + 124);
  CHECK(shoal::load_be<std::uint64_t>(old.out.data()) == exports[0].size);
  CHECK(std::all_of(old.out.begin() + 10, old.out.end(), [](std::byte b) { return b == std::byte{}; }));
  CHECK(old.talk.state() == handshake::phase::transmission);

  const conversation plain{
      join({client::flags(3), client::option(option::export_name, client::text("plain"))})};
  CHECK(plain.out.size() == 10);
  CHECK(plain.talk.chosen().export_index == 2);

  const conversation unknown{
      join({client::flags(3), client::option(option::export_name, client::text("none"))})};
  CHECK(unknown.talk.state() == handshake::phase::closed);
  CHECK(unknown.out.empty());
}

TEST_CASE("LIST names every export") {
  const conversation asked{join({client::flags(), client::option(option::list)})};
  const auto answers = asked.answers();
  REQUIRE(answers.size() == 4);
  CHECK(answers[0] ==
        option_answer{3, option_reply::server, join({client::name(""), client::text("the default")})});
  CHECK(answers[1].data == client::name("coarse"));
  CHECK(answers[3] == option_answer{3, option_reply::ack, {}});
  CHECK(conversation{join({client::flags(), client::option(option::list, client::text("x"))})}.last() ==
        option_reply::err_invalid);
}

TEST_CASE("INFO says what GO says, and only GO ends the haggling") {
  const std::vector<info> wanted{info::name, info::description, info{0x1234}, info::block_size};
  const conversation asked{join({client::flags(), about(option::info, "", wanted)})};
  const conversation went{join({client::flags(), about(option::go, "", wanted)})};
  const auto told = asked.answers();
  auto same = went.answers();
  for (option_answer& each : same) each.asked = 6;
  CHECK(told == same);
  CHECK(asked.talk.state() == handshake::phase::haggling);
  CHECK(went.talk.state() == handshake::phase::transmission);
  CHECK(std::ranges::count(told, option_answer{6, option_reply::info, info_export(exports[0])}) == 1);
  CHECK(std::ranges::count(told, option_answer{6, option_reply::info,
                                               join({client::be(std::uint16_t{3}), client::be(1u),
                                                     client::be(4096u), client::be(max_payload)})}) == 1);
  CHECK(told.back() == option_answer{6, option_reply::ack, {}});
}

TEST_CASE("an unknown export is an error that haggling survives") {
  const conversation asked{join({client::flags(), client::go("none"), client::go("plain")})};
  CHECK(asked.answers().front().kind == option_reply::err_unknown);
  CHECK(asked.talk.state() == handshake::phase::transmission);
}

TEST_CASE("who may not read single bytes has to ask for the block size, and is told it") {
  const conversation careless{join({client::flags(), client::go("coarse")})};
  CHECK(careless.last() == option_reply::err_block_size_reqd);
  CHECK(careless.answers().front().data[1] == std::byte{3});
  const conversation careful{join({client::flags(), about(option::go, "coarse", {info::block_size})})};
  CHECK(careful.talk.state() == handshake::phase::transmission);
}

TEST_CASE("do-not-fragment is offered only with structured replies") {
  const auto answers =
      conversation{join({client::flags(), client::structured(), about(option::info, "plain")})}.answers();
  CHECK(std::ranges::count(answers, option_answer{6, option_reply::info,
                                                  info_export(exports[2], transmission_flag::send_df)}) == 1);
}

TEST_CASE("options that are not spoken are refused, and the next one is heard") {
  const conversation asked{join(
      {client::flags(), client::option(option::starttls), client::option(option::starttls, client::text("x")),
       client::option(option::extended_headers), client::option(option::peek_export, client::text("abc")),
       client::option(option{0xffffffff}), client::structured()})};
  std::vector<option_reply> kinds;
  for (const option_answer& each : asked.answers()) kinds.push_back(each.kind);
  CHECK(kinds == std::vector{option_reply::err_policy, option_reply::err_invalid, option_reply::err_unsup,
                             option_reply::err_unsup, option_reply::err_unsup, option_reply::ack});
}

TEST_CASE("ABORT is acknowledged and ends it") {
  const conversation asked{
      join({client::flags(), client::option(option::abort, client::text("why")), client::go()})};
  CHECK(asked.last() == option_reply::ack);
  CHECK(asked.talk.state() == handshake::phase::closed);
}

TEST_CASE("base:allocation is had by those who can read it, for the export that they then choose") {
  const bytes select = client::contexts(option::set_meta_context, "");
  CHECK(conversation{join({client::flags(), select})}.last() == option_reply::err_invalid);

  const conversation both{join({client::flags(), client::structured(), select, client::go()})};
  CHECK(both.answers()[1] ==
        option_answer{10, option_reply::meta_context, join({client::be(1u), client::text("base:allocation")})});
  CHECK(both.talk.chosen().allocation == 1);
  CHECK_FALSE(conversation{join({client::flags(), client::structured(), select, client::go("plain")})}
                  .talk.chosen()
                  .allocation);
}

TEST_CASE("a later selection replaces an earlier one, even when it fails") {
  const bytes select = client::contexts(option::set_meta_context, "");
  const bytes failing[] = {client::contexts(option::set_meta_context, "none"),
                           client::contexts(option::set_meta_context, "", {"other:thing"}),
                           client::contexts(option::set_meta_context, "", {}),
                           client::option(option::set_meta_context, client::text("?"))};
  for (const bytes& next : failing) {
    const conversation asked{join({client::flags(), client::structured(), select, next, client::go()})};
    CHECK(asked.talk.state() == handshake::phase::transmission);
    CHECK_FALSE(asked.talk.chosen().allocation);
  }
}

TEST_CASE("listing contexts takes wildcards, and none means all") {
  const auto listed = [](const std::vector<std::string>& queries) {
    return conversation{join({client::flags(), client::structured(),
                              client::contexts(option::list_meta_context, "", queries)})}
               .answers()
               .size() == 3;
  };
  CHECK(listed({}));
  CHECK(listed({"base:"}));
  CHECK(listed({"other:x", "base:allocation"}));
  CHECK_FALSE(listed({"other:x"}));
  CHECK_FALSE(listed({"base:other"}));
}

TEST_CASE("data that disagrees with its lengths is invalid, and the stream stays in step") {
  const bytes broken[] = {
      {},
      client::text("abc"),
      join({client::be(1000u), client::text("abc")}),
      join({client::be(0u), client::be(std::uint16_t{9})}),
      join({client::be(0xffffffffu), client::be(std::uint16_t{0})}),
      join({client::be(0u), client::be(std::uint16_t{0}), client::text("x")}),
  };
  for (const bytes& data : broken) {
    const conversation asked{join({client::flags(), client::structured(), client::option(option::go, data),
                                   client::option(option::list_meta_context, data), client::go("plain")})};
    const auto answers = asked.answers();
    CHECK(answers[1].kind == option_reply::err_invalid);
    CHECK(answers[2].kind == option_reply::err_invalid);
    CHECK(asked.talk.state() == handshake::phase::transmission);
  }
}

TEST_CASE("an option that announces too much is refused before it arrives") {
  const conversation asked{join({client::flags(), client::raw_option(0x77, 0xffffffff, {})})};
  CHECK(asked.last() == option_reply::err_too_big);
  CHECK(asked.talk.state() == handshake::phase::closed);
}

TEST_CASE("a wrong magic and an endless negotiation are cut off, a long one is not") {
  bytes wrong = client::option(option::list);
  wrong[0] = std::byte{};
  CHECK(conversation{join({client::flags(), wrong})}.talk.state() == handshake::phase::closed);

  handshake talk{exports};
  bytes out;
  talk.receive(client::flags(), out);
  const bytes ask = client::option(option::list);
  for (unsigned i = 0; i < handshake::max_options; ++i) {
    REQUIRE(talk.state() == handshake::phase::haggling);
    out.clear();
    CHECK(talk.receive(ask, out) == ask.size());
  }
  out.clear();
  talk.receive(ask, out);
  CHECK(talk.state() == handshake::phase::closed);
  CHECK(out.empty());
}

TEST_CASE("a flood of questions is answered in portions") {
  bytes many;
  const bytes ask = client::option(option::list);
  many.reserve(ask.size() * 5000);
  for (unsigned i = 0; i < 5000; ++i) many.insert(many.end(), ask.begin(), ask.end());
  handshake talk{exports};
  bytes out;
  talk.receive(client::flags(), out);
  shoal::bytes_view rest = many;
  while (!rest.empty()) {
    out.clear();
    const std::size_t took = talk.receive(rest, out);
    REQUIRE(took > 0);
    CHECK(out.size() < handshake::max_pending_output + 1024);
    rest = rest.subspan(took);
  }
}

TEST_CASE("what follows the choice of an export is left for the next protocol") {
  const conversation asked{join({client::flags(), client::go(), client::ask(command::read, 0, 1)})};
  CHECK(asked.talk.state() == handshake::phase::transmission);
  CHECK(asked.left == request_size);
}

}  // namespace
