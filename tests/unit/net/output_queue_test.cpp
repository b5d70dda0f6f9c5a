// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/output_queue.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace output_queue_test {

using shoal::net::output_queue;
using progress = output_queue::progress;

struct socket_pair {
  socket_pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
  ~socket_pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  /// What has arrived at the other end.
  std::string arrived() const {
    std::string all(1u << 20, '\0');
    const ssize_t n = ::recv(ends[1], all.data(), all.size(), MSG_DONTWAIT);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }
  std::array<int, 2> ends{};
};

void put(output_queue& out, std::string_view text) {
  const shoal::bytes_view bytes = shoal::as_bytes(text);
  std::ranges::copy(bytes, out.header(bytes.size()));
}

TEST_CASE("headers and bodies leave in their order") {
  const socket_pair pair;
  output_queue::memory memory;
  output_queue out{memory};
  put(out, "head");
  out.body({nullptr, shoal::as_bytes("-body-")});
  put(out, "a");
  put(out, "b");
  CHECK(out.size() == 12);
  CHECK(out.flush(pair.ends[0]) == progress::done);
  CHECK(out.empty());
  CHECK(pair.arrived() == "head-body-ab");
}

TEST_CASE("a lease lives until its last byte has been sent, and no longer") {
  const socket_pair pair;
  output_queue::memory memory;
  output_queue out{memory};
  auto owner = std::make_shared<const std::vector<std::byte>>(4u << 20);
  out.body({owner, shoal::bytes_view{*owner}});
  CHECK(out.flush(pair.ends[0]) == progress::blocked);
  CHECK(owner.use_count() == 2);
  std::size_t received = 0;
  while (received < owner->size()) {
    received += pair.arrived().size();
    (void)out.flush(pair.ends[0]);
  }
  CHECK(owner.use_count() == 1);
}

TEST_CASE("a queue that never runs empty gives back what it has sent") {
  const socket_pair pair;
  output_queue::memory memory;
  output_queue out{memory};
  std::string expected;
  std::string got;
  unsigned number = 0;
  for (int round = 0; round < 200; ++round) {
    while (out.size() < (1u << 18)) {
      const std::string text = std::to_string(number++) + ",";
      put(out, text);
      expected += text;
    }
    REQUIRE(out.flush(pair.ends[0]) != progress::broken);
    got += pair.arrived();
  }
  while (!out.empty()) {
    (void)out.flush(pair.ends[0]);
    got += pair.arrived();
  }
  got += pair.arrived();
  CHECK(got == expected);
}

TEST_CASE("what is rolled back was never there") {
  const socket_pair pair;
  output_queue::memory memory;
  output_queue out{memory};
  auto owner = std::make_shared<const std::vector<std::byte>>(10);
  put(out, "kept");
  const output_queue::mark before = out.end();
  put(out, "gone");
  out.body({owner, shoal::bytes_view{*owner}});
  (void)out.header(shoal::net::scratch_size);
  out.roll_back(before);
  CHECK(owner.use_count() == 1);
  CHECK(out.size() == 4);
  (void)out.room(100);  // not kept
  put(out, "!");
  CHECK(out.flush(pair.ends[0]) == progress::done);
  CHECK(pair.arrived() == "kept!");
}

TEST_CASE("what a queue never sent does not turn up in another") {
  const socket_pair pair;
  output_queue::memory memory;
  auto owner = std::make_shared<const std::vector<std::byte>>(10);
  {
    output_queue gone{memory};
    put(gone, "secret");
    gone.body({owner, shoal::bytes_view{*owner}});
  }
  CHECK(owner.use_count() == 1);
  output_queue out{memory};
  put(out, "mine");
  CHECK(out.flush(pair.ends[0]) == progress::done);
  CHECK(pair.arrived() == "mine");
}

TEST_CASE("a peer that has gone breaks the queue, without a signal") {
  socket_pair pair;
  output_queue::memory memory;
  output_queue out{memory};
  put(out, "x");
  ::shutdown(pair.ends[1], SHUT_RD);
  CHECK(out.flush(pair.ends[0]) == progress::broken);
}

}  // namespace output_queue_test
