// SPDX-License-Identifier: BSL-1.0
//
// peer_roster: the peers of a client session, and which of them have something to be told.
//
//     roster.add(peer, tier);
//     roster.post(peer, entry);
//     while (auto m = roster.next_message()) connection(m->peer).queue(*m);
#pragma once

#include <deque>
#include <map>
#include <optional>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/exchange/client_peer.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

class peer_roster {
 public:
  using peer_map = std::map<peer_handle, client_peer>;

  /// @pre the handle is new
  void add(peer_handle peer, unsigned tier) { peers_.emplace(peer, client_peer{tier}); }
  void erase(peer_handle peer) { peers_.erase(peer); }

  /// Null for a peer that is not there.
  [[nodiscard]] client_peer* find(peer_handle peer) {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const client_peer* find(peer_handle peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : &found->second;
  }
  /// All of them, in the order of their handles.
  [[nodiscard]] const peer_map& all() const noexcept { return peers_; }

  /// To be sent as soon as possible. @pre the peer is there
  void post(peer_handle peer, const want_entry& entry) {
    client_peer& p = peers_.at(peer);
    p.box.post(entry);
    mark(p, peer);
  }
  /// @param patient  see want_mailbox. @pre the peer is there
  void post_cancel(peer_handle peer, const cid& id, bool patient) {
    client_peer& p = peers_.at(peer);
    p.box.post_cancel(id, patient);
    mark(p, peer);
  }

  /// The next message and for whom: what was posted first goes first, peer by peer.
  [[nodiscard]] std::optional<outgoing_message> next_message() {
    while (!dirty_.empty()) {
      const peer_handle peer = dirty_.front();
      client_peer* const p = find(peer);
      if (p != nullptr && !p->banned && p->box.due()) return p->box.take(peer);
      if (p != nullptr) p->dirty = false;
      dirty_.pop_front();
    }
    return std::nullopt;
  }

 private:
  void mark(client_peer& p, peer_handle peer) {
    if (!p.dirty) dirty_.push_back(peer);
    p.dirty = true;
  }

  peer_map peers_;
  std::deque<peer_handle> dirty_;  // with something in the box
};

}  // namespace shoal::exchange
