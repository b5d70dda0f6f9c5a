// SPDX-License-Identifier: BSL-1.0
//
// want_mailbox: the entries of a wantlist that wait to be sent to one peer. Cancels that can wait ride along
// with the next want, so that reading block after block costs one message each and not two.
//
//     want_mailbox box;
//     box.post(entry);
//     while (box.due()) send(box.take(peer));
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/exchange/bitswap_message.hpp>
#include <shoal/exchange/bitswap_writer.hpp>
#include <shoal/exchange/peer_handle.hpp>

namespace shoal::exchange {

class want_mailbox {
 public:
  /// Most entries in one message.
  static constexpr std::size_t max_entries = 512;
  /// So many patient cancels are sent even when nothing else is.
  static constexpr std::size_t max_patient = 32;

  /// To be sent as soon as possible.
  void post(const want_entry& entry) { entries_.push_back(entry); }
  /// @param patient  it can wait for the next want: to one who has delivered, it saves no more than memory
  void post_cancel(const cid& id, bool patient) {
    if (patient) {
      patient_.push_back(id);
    } else {
      entries_.push_back(cancel_of(id));
    }
  }

  /// What was posted is not to be sent; cancels are.
  void drop_wants() {
    std::erase_if(entries_, [](const want_entry& e) { return !e.cancel; });
  }

  [[nodiscard]] bool due() const noexcept { return !entries_.empty() || patient_.size() >= max_patient; }

  /// The next message. @pre due()
  [[nodiscard]] outgoing_message take(peer_handle peer) {
    bitswap_writer out;
    std::vector<cid> cancelled = std::exchange(patient_, {});
    for (const cid& id : cancelled) out.add_want(cancel_of(id));
    for (std::size_t n = cancelled.size(); n < max_entries && !entries_.empty(); ++n) {
      const want_entry& next = entries_.front();
      // one message says one thing about a block: some readers keep only one, or do the cancels last
      if (std::ranges::find(cancelled, next.id) != cancelled.end()) break;
      if (next.cancel) cancelled.push_back(next.id);
      out.add_want(next);
      entries_.pop_front();
    }
    outgoing_message message{peer, out.finish()};
    for (const shared_bytes& piece : message.pieces) message.size += piece.bytes.size();
    return message;
  }

 private:
  [[nodiscard]] static want_entry cancel_of(const cid& id) noexcept {
    want_entry entry;
    entry.id = id;
    entry.cancel = true;
    return entry;
  }

  std::deque<want_entry> entries_;
  std::vector<cid> patient_;
};

}  // namespace shoal::exchange
