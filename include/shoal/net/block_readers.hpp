// SPDX-License-Identifier: BSL-1.0
//
// block_readers: who waits for which block, however many wait for the same one.
//
//     const auto mine = readers.join(id, now + patience);
//     while (!mine->over) co_await mine->changed.wait();
//     if (mine->data) ...                                  // none: patience has run out
//
// A part of net/block_exchange.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/content/cid.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/signal.hpp>

namespace shoal::net {

class block_readers {
 public:
  using clock = std::chrono::steady_clock;

  /// Readers of one block.
  struct group {
    explicit group(const cid& wanted) : id(wanted) {}
    cid id;
    clock::time_point deadline;
    bool over = false;
    std::optional<lease> data;
    signal changed;
  };

  /// Whoever joins last has the whole of his patience, and the others with him.
  [[nodiscard]] std::shared_ptr<group> join(const cid& id, clock::time_point deadline) {
    std::shared_ptr<group>& readers = groups_[id.hash()];
    if (!readers) readers = std::make_shared<group>(id);
    readers->deadline = std::max(readers->deadline, deadline);
    return readers;
  }

  /// The block is here.
  void deliver(const multihash& hash, const lease& data) {
    const auto found = groups_.find(hash);
    if (found == groups_.end()) return;
    found->second->data = data;
    end(*found->second);
    groups_.erase(found);
  }

  /// Lets those go whose time is over; the blocks that nobody waits for any more.
  [[nodiscard]] std::vector<cid> give_up(clock::time_point now) {
    std::vector<cid> late;
    std::erase_if(groups_, [&](const auto& entry) {
      if (entry.second->deadline >= now) return false;
      late.push_back(entry.second->id);
      end(*entry.second);
      return true;
    });
    return late;
  }

 private:
  static void end(group& readers) {
    readers.over = true;
    readers.changed.notify();
  }

  std::unordered_map<multihash, std::shared_ptr<group>> groups_;
};

}  // namespace shoal::net
