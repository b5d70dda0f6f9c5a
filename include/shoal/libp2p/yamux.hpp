// SPDX-License-Identifier: BSL-1.0
//
// yamux: many streams over one connection, as a state machine. The driver gives it what it has received and
// gets events; it offers room and gets frames. Nothing is copied on the way in, and once on the way out.
//
//     yamux session{yamux_role::dialer};
//     const result<stream_id> s = session.open();
//     session.write(*s, share(std::move(request)));
//     const std::size_t n = session.produce(out);          // frames to send
//
//     const yamux_event e = session.next(in);              // until starved
//     if (e.what == yamux_event::kind::data) {
//       use(e.bytes);                                      // of `in`
//       session.consume(e.stream, e.bytes.size());         // only now may the peer send more
//     }
//     in = in.subspan(e.consumed);
//
// Time is the driver's: it pings and gives deadlines. No memory grows with what a peer sends, except for its
// streams, which are counted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/yamux_event.hpp>
#include <shoal/libp2p/yamux_frame.hpp>
#include <shoal/libp2p/yamux_stream.hpp>

namespace shoal::libp2p {

class yamux {
 public:
  using kind = yamux_event::kind;

  /// Own streams that the peer has not answered yet: more than this and it may refuse them (go-yamux's
  /// AcceptBacklog).
  static constexpr std::size_t max_unacknowledged = 256;
  /// Pings and new streams that a peer may send while answers to earlier ones wait. One that asks for more and
  /// does not read is cut off.
  static constexpr std::size_t max_waiting_answers = 1024;

  explicit yamux(yamux_role role, const yamux_limits& limits = {})
      : limits_(limits), next_id_(role == yamux_role::dialer ? 1 : 2) {}

  // The lines point into the streams.
  yamux(const yamux&) = delete;
  yamux& operator=(const yamux&) = delete;

  /// Looks at the front of `in`: what has been received and not yet consumed, in order.
  [[nodiscard]] yamux_event next(bytes_view in) {
    if (broken_ != yamux_violation::none) return {.what = kind::violation, .why = broken_};
    if (detail::yamux_stream* s = table_.drained.front(); s != nullptr) {
      table_.drained.remove(*s);
      return {.what = kind::drained, .stream = stream_id{s->id}};
    }
    std::size_t consumed = 0;
    while (true) {
      const bytes_view rest = in.subspan(consumed);
      yamux_event event;
      if (frame_.length != 0) {
        if (rest.empty()) return {.consumed = consumed};
        event = next_payload(rest);
      } else if (frame_.flags != 0) {
        event = end_frame();
      } else {
        if (rest.size() < yamux_header_size) return {.consumed = consumed};
        event = next_header(rest.first<yamux_header_size>());
      }
      consumed += event.consumed;
      event.consumed = consumed;
      if (event.what != kind::starved) return event;
    }
  }

  /// Writes frames that are due into `out` and returns their size: 0 when nothing is due, or when `out` has no
  /// room for a header and a byte. Windows and answers first, then the streams' data in turn, a frame each.
  [[nodiscard]] std::size_t produce(bytes_span out) noexcept {
    std::size_t used = produce_session(out);
    while (out.size() - used >= yamux_header_size && table_.urgent.front() != nullptr) {
      used += produce_urgent(*table_.urgent.front(), out.subspan(used));
    }
    while (table_.ready.front() != nullptr && table_.urgent.front() == nullptr) {
      const std::size_t size = produce_data(*table_.ready.front(), out.subspan(used), used == 0);
      if (size == 0) break;
      used += size;
    }
    return used;
  }

  /// True when produce() has something to say.
  [[nodiscard]] bool has_output() const noexcept {
    return !session_frames_.empty() || table_.urgent.front() != nullptr || table_.ready.front() != nullptr;
  }

