// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/secured_stream.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <shoal/crypto/sha256.hpp>
#include <shoal/net/gateway_client.hpp>
#include <shoal/openssl/tls_client.hpp>
#include <shoal/task/run.hpp>

#include "../gateway/dag.hpp"
#include "../openssl/tls_server.hpp"
#include "../temporary_folder.hpp"

namespace secured_stream_test {

using shoal::as_bytes;
using shoal::as_text;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::errc;
using shoal::result;
using shoal::task;
using shoal::net::byte_stream;
using shoal::net::secured_stream;
using shoal::openssl::tls_client;
using shoal::openssl::tls_trust;

static_assert(shoal::net::secure_session<tls_client>);

/// Turns every bit round, after a "!" each way. A "?" is the end.
struct inverter {
  std::string in;
  std::vector<std::byte> out;
  bool greeted = false;
  bool agreed = false;
  bool ended = false;

  result<> receive(bytes_view bytes) {
    for (const std::byte b : bytes) in.push_back(static_cast<char>(~b));
    return {};
  }
  std::vector<std::byte> take_output() { return std::exchange(out, {}); }
  result<bool> shake_hands() {
    if (!std::exchange(greeted, true)) out.push_back(~std::byte{'!'});
    if (in.empty()) return false;
    if (in.front() != '!') return errc::failed;
    in.erase(0, 1);
    return agreed = true;
  }
  result<std::size_t> read(bytes_span room) {
    ended = in.starts_with('?');
    if (ended) return std::size_t{0};
    const std::size_t size = std::min({room.size(), in.size(), in.find('?')});
    std::ranges::copy(as_bytes(in).first(size), room.begin());
    in.erase(0, size);
    return size;
  }
  result<> write(bytes_view bytes) {
    if (!agreed) return errc::failed;
    for (const std::byte b : bytes) out.push_back(~b);
    return {};
  }
  [[nodiscard]] bool has_ended() const { return ended; }
};

/// Says what it was told to, inverted, a byte at a time, and keeps what it hears.
class carrier final : public byte_stream {
 public:
  carrier(std::string_view text, std::string& heard) : text_(text), heard_(heard) {}
  task<std::size_t> read(bytes_span room) override {
    if (text_.empty()) co_return std::size_t{0};
    room[0] = ~static_cast<std::byte>(text_.front());
    text_.remove_prefix(1);
    co_return std::size_t{1};
  }
  task<> write(bytes_view bytes) override {
    for (const std::byte b : bytes) heard_.push_back(static_cast<char>(~b));
    co_return result<>{};
  }
  void close() noexcept override { text_ = {}; }

 private:
  std::string_view text_;
  std::string& heard_;
};

task<std::string> converse(byte_stream& stream) {
  const bytes_view hello = as_bytes("hello");
  const result<> sent = co_await stream.write(hello);
  if (!sent) co_return sent.error();
  std::string text;
  std::array<std::byte, 3> room;
  while (true) {
    const bytes_span part{room};
    const result<std::size_t> size = co_await stream.read(part);
    if (!size) co_return size.error();
    if (*size == 0) co_return text;
    text += as_text(bytes_view{room}.first(*size));
  }
}

TEST_CASE("hands are shaken once, before anything is said") {
  struct trial {
    std::string_view said;
    std::string_view heard;
  };
  for (const trial& t : {trial{"!and more?never", "and more"}, trial{"!cut off", "cut off"}, trial{"!", ""}}) {
    asio::io_context context;
    std::string heard;
    secured_stream stream{std::make_unique<carrier>(t.said, heard), inverter{}};
    const auto text = run(context, converse(stream));
    REQUIRE(text.has_value());
    CHECK(*text == t.heard);
    CHECK(heard == "!hello");
  }
}

TEST_CASE("who does not agree hears nothing") {
  for (const std::string_view said : {"x!", ""}) {
    asio::io_context context;
    std::string heard;
    secured_stream stream{std::make_unique<carrier>(said, heard), inverter{}};
    CHECK(run(context, converse(stream)).error() == (said.empty() ? errc::closed : errc::failed));
    CHECK(heard == "!");
  }
}

/// Answers every request over TLS with "content", on a thread.
class https_server {
 public:
  explicit https_server(const tls_identity& identity)
      : door_(context_, {asio::ip::address_v4::loopback(), 0}),
        thread_([this, &identity] { serve(identity); }) {}
  ~https_server() { thread_.join(); }
  [[nodiscard]] std::string url() const {
    return "https://127.0.0.1:" + std::to_string(door_.local_endpoint().port());
  }

 private:
  void serve(const tls_identity& identity) {
    asio::ip::tcp::socket socket = door_.accept();
    tls_server tls{identity};
    std::string request;
    std::vector<std::byte> room(65536);
    std::error_code gone;
    while (true) {
      const std::size_t size = socket.read_some(asio::buffer(room), gone);
      if (gone) return;
      tls.receive({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)});
      request += tls.read();
      if (request.ends_with("\r\n\r\n")) {
        tls.write("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent");
        request.clear();
      }
      asio::write(socket, asio::buffer(tls.take_output(1u << 20)), gone);
    }
  }

  asio::io_context context_;
  asio::ip::tcp::acceptor door_;
  std::thread thread_;
};

TEST_CASE("a block comes from a gateway over TLS, if the gateway is who it should be") {
  temporary_folder folder;
  const tls_identity identity{"gateway.test"};
  const tls_identity stranger{"gateway.test"};
  const std::string file = (folder / "ca.pem").string();
  std::ofstream{file} << identity.certificate_pem();
  const auto trust = tls_trust::of_file(file);
  REQUIRE(trust.has_value());
  test_dag::dag d;
  const shoal::cid id = d.add_leaf("content").id;
  const shoal::portable_digester digester;
  for (const tls_identity* who : {&identity, &stranger}) {
    const https_server server{*who};
    asio::io_context context;
    const auto open = [trust = *trust](const std::string& host) { return trust.connect(host); };
    shoal::net::gateway_client gateway{context.get_executor(),
                                       *shoal::http::url::parse(server.url()),
                                       digester,
                                       {},
                                       shoal::net::dial_secured<tls_client>(open)};
    const auto found = run(context, gateway.get(id));
    if (who == &identity) {
      REQUIRE(found.has_value());
      CHECK(as_text(found->data.bytes()) == "content");
      CHECK(run(context, gateway.get(id)).has_value());
    } else {
      CHECK(found.error() == errc::failed);
    }
  }
}

}  // namespace secured_stream_test
