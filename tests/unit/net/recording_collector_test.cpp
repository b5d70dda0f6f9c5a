// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/recording_collector.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/pem.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/hal/access_ring.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/net/recording_sender.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/openssl/tls_client.hpp>
#include <shoal/openssl/tls_server.hpp>

#include "../openssl/tls_server.hpp"
#include "../temporary_folder.hpp"

namespace recording_collector_test {

using namespace shoal;
using hal::access;
using hal::access_record;
using ring = hal::access_ring<1024>;

constexpr net::recording_sender_options quick{.dial_time = std::chrono::seconds{20},
                                              .patience = std::chrono::seconds{20},
                                              .pause = std::chrono::milliseconds{1},
                                              .retry = std::chrono::milliseconds{1}};

http::url local(std::uint16_t port, bool secure = false) {
  http::url where;
  where.host = "127.0.0.1";
  where.port = port;
  where.secure = secure;
  return where;
}

void put(ring& records, std::uint64_t from, std::uint64_t count) {
  for (std::uint64_t i = from; i < from + count; ++i) {
    records.put({.cycles = i, .address = i % 5, .value = i, .what = access::store, .width = 4});
  }
}

std::vector<access_record> read(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::vector<char> text{std::istreambuf_iterator<char>{in}, {}};
  std::vector<access_record> out;
  monitor::recording_reader reader;
  for (bytes_view rest = std::as_bytes(std::span{text}); !rest.empty();) {
    const auto item = reader.next(rest);
    if (!item) break;
    if (item->kind == monitor::recording_kind::access) out.push_back(item->access);
  }
  return out;
}

/// Runs until it says that it is enough. False after twenty seconds.
template <class Enough>
bool run_until(asio::io_context& context, Enough&& enough) {
  context.restart();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!enough()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    context.run_one_for(std::chrono::milliseconds{20});
  }
  return true;
}

struct outcome {
  bool ended = false;
  std::error_code why;
};

template <class Sender>
void start(asio::io_context& context, Sender& sender, outcome& out) {
  asio::co_spawn(context, sender.run(), [&out](std::exception_ptr, result<> why) {
    out.ended = true;
    out.why = why.error();
  });
}

TEST_CASE("records arrive once though the collector goes and comes back") {
  const temporary_folder here;
  asio::io_context context{1};
  posix::recording_folder folder{here.path};
  auto collector = std::make_unique<net::recording_collector>(context.get_executor(), folder);
  auto sockets = net::listen_tcp(context.get_executor(), "127.0.0.1", 0);
  REQUIRE(sockets);
  const std::uint16_t port = sockets->front().port;
  collector->serve(std::move(sockets->front()));

  const auto records = std::make_unique<ring>();
  net::recording_sender sender{*records, {7, "valve"}, {"chip"}, local(port), net::dial_plain, quick};
  outcome ended;
  start(context, sender, ended);
  put(*records, 0, 500);
  REQUIRE(run_until(context, [&] { return sender.delivered() == 500; }));
  collector->stop();
  REQUIRE(run_until(context, [&] { return collector->sender_count() == 0; }));
  put(*records, 500, 500);  // nobody is there
  context.run_for(std::chrono::milliseconds{20});
  // another collector with the same folder
  posix::recording_folder same{here.path};
  net::recording_collector next{context.get_executor(), same};
  auto again = net::listen_tcp(context.get_executor(), "127.0.0.1", port);
  REQUIRE(again);
  next.serve(std::move(again->front()));
  sender.stop();
  REQUIRE(run_until(context, [&] { return ended.ended; }));
  CHECK_FALSE(ended.why);
  CHECK(sender.connections() == 2);
  next.stop();
  REQUIRE(run_until(context, [&] { return next.sender_count() == 0; }));
  const std::vector<access_record> kept = read(here.path / "valve-0000000000000007.rec");
  REQUIRE(kept.size() == 1000);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i].value == i);
}