  /// A new stream, on which may be written at once.
  ///
  /// errc::closed after a goodbye from either side, errc::busy while max_unacknowledged streams are
  /// unanswered, errc::limit_exceeded when all numbers are used up.
  [[nodiscard]] result<stream_id> open() {
    if (leaving_ || peer_leaving_ || broken_ != yamux_violation::none) return errc::closed;
    if (table_.unacknowledged >= max_unacknowledged) return errc::busy;
    if (next_id_ > std::numeric_limits<std::uint32_t>::max() - 2) return errc::limit_exceeded;
    detail::yamux_stream& s = table_.add(std::exchange(next_id_, next_id_ + 2), true);
    table_.grow(s, limits_.first_window, limits_.max_growth);
    due(s, yamux_syn);
    return stream_id{s.id};
  }

  /// Queues bytes. The queue has no limit of its own: see queued() and notify_drained().
  /// errc::closed when the stream is gone or finish() was called.
  result<> write(stream_id id, shared_bytes bytes) {
    detail::yamux_stream* s = find(id);
    if (s == nullptr || s->finishing) return errc::closed;
    s->queue.push(std::move(bytes));
    table_.send_when_possible(*s);
    return {};
  }

  /// Bytes that were written and are not in a frame yet; 0 for a stream that is gone.
  [[nodiscard]] std::size_t queued(stream_id id) const noexcept {
    const auto at = table_.streams.find(static_cast<std::uint32_t>(id));
    return at != table_.streams.end() ? at->second.queue.size() : 0;
  }

  /// Asks for one event `drained`, once the queue of the stream holds less than limits().low_water: next()
  /// gives it, with input or without, after the produce() that made it so.
  void notify_drained(stream_id id) noexcept {
    detail::yamux_stream* s = find(id);
    if (s == nullptr) return;
    s->waiting = true;
    tell_if_drained(*s);
  }

  /// Ends the own side, behind what is queued; the peer's side goes on. Does nothing when it was ended before.
  void finish(stream_id id) noexcept {
    detail::yamux_stream* s = find(id);
    if (s == nullptr || s->finishing) return;
    s->finishing = true;
    table_.send_when_possible(*s);
  }

  /// Ends the stream at once in both directions; what is queued is lost, and no more events name it.
  void reset(stream_id id) {
    detail::yamux_stream* s = find(id);
    if (s == nullptr) return;
    // a stream of which the peer has not heard needs no end
    if ((s->due_flags & yamux_syn) == 0) send_reset(s->id);
    table_.erase(*s);
  }

  /// The application is done with `n` bytes of the stream's data: the peer may send as many more, and learns
  /// so when half a window has come together. A stream that is read as fast as it comes gets a larger window
  /// each time.
  void consume(stream_id id, std::size_t n) noexcept {
    detail::yamux_stream* s = find(id);
    if (s == nullptr) return;
    s->held -= static_cast<std::uint32_t>(std::min<std::size_t>(n, s->held));
    if (s->ended) return;
    const std::uint32_t unused = s->window - s->receive_window - s->held;
    if (unused < s->window / 2) return;
    s->receive_window += unused;
    s->due_window += unused;
    if (s->held <= s->window / 8) {
      const auto twice = std::min<std::uint64_t>(2 * std::uint64_t{s->window}, limits_.max_window);
      table_.grow(*s, static_cast<std::uint32_t>(twice), limits_.max_growth);
    }
    table_.urgent.push(*s);
  }

  /// Asks the peer for a sign of life: an event `pong` with the same number.
  void ping(std::uint32_t opaque) {
    session_frames_.push_back({.type = yamux_type::ping, .flags = yamux_syn, .length = opaque});
  }

  /// Says goodbye: neither side opens streams from now on; those that are there go on.
  void go_away(yamux_goodbye why = yamux_goodbye::normal) {
    if (std::exchange(leaving_, true)) return;
    session_frames_.push_back({.type = yamux_type::go_away, .length = static_cast<std::uint32_t>(why)});
  }

