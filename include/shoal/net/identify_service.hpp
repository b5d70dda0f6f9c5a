// SPDX-License-Identifier: BSL-1.0
//
// identify_service: tells peers who this one is and what it speaks, and asks them the same as soon as they are
// connected (libp2p specs, identify/README.md).
//
//     net::identify_service about{host, host.public_key(), "shoal/0.1"};
//     about.on_identified([](const std::shared_ptr<peer_link>& link, const identify_message& said) { ... });
//     about.push();                                     // after the addresses or protocols have changed
//
// What a peer says is a claim, but for its key, which has to be the one that it has proved to have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/identify.hpp>
#include <shoal/libp2p/multiaddr.hpp>
#include <shoal/libp2p/public_key.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/net/swarm.hpp>
#include <shoal/net/tcp_address.hpp>

namespace shoal::net {

/// One strand, the swarm's; the swarm outlives it.
class identify_service final : private swarm_observer {
 public:
  using link_ptr = std::shared_ptr<peer_link>;
  using listener = std::function<void(const link_ptr&, const libp2p::identify_message&)>;

  /// Own addresses that are told at most: others keep 2 KiB of them.
  static constexpr std::size_t max_addresses = 24;

  identify_service(swarm& with, const libp2p::public_key& key, std::string agent)
      : swarm_(with), key_(key.encode()), agent_(std::move(agent)) {
    swarm_.observe(*this);
    swarm_.handle(std::string{libp2p::identify_protocol},
                  [this](const link_ptr& link, libp2p::stream_id stream) { return answer(link, stream); });
    swarm_.handle(std::string{libp2p::identify_push_protocol}, [this](const link_ptr& link, libp2p::stream_id) {
      return std::make_shared<reader>(*this, alive_, link);
    });
    for (const link_ptr& link : swarm_.links()) link_up(link);
  }
  ~identify_service() {
    swarm_.ignore(*this);
    swarm_.handle(std::string{libp2p::identify_protocol}, {});
    swarm_.handle(std::string{libp2p::identify_push_protocol}, {});
  }
  identify_service(const identify_service&) = delete;
  identify_service& operator=(const identify_service&) = delete;

  /// Is told of every peer once it has said who it is, and again when it says something new.
  void on_identified(listener tell) { listeners_.push_back(std::move(tell)); }

  /// What the peer has said; null before.
  [[nodiscard]] const libp2p::identify_message* about(const libp2p::peer_id& peer) const {
    const auto found = known_.find(peer);
    return found == known_.end() ? nullptr : &found->second;
  }

  /// Tells everybody anew.
  void push() {
    for (const link_ptr& link : swarm_.links()) {
      const auto stream = link->open(libp2p::identify_push_protocol, std::make_shared<nobody>());
      if (stream) say(*link, *stream);
    }
  }

 private:
  /// Reads what the peer says about itself until it ends the stream.
  class reader final : public stream_user {
   public:
    reader(identify_service& home, std::weak_ptr<const int> alive, link_ptr link)
        : home_(home), alive_(std::move(alive)), link_(std::move(link)) {}

    void data(bytes_view in) override {
      while (!broken_ && count_ < libp2p::max_identify_messages) {
        const result<std::optional<bytes_view>> body = messages_.next(in);
        broken_ = !body.has_value();
        if (broken_ || !*body) return;
        ++count_;
        result<libp2p::identify_message> part = libp2p::identify_message::decode(**body);
        broken_ = !part.has_value();
        if (part) said_.merge(std::move(*part));
      }
    }
    void finished() override { done(); }
    void gone(std::error_code) override { done(); }

   private:
    void done() {
      if (broken_ || count_ == 0 || alive_.expired()) return;
      count_ = 0;
      home_.learn(link_, said_);
    }

    identify_service& home_;
    std::weak_ptr<const int> alive_;
    link_ptr link_;
    libp2p::delimited_reader messages_{libp2p::max_identify_message};
    libp2p::identify_message said_;
    std::size_t count_ = 0;
    bool broken_ = false;
  };

  /// Who has said what there was to say.
  class nobody final : public stream_user {
    void data(bytes_view) override {}
  };

  void link_up(const link_ptr& link) override {
    const auto stream = link->open(libp2p::identify_protocol, std::make_shared<reader>(*this, alive_, link));
    if (stream) link->finish(*stream);
  }
  void link_down(const link_ptr& link) override {
    if (!swarm_.link(link->peer())) known_.erase(link->peer());
  }

  std::shared_ptr<stream_user> answer(const link_ptr& link, libp2p::stream_id stream) {
    say(*link, stream);
    return std::make_shared<nobody>();
  }

  void say(peer_link& link, libp2p::stream_id stream) {
    libp2p::identify_message mine;
    mine.public_key = key_;
    mine.listen_addresses = swarm_.addresses();
    if (mine.listen_addresses.size() > max_addresses) mine.listen_addresses.resize(max_addresses);
    mine.protocols = swarm_.protocols();
    mine.observed_address = link.remote();
    mine.protocol_version = "ipfs/0.1.0";
    mine.agent_version = agent_;
    std::vector<std::byte> out;
    libp2p::append_delimited(out, mine.encode());
    (void)link.write(stream, share(std::move(out)));
    link.finish(stream);
  }

  void learn(const link_ptr& link, const libp2p::identify_message& said) {
    if (!said.public_key.empty()) {
      const result<libp2p::public_key> key = libp2p::public_key::decode(said.public_key);
      if (!key || libp2p::peer_id::of(*key) != link->peer()) return;
    }
    if (!link->is_open()) return;
    known_.insert_or_assign(link->peer(), said);
    for (const listener& each : listeners_) each(link, said);
  }

  swarm& swarm_;
  std::vector<std::byte> key_;
  std::string agent_;
  std::vector<listener> listeners_;
  std::unordered_map<libp2p::peer_id, libp2p::identify_message> known_;
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);  // streams may outlive the service
};

}  // namespace shoal::net
