// SPDX-License-Identifier: BSL-1.0
//
// What a yamux session knows about one of its streams, and the lines in which streams stand to be served. Parts
// of libp2p/yamux.hpp, which is what to use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/yamux_frame.hpp>

namespace shoal::libp2p::detail {

struct yamux_stream;

/// A stream's place in a line.
struct yamux_place {
  yamux_stream* before = nullptr;
  yamux_stream* behind = nullptr;
  bool taken = false;
};

/// Bytes on their way out: views with their owners, none of them empty.
class yamux_send_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void push(shared_bytes bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    pieces_.push_back(std::move(bytes));
  }

  /// Fills `out` from the front. @pre out.size() <= size()
  void pop(bytes_span out) noexcept {
    size_ -= out.size();
    while (!out.empty()) {
      bytes_view& front = pieces_.front().bytes;
      const std::size_t n = std::min(front.size(), out.size());
      std::memcpy(out.data(), front.data(), n);
      out = out.subspan(n);
      front = front.subspan(n);
      if (front.empty()) pieces_.pop_front();
    }
  }

 private:
  std::deque<shared_bytes> pieces_;
  std::size_t size_ = 0;
};

struct yamux_stream {
  explicit yamux_stream(std::uint32_t number, bool is_ours) noexcept : id(number), ours(is_ours) {}

  std::uint32_t id;
  bool ours;

  // out
  yamux_send_queue queue;
  std::uint32_t send_window = yamux_initial_window;
  bool finishing = false;    // no more is written; FIN goes when the queue is empty
  bool finished = false;     // FIN is out
  bool acknowledged = true;  // false: ours, and the peer has not answered yet
  bool waiting = false;      // the writer wants to hear when the queue is low

  // in
  std::uint32_t window = yamux_initial_window;          // as much as the peer may have under way and unconsumed
  std::uint32_t receive_window = yamux_initial_window;  // of it, what the peer may still send
  std::uint32_t held = 0;                               // of it, given to the application and not consumed yet
  bool ended = false;                                   // FIN is in

  // frames that are due whatever the window says
  std::uint16_t due_flags = 0;
  std::uint32_t due_window = 0;

  yamux_place urgent;   // has a frame due
  yamux_place ready;    // has data, and window for it, or a FIN
  yamux_place drained;  // its writer has to hear that the queue is low

  [[nodiscard]] bool sendable() const noexcept {
    return queue.empty() ? finishing && !finished : send_window != 0;
  }
};

/// Streams in the order in which they came. A stream is in it once at most and can leave from anywhere.
template <yamux_place yamux_stream::* Place>
class yamux_line {
 public:
  [[nodiscard]] yamux_stream* front() const noexcept { return front_; }

  void push(yamux_stream& s) noexcept {
    yamux_place& place = s.*Place;
    if (place.taken) return;
    place = {.before = back_, .behind = nullptr, .taken = true};
    (back_ != nullptr ? (back_->*Place).behind : front_) = &s;
    back_ = &s;
  }

  void remove(yamux_stream& s) noexcept {
    const yamux_place place = std::exchange(s.*Place, {});
    if (!place.taken) return;
    (place.before != nullptr ? (place.before->*Place).behind : front_) = place.behind;
    (place.behind != nullptr ? (place.behind->*Place).before : back_) = place.before;
  }

 private:
  yamux_stream* front_ = nullptr;
  yamux_stream* back_ = nullptr;
};

/// All streams of a session, and what they take together.
struct yamux_table {
  std::unordered_map<std::uint32_t, yamux_stream> streams;
  yamux_line<&yamux_stream::urgent> urgent;
  yamux_line<&yamux_stream::ready> ready;
  yamux_line<&yamux_stream::drained> drained;
  std::size_t inbound = 0;         // streams that the peer opened
  std::size_t unacknowledged = 0;  // own streams that the peer has not answered
  std::uint64_t growth = 0;        // bytes that all windows are larger than at first

  [[nodiscard]] yamux_stream* find(std::uint32_t id) noexcept {
    const auto at = streams.find(id);
    return at != streams.end() ? &at->second : nullptr;
  }

  yamux_stream& add(std::uint32_t id, bool ours) {
    yamux_stream& s = streams.try_emplace(id, id, ours).first->second;
    s.acknowledged = !ours;
    ++(ours ? unacknowledged : inbound);
    return s;
  }

  void acknowledge(yamux_stream& s) noexcept {
    if (!std::exchange(s.acknowledged, true)) --unacknowledged;
  }

  void erase(yamux_stream& s) noexcept {
    urgent.remove(s);
    ready.remove(s);
    drained.remove(s);
    growth -= s.window - yamux_initial_window;
    acknowledge(s);
    if (!s.ours) --inbound;
    streams.erase(s.id);
  }

  /// Widens the stream's window to `window`, or not so far: it never takes more than half of what is left until
  /// all windows have grown by `max_growth`.
  void grow(yamux_stream& s, std::uint32_t window, std::uint64_t max_growth) noexcept {
    if (window <= s.window || growth >= max_growth) return;
    const auto more =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(window - s.window, (max_growth - growth) / 2));
    growth += more;
    s.window += more;
    s.receive_window += more;
    s.due_window += more;
  }

  void send_when_possible(yamux_stream& s) noexcept {
    if (s.sendable()) ready.push(s);
  }
};

}  // namespace shoal::libp2p::detail
