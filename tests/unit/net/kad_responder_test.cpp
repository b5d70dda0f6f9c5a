// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/kad_responder.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

namespace kad_responder_test {

using namespace shoal;
using libp2p::kad_message;
using libp2p::kad_type;
using bytes = std::vector<std::byte>;

libp2p::peer_id numbered(int n) {
  const std::array<std::byte, 3> id{std::byte{0}, std::byte{1}, static_cast<std::byte>(n)};
  return *libp2p::peer_id::decode(id);
}

/// Keeps what is written.
class fake_link final : public net::peer_link {
 public:
  [[nodiscard]] const libp2p::peer_id& peer() const noexcept override { return id_; }
  [[nodiscard]] const libp2p::multiaddr& remote() const noexcept override { return remote_; }
  [[nodiscard]] bool dialed() const noexcept override { return false; }
  [[nodiscard]] bool is_open() const noexcept override { return true; }
  [[nodiscard]] std::optional<clock::duration> round_trip() const noexcept override { return std::nullopt; }
  result<libp2p::stream_id> open(std::string_view, std::shared_ptr<net::stream_user>) override {
    return errc::closed;
  }
  result<> write(libp2p::stream_id, shared_bytes more) override {
    written.insert(written.end(), more.bytes.begin(), more.bytes.end());
    return {};
  }
  [[nodiscard]] std::size_t queued(libp2p::stream_id) const noexcept override {
    return drains ? 0 : written.size();
  }
  void notify_drained(libp2p::stream_id) override {}
  void finish(libp2p::stream_id) override { finished = true; }
  void reset(libp2p::stream_id) override { broken = true; }
  void close(std::error_code) override {}

  bytes written;
  bool drains = true;
  bool finished = false;
  bool broken = false;

 private:
  libp2p::peer_id id_ = numbered(7);
  libp2p::multiaddr remote_;
};

struct served {
  libp2p::kad_table table{numbered(0)};
  libp2p::kad_provider_store providers;
  libp2p::kad_republisher own;
  libp2p::kad_server server{numbered(0), {}, table, providers, own};
  std::shared_ptr<fake_link> link = std::make_shared<fake_link>();
  net::kad_responder responder{server, link, libp2p::stream_id{1}};
};

bytes packed(const kad_message& message) {
  bytes out;
  libp2p::append_delimited(out, message.encode());
  return out;
}

TEST_CASE("several questions on one stream are answered in order, however they are cut") {
  served here;
  bytes asked = packed({.type = kad_type::ping});
  const bytes key{std::byte{1}};
  const bytes second = packed({.type = kad_type::find_node, .key = key});
  asked.insert(asked.end(), second.begin(), second.end());
  for (const std::byte each : asked) here.responder.data({&each, 1});
  here.responder.finished();
  bytes expected = packed({.type = kad_type::ping});
  const bytes answer = packed({.type = kad_type::find_node});
  expected.insert(expected.end(), answer.begin(), answer.end());
  CHECK(here.link->written == expected);
  CHECK(here.link->finished);
  CHECK_FALSE(here.link->broken);
}

TEST_CASE("what makes no sense, or is not served, ends the stream") {
  const bytes garbage{std::byte{1}, std::byte{0xff}};
  const bytes huge{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0x7f}};
  for (const bytes& said : {garbage, huge, packed({.type = kad_type::put_value}),
                            packed({.type = kad_type::find_node}), packed({.type = kad_type::add_provider})}) {
    served here;
    here.responder.data(said);
    CHECK(here.link->broken);
    CHECK(here.link->written.empty());
  }
}

TEST_CASE("who asks without end and does not read is cut off") {
  served here;
  here.link->drains = false;
  const bytes ask = packed({.type = kad_type::ping});
  for (std::size_t i = 0; i < net::kad_responder::max_queued && !here.link->broken; ++i)
    here.responder.data(ask);
  CHECK(here.link->broken);
  CHECK(here.link->written.size() < net::kad_responder::max_queued + 100);
}

}  // namespace kad_responder_test
