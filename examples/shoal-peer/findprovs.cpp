// SPDX-License-Identifier: BSL-1.0
//
// shoal-peer findprovs: who has a block, as the distributed hash table knows?
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "../common/message.hpp"
#include "../common/node.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"

namespace {

using common::failure;

struct find_options {
  node_options node;
  std::string cid;
  std::size_t count = 20;
};

/// How long it waits for somebody to ask.
constexpr std::chrono::seconds longest_wait{10};

asio::awaitable<void> find(node& peer, shoal::cid id, std::size_t count) {
  asio::steady_timer pause{peer.context};
  const auto deadline = std::chrono::steady_clock::now() + longest_wait;
  while (peer.dht->table().size() == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw failure{
          "nobody to ask: no node of the " + std::string{peer.dht->protocol()} + " table is connected",
          "name one with --bootstrap"};
    }
    pause.expires_after(std::chrono::milliseconds{50});
    [[maybe_unused]] const auto waited = co_await pause.async_wait(shoal::detail::no_throw);
  }
  const shoal::net::kad_node::listener nobody;
  const shoal::multihash key = id.hash();
  const auto found = co_await peer.dht->find_providers(key, count, nobody);
  if (!found) throw failure{"cannot look for " + to_text(id), found.error()};
  for (const shoal::libp2p::kad_peer& provider : *found) {
    std::printf("%s", to_text(provider.id).c_str());
    for (const auto& address : provider.addresses) std::printf(" %s", to_text(address).c_str());
    std::printf("\n");
  }
  if (found->empty())
    throw failure{"nobody is known to have " + to_text(id), "peers tell of it a while after they have it"};
}

int run_find(const find_options& given) {
  const shoal::cid id = common::parse_cid(given.cid);
  asio::io_context context{1};
  node peer{context, given.node};
  if (!peer.dht)
    throw failure{"findprovs asks the distributed hash table", "leave out --dht off", common::exit_usage};
  peer.start();
  return run_interruptible(context, find(peer, id, given.count));
}

}  // namespace

void add_findprovs(CLI::App& app, action& chosen) {
  CLI::App* const command =
      app.add_subcommand("findprovs", "see who has a block, as the distributed hash table knows");
  const auto given = std::make_shared<find_options>();
  command->add_option("CID", given->cid, "the block, or the image")->required();
  command->add_option("-n,--num-providers", given->count, "stop after so many; default 20")
      ->check(CLI::PositiveNumber);
  given->node.add_to(*command);
  command->footer("Example:\n  shoal-peer findprovs bafybei... --bootstrap /ip4/192.0.2.1/tcp/4001");
  refuse_empty_values(*command);
  command->callback([given, &chosen] { chosen = [given] { return run_find(*given); }; });
}
