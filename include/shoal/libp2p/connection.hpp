// SPDX-License-Identifier: BSL-1.0
//
// connection: everything between a peer's socket and the protocols that are spoken over it, as a state machine:
// a secure channel, yamux in it, and on each stream multistream-select.
//
//     connection<openssl::peer_crypto> link{role, me, keys, {.speaks = knows}};
//     link.receive(bytes);                                            // changed in place
//     for (connection_event e = link.next(); e.what != kind::starved; e = link.next()) handle(e);
//     n = link.produce(out);                                          // until 0
//
//     const result<stream_id> s = link.open("/ipfs/ping/1.0.0");      // after `ready`
//     link.write(*s, share(std::move(bytes)));                        // travels with the proposal
//
// Payload is copied once on the way out and not at all on the way in. Leaves out time: the driver gives a
// deadline to everything up to `ready`, and calls reset_stalled() now and then.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/connection_event.hpp>
#include <shoal/libp2p/multistream.hpp>
#include <shoal/libp2p/secure_channel.hpp>
#include <shoal/libp2p/yamux.hpp>

namespace shoal::libp2p {

inline constexpr std::string_view yamux_protocol = "/yamux/1.0.0";

/// What a connection allows. `admits` and `network` are secure_channel's.
struct connection_options {
  std::function<bool(std::string_view)> speaks;  ///< which protocols the peer may open streams for; none: none
  std::function<bool(const peer_id&)> admits = {};
  const swarm_key* network = nullptr;  ///< outlives the connection's constructor
  yamux_limits limits = {};
};

template <crypto_suite Suite>
class connection {
 public:
  using kind = connection_event::kind;

  /// @param me  this side's identity; outlives the connection
  connection(noise_role role, const typename Suite::signer& me, const connection_keys& keys,
             connection_options options)
      : channel_(role, me, keys, muxers, std::move(options.admits), options.network),
        speaks_(std::move(options.speaks)),
        role_(role),
        streams_(role == noise_role::initiator ? yamux_role::dialer : yamux_role::listener, options.limits) {}

  /// Takes what was received next, which has to stay where it is until next() has said starved or failed.
  void receive(bytes_span in) noexcept { channel_.receive(in); }

  /// What has happened. Every call may invalidate what the last event pointed to.
  [[nodiscard]] connection_event next() {
    if (failed_) return fail(failed_);
    while (true) {
      connection_event event;
      if (left_.stream != stream_id{} && !left_.bytes.empty()) {
        event = {.what = kind::data, .stream = left_.stream, .bytes = std::exchange(left_.bytes, {})};
      } else if (muxed_) {
        event = next_of_streams();
      } else if (text_.empty()) {
        event.what = kind::starved;
      } else {
        event = agree_on_muxer();
      }
      if (event.what != kind::starved) return event;
      if (!text_.empty()) continue;
      const result<bytes_span> text = channel_.next();
      if (!text) return fail(text.error());
      text_ = *text;
      if (channel_.established() && !met_) return meet();
      if (text_.empty()) return event;
    }
  }

  /// Writes what there is to send into `out` and returns its size; 0 when there is nothing. `out` should have
  /// room for a few frames of max_noise_frame.
  [[nodiscard]] std::size_t produce(bytes_span out) {
    return channel_.produce(out, [this](bytes_span room) -> std::size_t {
      if (!muxed_ || !greeting_.empty()) {
        const std::size_t n = std::min(greeting_.size(), room.size());
        std::ranges::copy(bytes_view{greeting_}.first(n), room.begin());
        greeting_.erase(greeting_.begin(), greeting_.begin() + static_cast<std::ptrdiff_t>(n));
        return n;
      }
      return streams_.produce(room);
    });
  }
  /// True when produce() has something to send.
  [[nodiscard]] bool has_output() const noexcept {
    return channel_.has_output() || !greeting_.empty() || (muxed_ && streams_.has_output());
  }

  /// True after `ready`.
  [[nodiscard]] bool established() const noexcept { return muxed_; }
  /// @pre established()
  [[nodiscard]] const noise_peer& peer() const noexcept { return channel_.peer(); }

  /// A new stream for a protocol. It may be written to at once: what is written is lost if the peer refuses.
  ///
  /// errc::invalid_argument for a name that is too long, otherwise as yamux::open. @pre established()
  [[nodiscard]] result<stream_id> open(std::string_view protocol) {
    if (protocol.size() >= max_multistream_message) return errc::invalid_argument;
    const result<stream_id> stream = streams_.open();
    if (!stream) return stream;
    negotiation& talk = talks_.try_emplace(*stream, protocol).first->second;
    (void)streams_.write(*stream, share(talk.dial->take_output()));
    return stream;
  }

