// SPDX-License-Identifier: BSL-1.0
//
// block_exchange: gets blocks from the peers of a swarm over Bitswap and serves them what it has: a
// block_fetcher with a memory cache in front, of which every block is served on.
//
//     auto cache = std::make_shared<memory_cache>(256_MiB);
//     net::block_exchange blocks{host, cache, openssl::digester{}};
//     result<block> b = co_await blocks.get(id);
//
//     blocks.provide(any_store{...});                   // an origin serves what is in a store, too
//
// Every block is verified before anybody sees it. Whoever sends another one is cut off, and not connected
// with again. One strand, the swarm's; lives until the context has run dry, or has been stopped for good.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/exchange/client_session.hpp>
#include <shoal/exchange/peer_choice.hpp>
#include <shoal/exchange/server_engine.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/net/alarm.hpp>
#include <shoal/net/bitswap_streams.hpp>
#include <shoal/net/block_namer.hpp>
#include <shoal/net/block_readers.hpp>
#include <shoal/net/exchange_options.hpp>
#include <shoal/net/exchange_peer.hpp>
#include <shoal/net/last_resort.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/received_block.hpp>
#include <shoal/net/swarm.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/memory_cache.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

template <digester Digester, exchange::peer_choice Policy = exchange::nearest_first>
class block_exchange final : private swarm_observer {
 public:
  /// Speaks Bitswap with every peer of `swarm`, from now on.
  block_exchange(swarm& with, std::shared_ptr<memory_cache> cache, Digester digester,
                 exchange_options options = {}, Policy policy = {})
      : swarm_(with),
        cache_(std::move(cache)),
        namer_(with.executor(), std::move(digester), options.hashers),
        options_(std::move(options)),
        session_(std::move(policy)),
        engine_(options_.server),
        alarm_(with.executor(), [this] { tick(); }) {
    swarm_.observe(*this);
    swarm_.handle(std::string{bitswap_protocol},
                  [this](const auto& link, libp2p::stream_id stream) { return accept(link, stream); });
    for (const auto& link : swarm_.links()) link_up(link);
    set_alarm();
  }
  ~block_exchange() {
    swarm_.handle(std::string{bitswap_protocol}, {});
    swarm_.ignore(*this);
    for (const auto& [id, peer] : peers_) peer->forget();
  }

  /// What this peer has of its own: it is read from before any peer is asked, and served.
  void provide(any_store store) { store_.emplace(std::move(store)); }
  /// Whom to ask for a block that no peer has; it verifies what it gives.
  void fall_back_on(last_resort::fetch source) {
    fallback_.emplace(swarm_.executor(), std::move(source), [this](const cid& id, result<block> got) {
      if (!got) return;
      fallback_traffic_.count(got->data.size());
      session_.unwant(id);
      keep(*got);
      pump();
    });
  }
  /// Is told of blocks that no peer has: time to look for other peers.
  void on_unmet(std::function<void(const cid&)> tell) { unmet_ = std::move(tell); }

  /// The block if it is in memory now.
  [[nodiscard]] lease try_get(const cid& id) noexcept { return cache_->try_get(id); }