  /// Streams that are there, of both sides.
  [[nodiscard]] std::size_t streams() const noexcept { return table_.streams.size(); }
  /// Bytes that the windows of all streams are larger than at first: at most limits().max_growth.
  [[nodiscard]] std::uint64_t growth() const noexcept { return table_.growth; }
  [[nodiscard]] const yamux_limits& limits() const noexcept { return limits_; }

 private:
  /// Data at the end of the room is cut to fit if at least this much of it is sent, in bytes.
  static constexpr std::size_t least_cut = 1024;

  [[nodiscard]] detail::yamux_stream* find(stream_id id) noexcept {
    return table_.find(static_cast<std::uint32_t>(id));
  }

  void due(detail::yamux_stream& s, std::uint16_t flag) noexcept {
    s.due_flags |= flag;
    table_.urgent.push(s);
  }

  void send_reset(std::uint32_t id) {
    session_frames_.push_back({.type = yamux_type::window_update, .flags = yamux_rst, .stream = id});
  }

  void tell_if_drained(detail::yamux_stream& s) noexcept {
    if (!s.waiting || s.queue.size() >= limits_.low_water) return;
    s.waiting = false;
    table_.drained.push(s);
  }

  yamux_event violation(yamux_violation why) {
    broken_ = why;
    frame_ = {};
    go_away(yamux_goodbye::protocol_error);
    return {.what = kind::violation, .why = why};
  }

  // --- in

  yamux_event next_header(std::span<const std::byte, yamux_header_size> bytes) {
    const yamux_header h = parse_yamux_header(bytes);
    if (h.version != 0 || h.type > yamux_type::go_away) return violation(yamux_violation::unknown_frame);
    const bool of_session = h.type == yamux_type::ping || h.type == yamux_type::go_away;
    if (of_session != (h.stream == 0)) return violation(yamux_violation::wrong_stream);
    yamux_event event = of_session ? hear_session(h) : hear_stream(h);
    if (event.what != kind::violation) event.consumed = yamux_header_size;
    return event;
  }

  yamux_event hear_session(const yamux_header& h) {
    if (h.type == yamux_type::go_away) {
      peer_leaving_ = true;
      return {.what = kind::going_away, .value = h.length};
    }
    if (h.has(yamux_ack)) return {.what = kind::pong, .value = h.length};
    if (!h.has(yamux_syn)) return {};
    if (++answers_ > max_waiting_answers) return violation(yamux_violation::too_many_answers);
    session_frames_.push_back({.type = yamux_type::ping, .flags = yamux_ack, .length = h.length});
    return {};
  }

  yamux_event hear_stream(const yamux_header& h) {
    const bool opens = h.has(yamux_syn);
    detail::yamux_stream* s = table_.find(h.stream);
    bool opened = false;
    if (opens) {
      if ((h.stream & 1) == (next_id_ & 1)) return violation(yamux_violation::wrong_stream);
      if (s != nullptr) return violation(yamux_violation::duplicate_stream);
      if (++answers_ > max_waiting_answers) return violation(yamux_violation::too_many_answers);
      if (leaving_ || table_.inbound >= limits_.max_inbound) {
        send_reset(h.stream);
      } else {
        s = &table_.add(h.stream, false);
        table_.grow(*s, limits_.first_window, limits_.max_growth);
        due(*s, yamux_ack);
        opened = true;
      }
    }
    // what comes for a stream that is gone was under way when it went
    const std::uint16_t endings = s != nullptr ? h.flags & (yamux_fin | yamux_rst) : 0;
    if (h.type == yamux_type::data) {
      if (s != nullptr && h.length != 0) {
        if (s->ended) return violation(yamux_violation::data_after_end);
        if (h.length > s->receive_window) return violation(yamux_violation::window_exceeded);
      }
      frame_ = {.flags = endings, .stream = h.stream, .length = h.length};
      skipping_ = s == nullptr;
    } else {
      if (s != nullptr) {
        if (h.length > std::numeric_limits<std::uint32_t>::max() - s->send_window) {
          return violation(yamux_violation::window_overflow);
        }
        s->send_window += h.length;
        table_.send_when_possible(*s);
      }
      frame_ = {.flags = endings, .stream = h.stream};
    }
    if (s != nullptr) table_.acknowledge(*s);
    if (opened) return {.what = kind::opened, .stream = stream_id{h.stream}};
    return {};
  }

