// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/nbd_server.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/task/signal.hpp>

#include "nbd_client.hpp"

namespace nbd_server_test {

using client::ask;
using client::bytes;
using client::join;
using client::nbd::command;
using client::nbd::error;
using shoal::any_device;
using shoal::memory_device;
using shoal::task;
namespace offered = client::nbd::transmission_flag;

TEST_CASE("an export offers what its device can do, and no more") {
  served s;
  s.server.add_export("memory", any_device{memory_device{4096}});
  s.server.add_export("sealed", any_device{shoal::readonly{memory_device{4096}}});
  const any_device base{memory_device{4096}};
  s.server.add_private_export("private", [base] { return any_device{shoal::cow{base}}; });
  s.start();
  CHECK(nbd_client{s}.go("memory") ==
        (offered::has_flags | offered::send_flush | offered::send_fua | offered::send_trim |
         offered::send_write_zeroes | offered::send_df | offered::can_multi_conn | offered::send_fast_zero));
  CHECK(nbd_client{s}.go("sealed") ==
        (offered::has_flags | offered::read_only | offered::send_df | offered::can_multi_conn));
  CHECK((nbd_client{s}.go("private") & (offered::can_multi_conn | offered::read_only)) == 0);
  CHECK_THROWS(nbd_client{s}.go("none"));
}

TEST_CASE("clients share an export, and have a private one to themselves") {
  served s;
  const any_device base{memory_device{4096}};
  s.server.add_export("shared", base);
  s.server.add_private_export("private", [base] { return any_device{shoal::cow{base}}; });
  s.start();
  for (const std::string name : {"shared", "private"}) {
    nbd_client writer{s};
    writer.go(name);
    writer.send(join({ask(command::write, 512, 4), client::text(name.substr(0, 4))}));
    CHECK(writer.next_reply().code == error::ok);
    nbd_client reader{s};
    reader.go(name);
    reader.send(ask(command::read, 512, 4));
    CHECK(reader.next_reply().content == client::text("shar"));
  }
}

TEST_CASE("a name is taken once, and is no longer than the protocol allows") {
  served s;
  const any_device disk{memory_device{4096}};
  s.server.add_export("a", disk);
  CHECK_THROWS_AS(s.server.add_export("a", disk), std::invalid_argument);
  CHECK_THROWS_AS(s.server.add_export(std::string(5000, 'x'), disk), std::invalid_argument);
  CHECK_THROWS_AS(s.server.add_export("b", disk, std::string(5000, 'x')), std::invalid_argument);
}

TEST_CASE("who never chooses an export is dropped, who has chosen may be silent") {
  served s{{.handshake_time = std::chrono::milliseconds{50}}};
  s.server.add_export("", any_device{memory_device{4096}});
  s.start();
  nbd_client patient{s};
  patient.go();
  nbd_client silent{s};
  silent.receive(18);
  CHECK(silent.hangs_up());
  nbd_client half{s};
  half.receive(18);
  half.send(join({client::flags(), client::text("IHAVEOP")}));
  CHECK(half.hangs_up());
  patient.send(ask(command::read, 0, 1));
  CHECK(patient.next_reply().code == error::ok);
}

/// A device whose reads wait until it is opened. Only touched on the server's strand.
struct gate {
  bool open = false;
  bool waiting = false;
  shoal::signal changed;
};
struct gated_device {
  std::shared_ptr<gate> state;

  shoal::device_info info() const noexcept { return {.size = 4096}; }
  task<> read(std::uint64_t, shoal::bytes_span) {
    state->waiting = true;
    while (!state->open) co_await state->changed.wait();
    co_return shoal::result<>{};
  }
};

TEST_CASE("stopping finishes what is outstanding, refuses what is new, and lets nobody in") {
  const auto state = std::make_shared<gate>();
  served s;
  s.server.add_export("", any_device{gated_device{state}});
  s.start();
  nbd_client busy{s};
  busy.go();
  nbd_client idle{s};
  idle.go();
  nbd_client haggling{s};
  haggling.receive(18);
  busy.send(ask(command::read, 0, 512, 0, 1));
  while (!s.on_strand([&] { return state->waiting; })) {
  }
  s.on_strand([&] { s.server.stop(); });
  CHECK(haggling.hangs_up());
  CHECK(idle.hangs_up());
  CHECK_THROWS(nbd_client{s});
  s.on_strand([&] {
    state->open = true;
    state->changed.notify();
  });
  const nbd_client::reply last = busy.next_reply();
  CHECK(last.cookie == 1);
  CHECK(last.code == error::ok);
  CHECK(busy.hangs_up());
  s.stop();
}

TEST_CASE("a request that comes while the server stops is told so") {
  const auto state = std::make_shared<gate>();
  served s;
  s.server.add_export("", any_device{gated_device{state}});
  s.start();
  nbd_client c{s};
  c.go();
  bytes many;
  for (std::uint64_t i = 0; i < 100; ++i) many = join({std::move(many), ask(command::read, 0, 512, 0, i)});
  c.send(many);  // more than may wait for the device at once: some are still on their way
  while (!s.on_strand([&] { return state->waiting; })) {
  }
  s.on_strand([&] { s.server.stop(); });
  s.on_strand([&] {
    state->open = true;
    state->changed.notify();
  });
  unsigned done = 0;
  unsigned refused = 0;
  for (int i = 0; i < 100; ++i) {
    const nbd_client::reply r = c.next_reply();
    done += r.code == error::ok ? 1 : 0;
    refused += r.code == error::shutdown ? 1 : 0;
  }
  CHECK(done == shoal::net::nbd_connection::max_tasks);
  CHECK(refused == 100 - shoal::net::nbd_connection::max_tasks);
  CHECK(c.hangs_up());
}

TEST_CASE("who does not finish in time is cut off") {
  const auto state = std::make_shared<gate>();
  served s{{.drain_time = std::chrono::milliseconds{50}}};
  s.server.add_export("", any_device{gated_device{state}});
  s.start();
  nbd_client c{s};
  c.go();
  c.send(ask(command::read, 0, 512));
  while (!s.on_strand([&] { return state->waiting; })) {
  }
  s.on_strand([&] { s.server.stop(); });
  CHECK(c.hangs_up());
  s.on_strand([&] {
    state->open = true;
    state->changed.notify();
  });
  s.stop();
}

TEST_CASE("a context that stops in the middle may go after the server") {
  const auto state = std::make_shared<gate>();
  auto s = std::make_unique<served>();
  s->server.add_export("", any_device{gated_device{state}});
  s->start();
  nbd_client c{*s};
  c.go();
  c.send(join({ask(command::read, 0, 512), ask(command::read, 0, 512)}));
  while (!s->on_strand([&] { return state->waiting; })) {
  }
  s->abandon();
  s.reset();
  CHECK_THROWS(c.next_reply());
}

TEST_CASE("a client that left takes no place") {
  served s{{.max_connections = 2}};
  s.server.add_export("", any_device{memory_device{4096}});
  s.start();
  for (int i = 0; i < 6; ++i) {
    nbd_client c{s};
    c.go();
    c.send(ask(command::disc, 0, 0));
    CHECK(c.hangs_up());
  }
  while (s.on_strand([&] { return s.server.client_count(); }) != 0) {
  }
}

}  // namespace nbd_server_test
