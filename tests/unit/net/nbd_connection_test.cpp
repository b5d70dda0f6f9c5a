// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/nbd_connection.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/task/signal.hpp>

#include "nbd_client.hpp"

namespace nbd_connection_test {

using client::ask;
using client::bytes;
using client::join;
using client::nbd::command;
using client::nbd::error;
using shoal::any_device;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::io_flags;
using shoal::result;
using shoal::task;
namespace command_flag = client::nbd::command_flag;

/// A device on which everything has to wait, some of it until it is let go, and some of it fails. Only ever
/// touched on the server's strand.
struct slow_state {
  explicit slow_state(std::size_t size) : content(size, std::byte{0x11}) {}
  bytes content;
  std::set<std::uint64_t> held;  // reads at these offsets wait
  shoal::signal changed;
  std::uint64_t bad = UINT64_MAX;  // reads and writes of this byte fail
  std::size_t longest = 0;
  unsigned reading = 0;
  unsigned flushes = 0;
  unsigned durable_writes = 0;
};

struct slow_device {
  std::shared_ptr<slow_state> state;

  shoal::device_info info() const noexcept { return {.size = state->content.size(), .fua = true}; }
  task<> read(std::uint64_t offset, bytes_span out) {
    ++state->reading;
    while (state->held.contains(offset)) co_await state->changed.wait();
    --state->reading;
    state->longest = std::max(state->longest, out.size());
    if (state->bad - offset < out.size()) co_return errc::failed;
    std::copy_n(state->content.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    co_return result<>{};
  }
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    state->longest = std::max(state->longest, in.size());
    state->durable_writes += flags == io_flags::fua ? 1 : 0;
    if (state->bad - offset < in.size()) co_return errc::no_space;
    std::ranges::copy(in, state->content.begin() + static_cast<std::ptrdiff_t>(offset));
    co_return result<>{};
  }
  task<> flush() {
    ++state->flushes;
    return shoal::done();
  }
};

struct slow_server : served {
  explicit slow_server(std::size_t size = 1u << 20) : state(std::make_shared<slow_state>(size)) {
    server.add_export("", any_device{slow_device{state}});
    start();
  }
  ~slow_server() {
    on_strand([this] { let_go(); });
    stop();
  }
  void hold(std::uint64_t offset) {
    on_strand([&] { state->held.insert(offset); });
  }
  void let_go() {
    state->held.clear();
    state->changed.notify();
  }
  std::shared_ptr<slow_state> state;
};

struct memory_server : served {
  explicit memory_server(std::uint64_t size) {
    server.add_export("", any_device{shoal::memory_device{size}});
    start();
  }
};

bytes pattern(std::size_t size) {
  bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + (i >> 8) * 13);
  return out;
}