  /// The block, from wherever it can be had. However many ask for it, it is fetched once.
  /// errc::timed_out when patience has run out; the errors of the own store but errc::not_found.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    if (lease here = cache_->try_get(id)) co_return block{id, std::move(here)};
    if (store_) {
      const result<block> own = co_await store_->get(id);
      if (own) cache_->insert(*own);
      if (own || own.error() != errc::not_found) co_return own;
    }
    const auto mine = readers_.join(id, clock::now() + options_.patience);
    session_.want(id, {.priority = std::numeric_limits<std::int32_t>::max(), .urgent = true}, clock::now());
    pump();
    while (!mine->over) co_await mine->changed.wait();
    if (!mine->data) co_return errc::timed_out;
    co_return block{id, *mine->data};
  }

  /// Fetches a block before anybody reads it, behind all that is read.
  /// @param priority  travels with the want: higher is served first
  /// @return false: it is here already, or carries itself
  bool prefetch(const cid& id, std::int32_t priority) {
    if (is_inline(id) || cache_->try_get(id)) return false;
    session_.want(id, {.priority = priority}, clock::now());
    pump();
    return true;
  }
  /// Notified whenever a block has arrived or has been given up.
  [[nodiscard]] signal& progress() noexcept { return progress_; }
  /// Blocks that are wanted.
  [[nodiscard]] std::size_t wanted() const noexcept { return session_.wanted(); }

  [[nodiscard]] const exchange::client_counters& received() const noexcept { return session_.counters(); }
  [[nodiscard]] const exchange::server_counters& sent() const noexcept { return engine_.counters(); }
  static constexpr std::size_t tiers = 2;
  /// What came from the peers of each tier; those of higher ones are in the last.
  [[nodiscard]] const std::array<exchange_traffic, tiers>& traffic() const noexcept { return traffic_; }
  /// Blocks that came from whom fall_back_on() was told of.
  [[nodiscard]] const exchange_traffic& fallback_traffic() const noexcept { return fallback_traffic_; }
  /// The peers that blocks are exchanged with.
  [[nodiscard]] std::vector<std::shared_ptr<const exchange_peer>> peers() const {
    std::vector<std::shared_ptr<const exchange_peer>> all;
    all.reserve(peers_.size());
    for (const auto& [id, peer] : peers_) all.push_back(peer);
    return all;
  }
  /// Peers that have lied.
  [[nodiscard]] std::size_t banned() const noexcept { return banned_.size(); }

 private:
  using clock = std::chrono::steady_clock;
  using peer_ptr = std::shared_ptr<exchange_peer>;

  /// Peers that have lied and are remembered.
  static constexpr std::size_t max_banned = 4096;
  /// A peer that loses streams again and again without sending a block is not asked any more.
  static constexpr unsigned max_renewals = 8;
  /// How often idle streams and impatient readers are looked after.
  static constexpr clock::duration heartbeat = std::chrono::milliseconds{500};

  // --- peers

  void link_up(const std::shared_ptr<peer_link>& link) override {
    if (banned_.contains(link->peer())) return link->close(make_error_code(errc::canceled));
    if (!peers_.contains(link->peer())) meet(link);
  }

  void link_down(const std::shared_ptr<peer_link>& link) override {
    const auto found = peers_.find(link->peer());
    if (found == peers_.end() || found->second->link != link) return;
    part(found->second);
    if (auto other = swarm_.link(link->peer())) meet(other);
    pump();
  }

  void meet(const std::shared_ptr<peer_link>& link) {
    const auto peer = std::make_shared<exchange_peer>(
        link, options_.tier ? options_.tier(*link) : 0,
        [this](exchange_peer& from, const exchange::bitswap_message& message) { hear(from, message); },
        [this](exchange_peer& from, std::error_code) { session_.misbehaved(from.client), pump(); });
    peers_.emplace(link->peer(), peer);
    const std::weak_ptr<exchange_peer> weak = peer;
    peer->server = number(peer);
    engine_.add_peer(peer->server);
    peer->replies = std::make_shared<bitswap_sender>(
        link,
        [this, weak](std::size_t size) {
          if (const peer_ptr to = weak.lock()) {
            engine_.sent(to->server, size);
            pump_soon();
          }
        },
        [](std::error_code) {});
    peer->wants = std::make_shared<bitswap_sender>(
        link, [](std::size_t) {},
        [this, weak](std::error_code why) {
          if (const peer_ptr to = weak.lock()) renew(*to, why);
        });
    peer->client = number(peer);
    session_.add_peer(peer->client, peer->tier);
    pump();
  }

  void part(peer_ptr peer) {
    peer->forget();
    engine_.remove_peer(peer->server);
    drop_client(*peer);
    by_handle_.erase(peer->server);
    peers_.erase(peer->link->peer());
  }

  /// Wants may have been lost with a stream: the peer is told of them anew.
  void renew(exchange_peer& peer, std::error_code why) {
    if (why == errc::unsupported || ++peer.renewals > max_renewals) return drop_client(peer);
    if (!peer.link->is_open()) return;
    session_.stream_lost(peer.client);
    pump_soon();
  }

  void drop_client(exchange_peer& peer) {
    if (by_handle_.erase(peer.client) != 0) session_.remove_peer(peer.client);
  }

  exchange::peer_handle number(const peer_ptr& peer) {
    const exchange::peer_handle handle{++handles_};
    by_handle_.emplace(handle, peer);
    return handle;
  }

  [[nodiscard]] peer_ptr find(exchange::peer_handle handle) const {
    const auto found = by_handle_.find(handle);
    return found == by_handle_.end() ? nullptr : found->second;
  }

  /// It has sent what nobody asked for: it is not talked to again.
  void ban(const peer_ptr& peer) {
    if (banned_.size() >= max_banned) banned_.erase(banned_.begin());
    banned_.insert(peer->link->peer());
    while (const auto link = swarm_.link(peer->link->peer()))
      link->close(make_error_code(errc::block_mismatch));
  }

  // --- what comes

  std::shared_ptr<stream_user> accept(const std::shared_ptr<peer_link>& link, libp2p::stream_id stream) {
    const auto found = peers_.find(link->peer());
    if (found == peers_.end()) return nullptr;
    return std::make_shared<bitswap_receiver>(link, stream, found->second, found->second->held);
  }

  void hear(exchange_peer& from, const exchange::bitswap_message& message) {
    engine_.receive(from.server, message);
    session_.receive(from.client, message, clock::now());
    message.visit([&](const exchange::block_payload& payload) { take(from, payload); });
    pump();
  }

  void take(exchange_peer& from, const exchange::block_payload& payload) {
    if (!session_.may_send(from.client)) return session_.misbehaved(from.client);
    const auto then = [this, client = from.client, tier = from.tier](const received_block& came,
                                                                     const result<cid>& name) {
      judge(client, tier, came, name);
    };
    // a lone block is there soonest when this thread hashes it; of many, others do it meanwhile
    namer_.name(received_block{payload}, session_.wanted() > 1, then);
  }

  /// @param from  may have gone since it sent the block
  void judge(exchange::peer_handle from, unsigned tier, const received_block& came, const result<cid>& name) {
    pump_soon();
    if (!name) return session_.misbehaved(from);
    const exchange::arrival verdict = session_.arrived(from, name->hash(), came.size(), clock::now());
    if (verdict.what != exchange::arrival::verdict::accepted) return;
    traffic_[std::min<std::size_t>(tier, tiers - 1)].count(came.size());
    if (const peer_ptr peer = find(from)) {
      peer->renewals = 0;
      peer->traffic.count(came.size());
    }
    keep({verdict.id, came.data()});
  }

  /// A verified block is here: for the readers, and for the peers who want it.
  void keep(const block& b) {
    cache_->insert(b);
    readers_.deliver(b.id.hash(), b.data);
    engine_.block_arrived(b.id.hash());
    progress_.notify();
  }

  // --- what goes

  void pump_soon() {
    if (std::exchange(pump_posted_, true)) return;
    asio::post(swarm_.executor(), [this] {
      pump_posted_ = false;
      pump();
    });
  }

  /// Does what the engines ask for, until they ask for nothing.
  void pump() {
    if (std::exchange(pumping_, true)) return pump_soon();
    while (const auto asked = engine_.next_lookup()) look_up(*asked);
    while (auto message = engine_.next_message()) {
      const peer_ptr to = find(message->peer);
      if (to) to->traffic.bytes_sent += message->size;
      if (to) to->replies->send(std::move(*message));
    }
    while (auto message = session_.next_message(clock::now())) {
      if (const peer_ptr to = find(message->peer)) to->wants->send(std::move(*message));
    }
    while (const auto event = session_.next_event()) handle(*event);
    pumping_ = false;
    set_alarm();
  }

  void handle(const exchange::client_event& event) {
    using kind = exchange::client_event::kind;
    if (event.what == kind::misbehaved) {
      if (const peer_ptr liar = find(event.peer)) ban(liar);
      return;
    }
    if (event.what == kind::unmet && unmet_) unmet_(event.id);
    if (fallback_) fallback_->ask(event.id);
  }

  void look_up(const exchange::lookup& asked) {
    if (const lease here = cache_->try_get(asked.id)) {
      engine_.found(asked, share(here));
    } else if (store_) {
      asio::co_spawn(swarm_.executor(), look_in_store(asked), asio::detached);
    } else {
      engine_.missing(asked);
    }
  }

  asio::awaitable<void> look_in_store(exchange::lookup asked) {
    const result<block> found = co_await store_->get(asked.id);
    if (found) {
      cache_->insert(*found);
      engine_.found(asked, share(found->data));
    } else {
      engine_.missing(asked);
    }
    pump();
  }

  // --- time

  void set_alarm() {
    alarm_.set(clock::now() + heartbeat);
    if (const auto deadline = session_.next_deadline()) alarm_.set(*deadline);
  }

  void tick() {
    const clock::time_point now = clock::now();
    session_.tick(now);
    if (now - looked_after_ >= heartbeat) {
      looked_after_ = now;
      for (const auto& [id, peer] : peers_) {
        peer->wants->rest(now);
        peer->replies->rest(now);
        if (const auto rtt = peer->link->round_trip()) session_.measured(peer->client, *rtt, now);
      }
      for (const cid& late : readers_.give_up(now)) session_.unwant(late);
      progress_.notify();
    }
    pump();
  }

  swarm& swarm_;
  std::shared_ptr<memory_cache> cache_;
  block_namer<Digester> namer_;
  exchange_options options_;
  exchange::client_session<Policy> session_;
  exchange::server_engine engine_;
  std::optional<any_store> store_;
  std::optional<last_resort> fallback_;
  std::function<void(const cid&)> unmet_;
  std::unordered_map<libp2p::peer_id, peer_ptr> peers_;
  std::unordered_map<exchange::peer_handle, peer_ptr> by_handle_;
  std::unordered_set<libp2p::peer_id> banned_;
  block_readers readers_;
  std::uint32_t handles_ = 0;
  std::array<exchange_traffic, tiers> traffic_{};
  exchange_traffic fallback_traffic_;
  signal progress_;
  bool pumping_ = false;
  bool pump_posted_ = false;
  alarm alarm_;
  clock::time_point looked_after_;
};

}  // namespace shoal::net