  /// As yamux's functions of these names.
  result<> write(stream_id stream, shared_bytes bytes) { return streams_.write(stream, std::move(bytes)); }
  [[nodiscard]] std::size_t queued(stream_id stream) const noexcept { return streams_.queued(stream); }
  void notify_drained(stream_id stream) noexcept { streams_.notify_drained(stream); }
  void consume(stream_id stream, std::size_t n) noexcept { streams_.consume(stream, n); }
  void finish(stream_id stream) noexcept { streams_.finish(stream); }
  void reset(stream_id stream) {
    if (left_.stream == stream) left_ = {};
    talks_.erase(stream);
    streams_.reset(stream);
  }
  void ping(std::uint32_t opaque) { streams_.ping(opaque); }
  void go_away() { streams_.go_away(); }
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.streams(); }

  /// Resets the streams whose peer has not agreed on a protocol since before the last call: whoever opens
  /// streams and says nothing on them does not keep them. Gives the ones that this side has opened.
  [[nodiscard]] std::vector<stream_id> reset_stalled() {
    std::vector<stream_id> own;
    for (auto i = talks_.begin(); i != talks_.end();) {
      const stream_id stream = i->first;
      if (!std::exchange(i->second.old, true)) {
        ++i;
        continue;
      }
      if (i->second.dial) own.push_back(stream);
      i = talks_.erase(i);
      streams_.reset(stream);
    }
    return own;
  }

 private:
  static constexpr std::array<std::string_view, 1> muxers{yamux_protocol};

  /// How the two sides agree on what a stream is for.
  struct negotiation {
    /// The peer's stream.
    negotiation() : listen(std::in_place) {}
    /// An own one. The dialer refers to this object, which stays where it is.
    explicit negotiation(std::string_view protocol) : name(protocol), names{name}, dial(std::in_place, names) {}
    negotiation(const negotiation&) = delete;
    negotiation& operator=(const negotiation&) = delete;

    std::string name;
    std::array<std::string_view, 1> names{};
    std::optional<multistream_dialer> dial;
    std::optional<multistream_listener> listen;
    bool old = false;   // reset_stalled() has seen it
    bool deaf = false;  // what comes is of no interest
  };

  struct stream_bytes {
    stream_id stream{};
    bytes_view bytes;
  };

  connection_event fail(std::error_code why) noexcept {
    failed_ = why;
    return {.what = kind::failed, .error = why};
  }

  connection_event meet() {
    met_ = true;
    muxed_ = channel_.peer().muxer == yamux_protocol;
    if (muxed_) return {.what = kind::ready};
    if (role_ == noise_role::initiator) {
      muxer_dial_.emplace(muxers);
      greeting_ = muxer_dial_->take_output();
    } else {
      muxer_listen_.emplace();
      greeting_ = muxer_listen_->take_output();
    }
    return next();
  }

  /// Without an agreement during the handshake, multistream-select chooses the multiplexer, too.
  connection_event agree_on_muxer() {
    bytes_view rest = text_;
    const auto knows = [](std::string_view name) { return name == yamux_protocol; };
    const multistream_event said = muxer_dial_ ? muxer_dial_->next(rest) : muxer_listen_->next(rest, knows);
    const std::vector<std::byte> answer =
        muxer_dial_ ? muxer_dial_->take_output() : muxer_listen_->take_output();
    greeting_.insert(greeting_.end(), answer.begin(), answer.end());
    text_ = rest;
    if (said == multistream_event::starved) return {};
    if (said == multistream_event::refused) return fail(make_error_code(errc::unsupported));
    if (said == multistream_event::violation) return fail(make_error_code(errc::malformed));
    muxed_ = true;
    return {.what = kind::ready};
  }

