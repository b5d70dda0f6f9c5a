// SPDX-License-Identifier: BSL-1.0
//
// shoal-peer ping: is a peer there, who is it, and how far away?
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "../common/message.hpp"
#include "../common/node.hpp"
#include "commands.hpp"

namespace {

using common::failure;

struct ping_options {
  node_options node;
  std::string address;
  unsigned count = 5;
};

asio::awaitable<void> ping_peer(node& peer, const ping_options& given) {
  std::vector<shoal::libp2p::multiaddr> addresses = node::parse_addresses({given.address});
  const shoal::result<std::shared_ptr<shoal::net::peer_link>> link =
      co_await peer.host.connect(std::move(addresses));
  if (!link) {
    throw failure{"cannot reach " + given.address, link.error(),
                  "is the peer running, and is that its address?"};
  }
  std::printf("%s is %s\n", to_text((*link)->remote()).c_str(), to_text((*link)->peer()).c_str());
  asio::steady_timer pause{peer.context};
  for (unsigned i = 0; i < given.count; ++i) {
    std::array<std::byte, shoal::libp2p::ping_size> random;
    if (shoal::openssl::random{}.fill(random) != shoal::status::ok)
      throw failure{"there is no randomness to be had"};
    const std::chrono::seconds patience{10};
    const shoal::result<std::chrono::nanoseconds> took = co_await shoal::net::ping(*link, random, patience);
    if (!took) throw failure{"no answer from " + given.address, took.error()};
    std::printf("%.3f ms\n", static_cast<double>(took->count()) / 1e6);
    std::fflush(stdout);
    if (i + 1 == given.count) break;
    pause.expires_after(std::chrono::milliseconds{200});
    [[maybe_unused]] const auto waited = co_await pause.async_wait(shoal::detail::no_throw);
  }
  if (const auto* said = peer.identify.about((*link)->peer())) {
    std::printf("it is %s and speaks", said->agent_version.c_str());
    for (const std::string& name : said->protocols) std::printf(" %s", name.c_str());
    std::printf("\n");
  }
}

int run_ping(const ping_options& given) {
  asio::io_context context{1};
  node peer{context, given.node};
  return run_interruptible(context, ping_peer(peer, given));
}

}  // namespace

void add_ping(CLI::App& app, action& chosen) {
  CLI::App* const command = app.add_subcommand("ping", "see whether a peer is there, and how far away");
  const auto given = std::make_shared<ping_options>();
  command->add_option("MULTIADDR", given->address, "where the peer is")->required();
  command->add_option("-c,--count", given->count, "how often; default 5");
  given->node.add_to(*command);
  command->footer("Example:\n  shoal-peer ping /ip4/192.0.2.1/tcp/4001");
  refuse_empty_values(*command);
  command->callback([given, &chosen] { chosen = [given] { return run_ping(*given); }; });
}