TEST_CASE("a collector that stops reading stalls nobody, and what was lost is counted to the record") {
  const temporary_folder here;
  asio::io_context context{1};
  // it listens, and the kernel takes what it never reads
  auto silent = net::listen_tcp(context.get_executor(), "127.0.0.1", 0);
  REQUIRE(silent);
  const std::uint16_t port = silent->front().port;
  const auto records = std::make_unique<ring>();
  net::recording_sender_options impatient = quick;
  impatient.patience = std::chrono::milliseconds{50};
  net::recording_sender sender{*records, {8, "valve"}, {}, local(port), net::dial_plain, impatient};
  outcome ended;
  start(context, sender, ended);
  constexpr std::uint64_t count = 20'000;
  put(*records, 0, count);  // returns at once, whatever the collector does
  REQUIRE(run_until(context, [&] { return sender.connections() > 2; }));
  put(*records, count, 100);
  CHECK(records->lost() > 0);
  CHECK(sender.delivered() == 0);
  silent->clear();
  // one that reads
  posix::recording_folder folder{here.path};
  net::recording_collector collector{context.get_executor(), folder};
  auto sockets = net::listen_tcp(context.get_executor(), "127.0.0.1", port);
  REQUIRE(sockets);
  collector.serve(std::move(sockets->front()));
  sender.stop();
  REQUIRE(run_until(context, [&] { return ended.ended; }));
  collector.stop();
  REQUIRE(run_until(context, [&] { return collector.sender_count() == 0; }));
  std::uint64_t kept = 0;
  std::uint64_t lost = 0;
  for (const access_record& each : read(here.path / "valve-0000000000000008.rec")) {
    (each.what == access::lost ? lost : kept) += each.what == access::lost ? each.value : 1;
  }
  CHECK(lost == records->lost());
  CHECK(kept + lost == count + 100);
}

TEST_CASE("records go over TLS, and to nobody else") {
  const temporary_folder here;
  const ::tls_identity certificate{"collector.example"};
  {
    std::ofstream{here / "server.pem"} << certificate.certificate_pem();
    std::FILE* const key = std::fopen((here / "server.key").c_str(), "w");
    PEM_write_PrivateKey(key, certificate.key(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(key);
  }
  const auto identity = openssl::tls_identity::of_files(here / "server.pem", here / "server.key");
  REQUIRE(identity);
  CHECK_FALSE(openssl::tls_identity::of_files(here / "server.pem", here / "server.pem"));

  asio::io_context context{1};
  posix::recording_folder folder{here.path};
  net::recording_collector_options options;
  options.secure = [&](std::unique_ptr<net::byte_stream> carrier) -> result<std::unique_ptr<net::byte_stream>> {
    result<openssl::tls_session> session = identity->accept();
    if (!session) return session.error();
    return std::unique_ptr<net::byte_stream>{
        std::make_unique<net::secured_stream<openssl::tls_session>>(std::move(carrier), std::move(*session))};
  };
  net::recording_collector collector{context.get_executor(), folder, options};
  auto sockets = net::listen_tcp(context.get_executor(), "127.0.0.1", 0);
  REQUIRE(sockets);
  const std::uint16_t port = sockets->front().port;
  collector.serve(std::move(sockets->front()));

  const auto trust = openssl::tls_trust::of_file(here / "server.pem");
  REQUIRE(trust);
  const auto open = [&](const std::string& host) { return trust->connect(host); };
  const net::http_dialer dial = net::dial_secured<openssl::tls_client>(open);
  const auto records = std::make_unique<ring>();
  put(*records, 0, 700);
  net::recording_sender sender{*records, {9, "valve"}, {}, local(port, true), dial, quick};
  outcome ended;
  start(context, sender, ended);
  REQUIRE(run_until(context, [&] { return sender.delivered() == 700; }));
  sender.stop();
  REQUIRE(run_until(context, [&] { return ended.ended; }));

  // without TLS, and with one that is believed by nobody
  net::recording_sender_options impatient = quick;
  impatient.patience = std::chrono::milliseconds{100};
  put(*records, 700, 1);
  net::recording_sender plain{*records, {10, "valve"}, {}, local(port), net::dial_plain, impatient};
  outcome refused;
  start(context, plain, refused);
  REQUIRE(run_until(context, [&] { return plain.connections() > 1; }));
  CHECK(plain.delivered() == 0);
  plain.stop();
  REQUIRE(run_until(context, [&] { return refused.ended; }));
  CHECK(refused.why == errc::timed_out);
  CHECK(plain.undelivered() == 1);
  collector.stop();
  REQUIRE(run_until(context, [&] { return collector.sender_count() == 0; }));
  CHECK(read(here.path / "valve-0000000000000009.rec").size() == 700);
}

}  // namespace recording_collector_test