  yamux_event next_payload(bytes_view in) noexcept {
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(frame_.length, in.size()));
    frame_.length -= n;
    detail::yamux_stream* s = skipping_ ? nullptr : table_.find(frame_.stream);
    if (s == nullptr) {
      skipping_ = true;
      return {.consumed = n};
    }
    s->receive_window -= n;
    s->held += n;
    return {.what = kind::data, .consumed = n, .stream = stream_id{s->id}, .bytes = in.first(n)};
  }

  /// What the flags of a frame say comes after its payload.
  yamux_event end_frame() noexcept {
    const yamux_header h = std::exchange(frame_, {});
    detail::yamux_stream* s = table_.find(h.stream);
    if (s == nullptr) return {};
    const stream_id id{h.stream};
    if (h.has(yamux_rst)) {
      table_.erase(*s);
      return {.what = kind::reset, .stream = id};
    }
    if (std::exchange(s->ended, true)) return {};
    if (s->finished) table_.erase(*s);
    return {.what = kind::finished, .stream = id};
  }

  // --- out

  std::size_t produce_session(bytes_span out) noexcept {
    std::size_t used = 0;
    while (!session_frames_.empty() && out.size() - used >= yamux_header_size) {
      put_yamux_header(out.data() + used, session_frames_.front());
      session_frames_.pop_front();
      used += yamux_header_size;
    }
    if (session_frames_.empty()) answers_ = 0;
    return used;
  }

  std::size_t produce_urgent(detail::yamux_stream& s, bytes_span out) noexcept {
    put_yamux_header(out.data(), {.type = yamux_type::window_update,
                                  .flags = std::exchange(s.due_flags, std::uint16_t{0}),
                                  .stream = s.id,
                                  .length = std::exchange(s.due_window, 0)});
    table_.urgent.remove(s);
    return yamux_header_size;
  }

  /// @param alone  nothing is in front of `out` that could be sent without it
  std::size_t produce_data(detail::yamux_stream& s, bytes_span out, bool alone) noexcept {
    if (out.size() < yamux_header_size + 1) return 0;
    if (s.queue.empty()) return produce_end(s, out);
    const std::size_t room = out.size() - yamux_header_size;
    const std::size_t wanted = std::min<std::size_t>({s.queue.size(), s.send_window, limits_.max_frame});
    if (wanted > room && room < least_cut && !alone) return 0;
    const std::size_t n = std::min(wanted, room);
    put_yamux_header(out.data(), {.stream = s.id, .length = static_cast<std::uint32_t>(n)});
    s.queue.pop(out.subspan(yamux_header_size, n));
    s.send_window -= static_cast<std::uint32_t>(n);
    tell_if_drained(s);
    table_.ready.remove(s);
    table_.send_when_possible(s);  // at the end of the line: the next one has its turn
    return yamux_header_size + n;
  }

  std::size_t produce_end(detail::yamux_stream& s, bytes_span out) noexcept {
    put_yamux_header(out.data(), {.type = yamux_type::window_update, .flags = yamux_fin, .stream = s.id});
    table_.ready.remove(s);
    s.finished = true;
    if (s.ended) table_.erase(s);
    return yamux_header_size;
  }

  yamux_limits limits_;
  std::uint32_t next_id_;
  detail::yamux_table table_;
  std::deque<yamux_header> session_frames_;  // in the order in which they are sent
  std::size_t answers_ = 0;                  // that the peer has caused since all of them were sent
  yamux_header frame_;     // that is arriving: length is what is left, flags what comes after it
  bool skipping_ = false;  // its payload is nobody's
  bool leaving_ = false;
  bool peer_leaving_ = false;
  yamux_violation broken_ = yamux_violation::none;
};

}  // namespace shoal::libp2p
