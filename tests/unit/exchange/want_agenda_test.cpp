// SPDX-License-Identifier: BSL-1.0
#include <shoal/exchange/want_agenda.hpp>  // first: shows that the header stands alone

#include <chrono>

#include <doctest/doctest.h>

namespace {

using namespace shoal::exchange;
using namespace std::chrono_literals;

client_want make(std::uint64_t sequence, std::int32_t priority, bool urgent) {
  client_want w;
  w.sequence = sequence;
  w.how = {priority, urgent};
  return w;
}

TEST_CASE("ready wants stand in order: urgent, then high, then old") {
  want_agenda agenda;
  client_want low = make(1, 1, false);
  client_want high = make(2, 9, false);
  client_want younger = make(3, 9, false);
  client_want urgent = make(4, -5, true);
  for (client_want* w : {&low, &younger, &urgent, &high}) agenda.make_ready(*w);
  std::vector<client_want*> order;
  for (const auto& [rank, w] : agenda.ready()) order.push_back(w);
  CHECK(order == std::vector{&urgent, &high, &younger, &low});
}

TEST_CASE("resting wants are due in the order of their deadlines") {
  want_agenda agenda;
  client_want first = make(1, 1, false);
  client_want second = make(2, 1, false);
  CHECK_FALSE(agenda.next_deadline());
  agenda.rest(second, want_stage::idle, instant{} + 2s);
  agenda.rest(first, want_stage::waiting, instant{} + 1s);
  CHECK(agenda.next_deadline() == instant{} + 1s);
  CHECK(agenda.due(instant{}) == nullptr);
  CHECK(agenda.due(instant{} + 5s) == &first);
  agenda.rest(first, want_stage::waiting, instant{} + 3s);
  CHECK(agenda.due(instant{} + 5s) == &second);
}

TEST_CASE("a want that is wanted more moves forward, and keeps its deadline if it has one") {
  want_agenda agenda;
  client_want first = make(1, 5, false);
  client_want second = make(2, 1, false);
  client_want resting = make(3, 1, false);
  agenda.make_ready(first);
  agenda.make_ready(second);
  agenda.rest(resting, want_stage::waiting, instant{} + 1s);
  agenda.reorder(second, {.priority = 9});
  agenda.reorder(resting, {.priority = 50, .urgent = true});
  CHECK(agenda.ready().begin()->second == &second);
  CHECK(agenda.ready().size() == 2);
  CHECK(resting.how.urgent);
  CHECK(agenda.due(instant{} + 1s) == &resting);
}

TEST_CASE("a want is in one place, or in none") {
  want_agenda agenda;
  client_want w = make(1, 1, false);
  agenda.rest(w, want_stage::waiting, instant{} + 1s);
  agenda.make_ready(w);
  CHECK_FALSE(agenda.next_deadline());
  CHECK(agenda.ready().size() == 1);
  agenda.rest(w, want_stage::idle, instant{} + 1s);
  CHECK(agenda.ready().empty());
  agenda.remove(w);
  CHECK_FALSE(agenda.next_deadline());
  CHECK(w.at == want_stage::open);
  agenda.remove(w);
}

}  // namespace
