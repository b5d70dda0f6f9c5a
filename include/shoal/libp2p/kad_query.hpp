// SPDX-License-Identifier: BSL-1.0
//
// kad_query: one walk through the distributed hash table towards a key, from peers that are known to those that
// are closer and closer (libp2p specs, kad-dht/README.md, "DHT operations"): to find who is close, to find who
// provides something, or to tell those who are closest that we do.
//
//     kad_query query = kad_query::find_providers(self, realm, hash, 20, table.closest(kad_key::of(hash), 20));
//     while (!query.done()) {
//       while (auto request = query.next(now)) send(*request);        // on a stream of its own
//       ...                                                           // answered(), sent(), failed(), expire()
//       while (auto provider = query.next_provider()) use(*provider);
//     }
//
// The driver tells what became of each request, and calls expire() at next_deadline(). Whatever others say is a
// claim. A peer that names many who do not answer is no longer followed; the number of requests is bounded, so
// that every walk ends. Leaves out disjoint paths.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/content/multihash.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/kad_candidates.hpp>
#include <shoal/libp2p/kad_key.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/kad_realm.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/peer_id.hpp>

namespace shoal::libp2p {

struct kad_query_options {
  std::size_t parallel = 10;       ///< requests at a time that are not slow; the alpha of the specification
  std::size_t closest = 20;        ///< the walk ends when so many have answered; the k of the specification
  std::size_t max_requests = 300;  ///< in all
  std::chrono::milliseconds slow{1'000};      ///< after so long somebody else is asked as well
  std::chrono::milliseconds timeout{10'000};  ///< after so long a peer has failed
};

/// To be sent to a peer.
struct kad_request {
  peer_id to;
  std::vector<multiaddr> addresses;  ///< need not name the peer; never empty
  shared_bytes message;              ///< with its length in front
  bool expects_answer = true;        ///< otherwise sent() is to be called when it is on its way
};

class kad_query {
 public:
  using clock = std::chrono::steady_clock;

  /// Most closer peers that are taken from one answer: twice as many as an honest peer names.
  static constexpr std::size_t max_named = 40;
  /// Who is closest to a name: a peer id, a multihash, anything.
  [[nodiscard]] static kad_query find_node(const peer_id& self, kad_realm realm, bytes_view name,
                                           std::span<const kad_peer> seeds, kad_query_options options = {}) {
    kad_query query{self, realm, name, options};
    query.ask_for(kad_type::find_node, name);
    query.plant(seeds);
    return query;
  }

  /// Who provides what the key names. Ends early once `wanted` are known, and two peers have named some: no
  /// peer alone can end the search. Keeps up to four times as many.
  [[nodiscard]] static kad_query find_providers(const peer_id& self, kad_realm realm, const multihash& key,
                                                std::size_t wanted, std::span<const kad_peer> seeds,
                                                kad_query_options options = {}) {
    const std::vector<std::byte> name = bytes_of(key);
    kad_query query{self, realm, name, options};
    query.wanted_ = wanted;
    query.ask_for(kad_type::get_providers, name);
    query.plant(seeds);
    return query;
  }

  /// Finds who is closest to the key and tells them that we provide what it names.
  /// @param self  with the addresses to tell; without any, go-libp2p takes no note
  [[nodiscard]] static kad_query provide(const kad_peer& self, kad_realm realm, const multihash& key,
                                         std::span<const kad_peer> seeds, kad_query_options options = {}) {
    kad_message announcement{.type = kad_type::add_provider, .key = bytes_of(key)};
    kad_query query{self.id, realm, announcement.key, options};
    query.ask_for(kad_type::find_node, announcement.key);
    announcement.providers.push_back({self.id, realm.keep(self.addresses, kad_message::max_addresses)});
    query.announcement_ = pack(announcement);
    query.plant(seeds);
    return query;
  }

  /// Something to send now. After this, exactly one of answered(), sent(), failed() or expire() tells what
  /// became of it.
  [[nodiscard]] std::optional<kad_request> next(clock::time_point now) {
    if (done_ || brisk_ >= options_.parallel || running_ >= 3 * options_.parallel) return std::nullopt;
    kad_candidate* const peer = announcing_ ? next_to_tell() : next_to_ask();
    if (peer == nullptr) return std::nullopt;
    peer->at = stage::running;
    peer->slow = false;
    peer->since = now;
    ++brisk_;
    ++running_;
    ++requests_;
    return kad_request{peer->who.id, peer->who.addresses, announcing_ ? announcement_ : question_,
                       !announcing_};
  }

  /// The peer has answered. What comes too late, or unasked, is ignored; an answer to something else is a
  /// failure.
  void answered(const peer_id& from, const kad_message& answer) {
    kad_candidate* const peer = running(from);
    if (peer == nullptr || announcing_) return;
    if (answer.type != type_) return failed(from);
    stop(*peer);
    peers_.answered(*peer);
    const kad_key named_by = peers_.distance(from);
    for (const kad_peer& one : std::span{answer.closer}.first(std::min(max_named, answer.closer.size()))) {
      hear_of(one, named_by);
    }
    if (wanted_ != 0) hear_of_providers(answer.providers);
    proceed();
  }

  /// The peer has been sent what is not answered.
  void sent(const peer_id& to) {
    kad_candidate* const peer = running(to);
    if (peer == nullptr || !announcing_) return;
    stop(*peer);
    peer->at = stage::told;
    ++told_;
    proceed();
  }

  /// The peer could not be reached, or gave no sensible answer.
  void failed(const peer_id& who) {
    kad_candidate* const peer = running(who);
    if (peer == nullptr) return;
    stop(*peer);
    peers_.failed(*peer);
    proceed();
  }

  /// Gives up the requests that have taken too long; to whom they were.
  [[nodiscard]] std::vector<peer_id> expire(clock::time_point now) {
    std::vector<peer_id> late;
    peers_.each([&](kad_candidate& peer) {
      if (peer.at != stage::running) return;
      if (!peer.slow && now - peer.since >= options_.slow) {
        peer.slow = true;
        --brisk_;
      }
      if (now - peer.since >= options_.timeout) late.push_back(peer.who.id);
    });
    for (const peer_id& each : late) failed(each);
    return late;
  }

  /// When to call expire() and next() again; nothing while no request is running.
  [[nodiscard]] std::optional<clock::time_point> next_deadline() const {
    std::optional<clock::time_point> first;
    peers_.each([&](const kad_candidate& peer) {
      if (peer.at != stage::running) return;
      const clock::time_point when = peer.since + (peer.slow ? options_.timeout : options_.slow);
      first = first ? std::min(*first, when) : when;
    });
    return first;
  }

  /// Nothing more is to be sent, and what still runs matters no more.
  [[nodiscard]] bool done() const noexcept { return done_; }

  /// A provider that is new, or of which an address was learned, since it was given last. Some have no
  /// addresses: look for them with find_node.
  [[nodiscard]] std::optional<kad_peer> next_provider() {
    for (auto& [id, found] : providers_) {
      if (std::exchange(found.news, false)) return kad_peer{id, found.addresses};
    }
    return std::nullopt;
  }

  /// The closest that have answered, at most options.closest, the closest first.
  [[nodiscard]] std::vector<kad_peer> closest() const {
    std::vector<kad_peer> found;
    peers_.each([&](const kad_candidate& peer) {
      const bool lives = peer.at == stage::answered || peer.at == stage::told;
      if (lives && found.size() < options_.closest) found.push_back(peer.who);
    });
    return found;
  }

  /// Where a peer is said to be, whether it answers or not: clients do not.
  [[nodiscard]] std::vector<multiaddr> addresses_of(const peer_id& id) const {
    const kad_candidate* const peer = peers_.find(id);
    return peer == nullptr ? std::vector<multiaddr>{} : peer->who.addresses;
  }

  /// How many have been told that we are a provider.
  [[nodiscard]] std::size_t told() const noexcept { return told_; }
  [[nodiscard]] std::size_t requests() const noexcept { return requests_; }

 private:
  using stage = kad_candidate::stage;

  struct provider {
    std::vector<multiaddr> addresses = {};
    bool news = true;
  };

  kad_query(const peer_id& self, kad_realm realm, bytes_view name, kad_query_options options)
      : self_(self), realm_(realm), options_(options), peers_(kad_key::of(name)) {}

  static shared_bytes pack(const kad_message& message) {
    std::vector<std::byte> out;
    append_delimited(out, message.encode());
    return share(std::move(out));
  }

  void ask_for(kad_type type, bytes_view name) {
    type_ = type;
    question_ = pack({.type = type, .key = {name.begin(), name.end()}});
  }

  void plant(std::span<const kad_peer> seeds) {
    for (const kad_peer& seed : seeds) hear_of(seed, std::nullopt);
    proceed();
  }

  [[nodiscard]] kad_candidate* running(const peer_id& id) {
    kad_candidate* const peer = peers_.find(id);
    return peer != nullptr && peer->at == stage::running ? peer : nullptr;
  }

  void stop(const kad_candidate& peer) noexcept {
    --running_;
    if (!peer.slow) --brisk_;
  }

  void hear_of(const kad_peer& peer, const std::optional<kad_key>& named_by) {
    if (peer.id == self_) return;
    const kad_peer reachable{peer.id, realm_.keep(peer.addresses, kad_message::max_addresses)};
    if (!reachable.addresses.empty()) peers_.hear_of(reachable, named_by);
  }

  void hear_of_providers(std::span<const kad_peer> named) {
    bool any = false;
    for (const kad_peer& peer : named) {
      if (peer.id == self_) continue;
      any = true;
      if (providers_.size() >= 4 * wanted_ && !providers_.contains(peer.id)) continue;
      provider& known = providers_[peer.id];
      known.news |= merge_addresses(known.addresses, realm_.keep(peer.addresses, kad_message::max_addresses));
    }
    if (any) ++sources_;
  }

  [[nodiscard]] kad_candidate* next_to_ask() {
    if (requests_ >= options_.max_requests) return nullptr;
    return peers_.among_closest(options_.closest, [](const kad_candidate& c) { return c.at == stage::known; });
  }

  [[nodiscard]] kad_candidate* next_to_tell() {
    if (to_tell_ == 0) return nullptr;
    --to_tell_;
    return peers_.among_closest(std::numeric_limits<std::size_t>::max(),
                                [](const kad_candidate& c) { return c.at == stage::answered; });
  }

  /// Looks whether this part of the walk, or all of it, is over.
  void proceed() {
    if (done_) return;
    if (announcing_) {
      done_ = to_tell_ == 0 && running_ == 0;
      return;
    }
    const bool may_ask = requests_ < options_.max_requests;
    const bool open = peers_.among_closest(options_.closest, [may_ask](const kad_candidate& c) {
      return c.at == stage::running || (c.at == stage::known && may_ask);
    }) != nullptr;
    const bool enough = wanted_ != 0 && providers_.size() >= wanted_ && sources_ >= 2;
    if (open && !enough) return;
    if (announcement_.empty()) {
      done_ = true;
      return;
    }
    peers_.each([this](kad_candidate& peer) {
      if (peer.at != stage::running) return;
      stop(peer);
      peer.at = stage::failed;
    });
    announcing_ = true;
    to_tell_ = closest().size();
    done_ = to_tell_ == 0;
  }

  peer_id self_;
  kad_realm realm_;
  kad_query_options options_;
  kad_type type_ = kad_type::find_node;
  shared_bytes question_;
  shared_bytes announcement_;  // of provide() alone
  kad_candidates peers_;
  std::map<peer_id, provider> providers_;
  std::size_t wanted_ = 0;   // providers; 0: none
  std::size_t sources_ = 0;  // peers that have named providers
  std::size_t running_ = 0;
  std::size_t brisk_ = 0;  // of these, not slow
  std::size_t requests_ = 0;
  std::size_t told_ = 0;
  std::size_t to_tell_ = 0;
  bool announcing_ = false;
  bool done_ = false;
};

}  // namespace shoal::libp2p