  /// Gives yamux the text. A header that a text ends in is put together with the next one's beginning.
  connection_event next_of_streams() {
    while (true) {
      const bool split = header_size_ != 0;
      if (split) {
        const std::size_t n = std::min(header_.size() - header_size_, text_.size());
        std::ranges::copy(text_.first(n), header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
        header_size_ += n;
        text_ = text_.subspan(n);
      }
      const bytes_view in = split ? bytes_view{header_}.first(header_size_) : text_;
      const yamux_event heard = streams_.next(in);
      if (split) {
        if (heard.consumed != 0) header_size_ = 0;
      } else {
        text_ = text_.subspan(heard.consumed);
      }
      if (heard.what == yamux_event::kind::starved) {
        if (split && header_size_ == 0 && !text_.empty()) continue;
        if (!text_.empty()) {
          std::ranges::copy(text_, header_.begin());
          header_size_ = text_.size();
          text_ = {};
        }
        return {};
      }
      const connection_event event = hear(heard);
      if (event.what != kind::starved) return event;
    }
  }

  /// What a session's event means for who uses the streams; starved: nothing.
  connection_event hear(const yamux_event& heard) {
    using from = yamux_event::kind;
    switch (heard.what) {
      case from::opened: {
        negotiation& talk = talks_.try_emplace(heard.stream).first->second;
        (void)streams_.write(heard.stream, share(talk.listen->take_output()));
        return {};
      }
      case from::data: return hear_data(heard.stream, heard.bytes);
      case from::finished: return hear_end(heard.stream);
      case from::reset: {
        const auto talk = talks_.find(heard.stream);
        const bool unknown = talk != talks_.end() && talk->second.listen;
        if (talk != talks_.end()) talks_.erase(talk);
        if (unknown) return {};
        return {.what = kind::reset, .stream = heard.stream};
      }
      case from::drained: return {.what = kind::drained, .stream = heard.stream};
      case from::pong: return {.what = kind::pong, .value = heard.value};
      case from::going_away: return {.what = kind::going_away, .value = heard.value};
      case from::violation: return fail(make_error_code(errc::malformed));
      case from::starved: break;
    }
    return {};
  }

  connection_event hear_data(stream_id stream, bytes_view bytes) {
    const auto found = talks_.empty() ? talks_.end() : talks_.find(stream);
    if (found == talks_.end()) return {.what = kind::data, .stream = stream, .bytes = bytes};
    negotiation& talk = found->second;
    const std::size_t all = bytes.size();
    if (talk.deaf) {
      streams_.consume(stream, all);
      return {};
    }
    const multistream_event said = talk.dial ? talk.dial->next(bytes) : talk.listen->next(bytes, speaks());
    streams_.consume(stream, all - bytes.size());
    if (talk.listen) (void)streams_.write(stream, share(talk.listen->take_output()));
    if (said == multistream_event::starved) return {};
    const bool own = talk.dial.has_value();
    if (said == multistream_event::violation && talk.listen && talk.listen->refusals() != 0) {
      // whoever was so sure of the protocol that he wrote behind its name has to hear that it is refused
      talk.deaf = true;
      streams_.finish(stream);
      return {};
    }
    if (said != multistream_event::agreed) return give_up(stream, own);
    left_ = {stream, bytes};
    name_ = own ? std::move(talk.name) : talk.listen->protocol();
    talks_.erase(found);
    return {.what = own ? kind::agreed : kind::accepted, .stream = stream, .protocol = name_};
  }

  /// A stream that ends before both sides know what it is for is of no use.
  connection_event hear_end(stream_id stream) {
    const auto talk = talks_.find(stream);
    if (talk == talks_.end()) return {.what = kind::finished, .stream = stream};
    return give_up(stream, talk->second.dial.has_value());
  }

  connection_event give_up(stream_id stream, bool own) {
    reset(stream);
    if (!own) return {};
    return {.what = kind::refused, .stream = stream};
  }

  [[nodiscard]] auto speaks() const {
    return [this](std::string_view name) { return speaks_ && speaks_(name); };
  }

  secure_channel<Suite> channel_;
  std::function<bool(std::string_view)> speaks_;
  noise_role role_;
  yamux streams_;
  bytes_view text_;                                    // of the last text, what is left
  std::array<std::byte, yamux_header_size> header_{};  // that a text ended in
  std::size_t header_size_ = 0;
  stream_bytes left_;  // came behind the agreement on its protocol
  std::string name_;   // of the protocol in the last event
  std::unordered_map<stream_id, negotiation> talks_;
  std::optional<multistream_dialer> muxer_dial_;
  std::optional<multistream_listener> muxer_listen_;
  std::vector<std::byte> greeting_;  // about the multiplexer, to be sent
  bool met_ = false;
  bool muxed_ = false;
  std::error_code failed_;
};

}  // namespace shoal::libp2p
