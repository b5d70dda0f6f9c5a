// SPDX-License-Identifier: BSL-1.0
//
// kad_server: answers what others ask in the distributed hash table.
//
//     kad_server server{self, realm, table, providers, own};
//     result<std::optional<kad_message>> said = server.answer(link->peer(), *asked, now);
//     if (!said) reset(stream); else if (*said) send(**said);
//
// Whoever announces a provider but itself is not believed. This peer keeps no records: asked for one, it names
// peers that are closer; given one, it refuses, which others take for a peer that failed. Who asks is not
// entered in the table: whether it serves shows in identify.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/libp2p/kad_key.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/kad_provider_store.hpp>
#include <shoal/libp2p/kad_realm.hpp>
#include <shoal/libp2p/kad_republisher.hpp>
#include <shoal/libp2p/kad_table.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

class kad_server {
 public:
  using clock = kad_table::clock;

  /// Most closer peers in an answer, the k of the specification; the peer asked for may come on top.
  static constexpr std::size_t max_closer = 20;
  /// Most providers in an answer.
  static constexpr std::size_t max_providers = 100;
  /// Most addresses of a peer in an answer.
  static constexpr std::size_t max_addresses = 16;

  /// All that is referred to must outlive the server.
  kad_server(const peer_id& self, kad_realm realm, const kad_table& table, kad_provider_store& providers,
             const kad_republisher& own) noexcept
      : self_(self), realm_(realm), table_(table), providers_(providers), own_(own) {}

  /// Where we are, as told to others.
  void set_addresses(std::vector<multiaddr> addresses) { addresses_ = realm_.keep(addresses, max_addresses); }
  [[nodiscard]] const std::vector<multiaddr>& addresses() const noexcept { return addresses_; }

  /// What to answer, if anything. On an error the stream is to be reset: errc::malformed for a key that is
  /// none, errc::invalid_argument for an announcement of anybody but the sender, errc::unsupported for
  /// put_value.
  [[nodiscard]] result<std::optional<kad_message>> answer(const peer_id& from, const kad_message& asked,
                                                          clock::time_point now) {
    if (asked.type == kad_type::ping) return std::optional{kad_message{.type = kad_type::ping}};
    if (asked.type == kad_type::put_value) return errc::unsupported;
    if (asked.key.empty()) return errc::malformed;
    if (asked.type == kad_type::add_provider) return add_provider(from, asked, now);
    kad_message reply{.type = asked.type};
    if (asked.type == kad_type::find_node) {
      add_target(reply, asked.key);
    } else {
      reply.key = asked.key;
    }
    if (asked.type == kad_type::get_providers) {
      const result<multihash> key = whole_multihash(asked.key);
      if (!key) return key.error();
      add_providers(reply, *key, now);
    }
    add_closer(reply, from, kad_key::of(asked.key));
    return std::optional{std::move(reply)};
  }

 private:
  static result<multihash> whole_multihash(bytes_view bytes) noexcept {
    const result<multihash> hash = multihash::take(bytes);
    if (hash && !bytes.empty()) return errc::malformed;
    return hash;
  }

  result<std::optional<kad_message>> add_provider(const peer_id& from, const kad_message& said,
                                                  clock::time_point now) {
    const result<multihash> key = whole_multihash(said.key);
    if (!key) return key.error();
    const auto who = std::ranges::find(said.providers, from, &kad_peer::id);
    if (who == said.providers.end()) return errc::invalid_argument;
    providers_.add(*key, {from, realm_.keep(who->addresses, max_addresses)}, now);
    return std::optional<kad_message>{};
  }

  void add_providers(kad_message& reply, const multihash& key, clock::time_point now) {
    if (own_.contains(key) && !addresses_.empty()) reply.providers.push_back({self_, addresses_});
    for (kad_peer& peer : providers_.get(key, max_providers - reply.providers.size(), now)) {
      if (peer.id == self_) continue;
      // Kubo leaves out loopback addresses, even where it has no others
      if (peer.addresses.empty()) peer.addresses = realm_.keep(table_.addresses_of(peer.id), max_addresses);
      reply.providers.push_back(std::move(peer));
    }
  }

  /// Whoever is looked for by its id is named first, and be it ourselves: go-libp2p takes in only peers that
  /// find at least themselves.
  void add_target(kad_message& reply, bytes_view key) const {
    if (std::ranges::equal(key, self_.bytes()) && !addresses_.empty())
      reply.closer.push_back({self_, addresses_});
  }

  void add_closer(kad_message& reply, const peer_id& from, const kad_key& target) const {
    const bool asks_for_itself = target == kad_key::of(from.bytes());
    const std::size_t most = reply.closer.size() + max_closer;
    for (kad_peer& peer : table_.closest(target, max_closer + 1)) {
      if (reply.closer.size() == most) return;
      if (peer.id == from && !asks_for_itself) continue;
      peer.addresses = realm_.keep(peer.addresses, max_addresses);
      if (!peer.addresses.empty()) reply.closer.push_back(std::move(peer));
    }
  }

  peer_id self_;
  kad_realm realm_;
  const kad_table& table_;
  kad_provider_store& providers_;
  const kad_republisher& own_;
  std::vector<multiaddr> addresses_;
};

}  // namespace shoal::libp2p
