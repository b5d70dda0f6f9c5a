// SPDX-License-Identifier: BSL-1.0
//
// hostile_peer: what an honest peer has to live with.
//
//     hostile_peer corrupt|silent|trickle    says that it has every block, prints its address, and then sends
//     others;
//                                            nothing; or a byte a second. Runs until it is killed.
//     hostile_peer ATTACK ADDRESS PORT FILE  see attacks.hpp
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/content/varint.hpp>
#include <shoal/crypto/secret.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/net/bitswap_streams.hpp>
#include <shoal/net/swarm_host.hpp>
#include <shoal/openssl/peer_crypto.hpp>

#include "attacks.hpp"

namespace {

using namespace shoal;
using bytes = std::vector<std::byte>;
using link_ptr = std::shared_ptr<net::peer_link>;

/// Writes on a stream of its own and listens to nothing.
class mouth final : public net::stream_user, public std::enable_shared_from_this<mouth> {
 public:
  explicit mouth(link_ptr link) : link_(std::move(link)) {}
  void say(shared_bytes piece) {
    if (!stream_) {
      const auto opened = link_->open(net::bitswap_protocol, shared_from_this());
      if (!opened) return;
      stream_ = *opened;
    }
    (void)link_->write(*stream_, std::move(piece));
  }
  void data(bytes_view) override {}
  void gone(std::error_code) override { stream_.reset(); }
  [[nodiscard]] bool open() const { return stream_.has_value(); }

 private:
  link_ptr link_;
  std::optional<libp2p::stream_id> stream_;
};

/// Hears wants and answers them badly.
class liar final : public net::stream_user {
 public:
  liar(link_ptr link, std::string_view kind, const asio::any_io_executor& executor)
      : kind_(kind),
        presences_(std::make_shared<mouth>(link)),
        blocks_(std::make_shared<mouth>(link)),
        timer_(std::make_shared<asio::steady_timer>(executor)) {}
  ~liar() override { timer_->cancel(); }

  void data(bytes_view in) override {
    while (true) {
      const auto body = reader_.next(in);
      if (!body || !*body) return;
      const auto message = exchange::bitswap_message::parse(**body);
      if (message) message->visit([&](const exchange::want_entry& want) { answer(want); });
    }
  }

 private:
  void answer(const exchange::want_entry& want) {
    if (want.cancel) return;
    exchange::bitswap_writer out;
    if (want.type == exchange::want_type::have || kind_ != "corrupt") {
      out.add_presence(want.id, exchange::presence::have);
    } else {
      static const auto noise = std::make_shared<const bytes>(64u << 10, std::byte{0xdb});
      out.add_block(want.id, {noise, *noise});
    }
    for (shared_bytes& piece : out.finish()) presences_->say(std::move(piece));
    if (kind_ == "trickle" && want.type == exchange::want_type::block && !blocks_->open()) {
      bytes begin;
      append_varint(begin, 64u << 10);
      blocks_->say(share(std::move(begin)));
      trickle(timer_, blocks_);
    }
  }

  static void trickle(const std::shared_ptr<asio::steady_timer>& timer, const std::shared_ptr<mouth>& blocks) {
    timer->expires_after(std::chrono::seconds{1});
    timer->async_wait([timer, blocks](std::error_code cancelled) {
      if (cancelled) return;
      blocks->say(share(bytes(1, std::byte{0x1a})));
      trickle(timer, blocks);
    });
  }

  std::string_view kind_;
  std::shared_ptr<mouth> presences_;
  std::shared_ptr<mouth> blocks_;
  std::shared_ptr<asio::steady_timer> timer_;
  libp2p::delimited_reader reader_{exchange::max_message_size};
};

int serve(std::string_view kind) {
  asio::io_context context{1};
  secret<32> seed;
  if (openssl::random{}.fill(seed.bytes()) != status::ok) return EXIT_FAILURE;
  net::swarm_host<openssl::peer_crypto> host{context.get_executor(), openssl::ed25519_signer{seed.bytes()}};
  host.handle(std::string{net::bitswap_protocol}, [&](const link_ptr& link, libp2p::stream_id) {
    return std::make_shared<liar>(link, kind, context.get_executor());
  });
  const auto bound = host.listen(*libp2p::multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
  if (!bound) return EXIT_FAILURE;
  std::printf("%s\n", to_text(net::with_peer(bound->front(), host.id())).c_str());
  std::fflush(stdout);
  context.run();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  if (argc == 2 && (kind == "corrupt" || kind == "silent" || kind == "trickle")) return serve(kind);
  if (argc == 5) {
    const asio::ip::tcp::endpoint victim{asio::ip::make_address(argv[2]),
                                         static_cast<std::uint16_t>(std::atoi(argv[3]))};
    if (attack(kind, victim, argv[4])) return EXIT_SUCCESS;
  }
  std::fputs("usage: hostile_peer corrupt|silent|trickle, or hostile_peer ATTACK ADDRESS PORT FILE\n", stderr);
  return EXIT_FAILURE;
} catch (const std::exception& e) {
  std::fprintf(stderr, "hostile_peer: %s\n", e.what());
  return EXIT_FAILURE;
}