TEST_CASE("what is written is read back, at once or after a wait, with and without structured replies") {
  memory_server fast{1u << 20};
  slow_server slow;
  for (served* each : {static_cast<served*>(&fast), static_cast<served*>(&slow)}) {
    for (const bool structured : {true, false}) {
      nbd_client c{*each};
      c.go("", structured);
      const bytes data = pattern(300'001);
      c.send(join({ask(command::write, 12'345, 300'001), data}));
      CHECK(c.next_reply().code == error::ok);
      c.send(ask(command::read, 12'345, 300'001));
      CHECK(c.next_reply(300'001).content == data);
    }
  }
}

TEST_CASE("requests of 32 MiB are carried out without 32 MiB at a time") {
  for (const bool structured : {true, false}) {
    slow_server slow{64u << 20};
    nbd_client c{slow};
    c.go("", structured);
    const bytes data = pattern(32u << 20);
    c.send(join({ask(command::write, 4096, 32u << 20), data}));
    CHECK(c.next_reply().code == error::ok);
    c.send(ask(command::read, 4096, 32u << 20));
    CHECK(c.next_reply(32u << 20).content == data);
    CHECK(slow.on_strand([&] { return slow.state->longest; }) <= shoal::net::nbd_connection::piece_bytes);
  }
}

TEST_CASE("a read that waits lets others go first") {
  slow_server slow;
  slow.hold(0);
  nbd_client c{slow};
  c.go();
  c.send(join({ask(command::read, 0, 512, 0, 1), ask(command::read, 4096, 512, 0, 2)}));
  CHECK(c.next_reply().cookie == 2);
  slow.on_strand([&] { slow.let_go(); });
  CHECK(c.next_reply().cookie == 1);
}

TEST_CASE("a client that says goodbye, or only stops talking, gets every answer first") {
  for (const bool polite : {true, false}) {
    slow_server slow;
    slow.hold(512);
    nbd_client c{slow};
    c.go();
    for (std::uint64_t i = 0; i < 8; ++i) c.send(ask(command::read, i * 512, 512, 0, i));
    if (polite) c.send(ask(command::disc, 0, 0));
    if (!polite) c.end_output();
    std::set<std::uint64_t> cookies;
    for (int i = 0; i < 7; ++i) cookies.insert(c.next_reply().cookie);
    CHECK_FALSE(cookies.contains(1));
    slow.on_strand([&] { slow.let_go(); });
    CHECK(c.next_reply().cookie == 1);
    CHECK(c.hangs_up());
  }
}

TEST_CASE("only so many requests wait for the device at once, and all are answered") {
  slow_server slow;
  slow.hold(0);
  nbd_client c{slow};
  c.go();
  for (std::uint64_t i = 0; i < 200; ++i) c.send(ask(command::read, 0, 512, 0, i));
  while (slow.on_strand([&] { return slow.state->reading; }) < shoal::net::nbd_connection::max_tasks) {
  }
  CHECK(slow.on_strand([&] { return slow.state->reading; }) == shoal::net::nbd_connection::max_tasks);
  slow.on_strand([&] { slow.let_go(); });
  std::set<std::uint64_t> cookies;
  for (int i = 0; i < 200; ++i) cookies.insert(c.next_reply().cookie);
  CHECK(cookies.size() == 200);
}

TEST_CASE("an error in the middle of a long read is an error chunk, or the end of a plain connection") {
  slow_server slow{8u << 20};
  slow.on_strand([&] { slow.state->bad = 3u << 20; });
  nbd_client rich{slow};
  rich.go();
  rich.send(ask(command::read, 0, 8u << 20));
  CHECK(rich.next_reply().code == error::io);
  rich.send(ask(command::read, 0, 512));
  CHECK(rich.next_reply().code == error::ok);

  nbd_client plain{slow};
  plain.go("", false);
  plain.send(ask(command::read, 3u << 20, 512));
  CHECK(plain.next_reply(512).code == error::io);
  plain.send(ask(command::read, 0, 8u << 20));
  CHECK_THROWS(plain.next_reply(8u << 20));
}

TEST_CASE("a long write that fails in its middle is answered once, at its end") {
  slow_server slow{8u << 20};
  slow.on_strand([&] { slow.state->bad = 1u << 20; });
  nbd_client c{slow};
  c.go();
  c.send(join({ask(command::write, 0, 4u << 20, 0, 1), bytes(4u << 20), ask(command::read, 0, 512, 0, 2)}));
  const nbd_client::reply failed = c.next_reply();
  CHECK(failed.cookie == 1);
  CHECK(failed.code == error::nospc);
  CHECK(c.next_reply().cookie == 2);
}

TEST_CASE("forced unit access is passed on, and a long write is made durable once") {
  slow_server slow{8u << 20};
  nbd_client c{slow};
  c.go();
  c.send(join({ask(command::write, 0, 512, command_flag::fua), bytes(512)}));
  CHECK(c.next_reply().code == error::ok);
  CHECK(slow.on_strand([&] { return slow.state->durable_writes; }) == 1);
  c.send(join({ask(command::write, 0, 4u << 20, command_flag::fua), bytes(4u << 20)}));
  CHECK(c.next_reply().code == error::ok);
  CHECK(slow.on_strand([&] { return slow.state->durable_writes; }) == 1);
  CHECK(slow.on_strand([&] { return slow.state->flushes; }) == 1);
}

TEST_CASE("a read that may not be cut and is too long for that is refused") {
  memory_server fast{8u << 20};
  nbd_client c{fast};
  c.go();
  c.send(ask(command::read, 0, 8u << 20, command_flag::df));
  CHECK(c.next_reply().code == error::overflow);
  c.send(ask(command::read, 0, 1u << 20, command_flag::df));
  CHECK(c.next_reply().content.size() == 1u << 20);
}

TEST_CASE("block status tells holes, one or all") {
  memory_server fast{1u << 20};
  nbd_client c{fast};
  c.go();
  c.send(join({ask(command::write, 65536, 16384), bytes(16384, std::byte{1})}));
  CHECK(c.next_reply().code == error::ok);
  c.send(ask(command::block_status, 0, 1u << 20));
  CHECK(c.next_reply().content == join({client::be(1u), client::be(65536u), client::be(3u), client::be(16384u),
                                        client::be(0u), client::be(966656u), client::be(3u)}));
  c.send(ask(command::block_status, 4096, 1u << 19, command_flag::req_one));
  CHECK(c.next_reply().content == join({client::be(1u), client::be(61440u), client::be(3u)}));
}

TEST_CASE("zeroes and trims are carried out") {
  memory_server fast{1u << 20};
  nbd_client c{fast};
  c.go();
  for (const command how : {command::write_zeroes, command::trim}) {
    c.send(join({ask(command::write, 0, 8192), bytes(8192, std::byte{1})}));
    CHECK(c.next_reply().code == error::ok);
    c.send(join({ask(how, 4096, 4096), ask(command::flush, 0, 0), ask(how, 0, 0)}));
    for (int i = 0; i < 3; ++i) CHECK(c.next_reply().code == error::ok);
    c.send(ask(command::read, 0, 8192));
    CHECK(c.next_reply().content == join({bytes(4096, std::byte{1}), bytes(4096)}));
  }
}

TEST_CASE("a client that asks for much, reads nothing and goes is no trouble to others") {
  memory_server fast{1u << 20};
  for (int round = 0; round < 5; ++round) {
    nbd_client greedy{fast};
    greedy.go();
    bytes all;
    for (int i = 0; i < 400; ++i) all = join({std::move(all), ask(command::read, 0, 1u << 18)});
    greedy.send(all);
  }
  nbd_client c{fast};
  c.go();
  c.send(ask(command::read, 0, 512));
  CHECK(c.next_reply().code == error::ok);
}

TEST_CASE("a client that breaks the protocol is dropped") {
  memory_server fast{1u << 20};
  nbd_client c{fast};
  c.go();
  c.send(bytes(28));
  CHECK(c.hangs_up());
}

}  // namespace nbd_connection_test
