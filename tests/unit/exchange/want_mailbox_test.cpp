// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/want_mailbox.hpp>  // first: shows that the header stands alone

#include <doctest/doctest.h>

#include "blocks.hpp"

namespace {

using namespace shoal::exchange;

constexpr peer_handle peer{7};

want_entry want(std::uint64_t number) {
  return {.id = blocks::name(number)};
}

TEST_CASE("entries leave in order, and in one message") {
  want_mailbox box;
  CHECK_FALSE(box.due());
  box.post(want(1));
  box.post_cancel(blocks::name(2), false);
  box.post(want(3));
  REQUIRE(box.due());
  const outgoing_message m = box.take(peer);
  CHECK(m.peer == peer);
  CHECK(m.size == blocks::flat(m.pieces).size());
  const auto said = blocks::read(m.pieces).wants;
  REQUIRE(said.size() == 3);
  CHECK(said[0].id == blocks::name(1));
  CHECK(said[1].cancel);
  CHECK(said[2].id == blocks::name(3));
  CHECK_FALSE(box.due());
}

TEST_CASE("patient cancels ride along with the next entry, or go when there are many") {
  want_mailbox box;
  box.post_cancel(blocks::name(1), true);
  CHECK_FALSE(box.due());
  box.post(want(2));
  auto said = blocks::read(box.take(peer).pieces).wants;
  REQUIRE(said.size() == 2);
  CHECK(said[0].cancel);
  for (std::uint64_t i = 0; i < want_mailbox::max_patient; ++i) {
    CHECK_FALSE(box.due());
    box.post_cancel(blocks::name(i), true);
  }
  REQUIRE(box.due());
  CHECK(blocks::read(box.take(peer).pieces).wants.size() == want_mailbox::max_patient);
  CHECK_FALSE(box.due());
}

TEST_CASE("one message does not call a block off and ask for it") {
  want_mailbox box;
  box.post_cancel(blocks::name(1), true);
  box.post(want(1));
  CHECK(blocks::read(box.take(peer).pieces).wants.at(0).cancel);
  REQUIRE(box.due());
  CHECK_FALSE(blocks::read(box.take(peer).pieces).wants.at(0).cancel);
  box.post_cancel(blocks::name(2), false);
  box.post(want(2));
  CHECK(blocks::read(box.take(peer).pieces).wants.size() == 1);
  CHECK(box.due());
}

TEST_CASE("wants that are dropped leave the cancels") {
  want_mailbox box;
  box.post(want(1));
  box.post_cancel(blocks::name(2), false);
  box.post(want(3));
  box.post_cancel(blocks::name(4), true);
  box.drop_wants();
  const auto said = blocks::read(box.take(peer).pieces).wants;
  REQUIRE(said.size() == 2);
  for (const want_entry& w : said) CHECK(w.cancel);
  CHECK_FALSE(box.due());
}

TEST_CASE("a long list is several messages") {
  want_mailbox box;
  for (std::uint64_t i = 0; i < 1200; ++i) box.post(want(i));
  std::size_t total = 0;
  int messages = 0;
  for (; box.due(); ++messages) {
    const auto said = blocks::read(box.take(peer).pieces).wants;
    CHECK(said.size() <= want_mailbox::max_entries);
    total += said.size();
  }
  CHECK(total == 1200);
  CHECK(messages == 3);
}

}  // namespace
