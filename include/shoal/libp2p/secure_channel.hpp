// SPDX-License-Identifier: BSL-1.0
//
// secure_channel: a connection from its first byte on: the wrapping of a private network if there is one,
// multistream-select's "/noise", the handshake, and then sealed texts in both directions.
//
//     secure_channel<openssl::peer_crypto> channel{role, me, keys, muxers};
//     channel.receive(bytes);                                // what has come; changed in place
//     while (auto text = channel.next(); text && !text->empty()) use(*text);
//     n = channel.produce(out, [](bytes_span room) { return fill(room); });
//
// A text that is whole in its input is opened there, without a copy. Time is the driver's: a handshake gets a
// deadline from it.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/secret.hpp>
#include <shoal/libp2p/crypto_suite.hpp>
#include <shoal/libp2p/multistream.hpp>
#include <shoal/libp2p/noise_handshake.hpp>
#include <shoal/libp2p/noise_transport.hpp>
#include <shoal/libp2p/private_network.hpp>
#include <shoal/libp2p/swarm_key.hpp>

namespace shoal::libp2p {

inline constexpr std::string_view noise_protocol = "/noise";

/// What a connection needs that nobody may guess. All random, all for one connection, but `identity_proof`,
/// which may serve many.
struct connection_keys {
  secret<32> identity_proof = {};  ///< the static key of Noise
  secret<32> ephemeral = {};
  std::array<std::byte, private_network::nonce_size> nonce{};  ///< used in a private network only
};

template <crypto_suite Suite>
class secure_channel {
 public:
  using handshake = noise_handshake<typename Suite::cipher, typename Suite::agreement, typename Suite::signer,
                                    typename Suite::verifier>;
  using admission = typename handshake::admission;

  /// @param me       this side's identity; outlives the channel
  /// @param muxers   multiplexers to agree on during the handshake, best first; they outlive the channel
  /// @param admits   says whether a peer is welcome; none: everybody
  /// @param network  the key of the private network that the connection belongs to; null: none
  secure_channel(noise_role role, const typename Suite::signer& me, const connection_keys& keys,
                 std::span<const std::string_view> muxers, admission admits = {},
                 const swarm_key* network = nullptr)
      : noise_(role, me, keys.identity_proof, keys.ephemeral, muxers, std::move(admits)) {
    if (network != nullptr) {
      network_.emplace(*network, keys.nonce);
      raw_.assign(keys.nonce.begin(), keys.nonce.end());
      unwrapped_ = raw_.size();
    }
    if (role == noise_role::initiator) {
      dial_.emplace(names);
      append(raw_, dial_->take_output());
    } else {
      listen_.emplace();
      append(raw_, listen_->take_output());
    }
  }

  // The dialer's list is the class's own; the rest points nowhere else, but nobody needs to move one.
  secure_channel(const secure_channel&) = delete;
  secure_channel& operator=(const secure_channel&) = delete;

  /// Takes what was received next, which has to stay where it is until next() has given an empty text.
  /// @pre next() has given one since the last call
  void receive(bytes_span in) noexcept { in_ = network_ ? network_->open(in) : in; }

  /// The next text: of the last input, or of what was kept of those before it, and valid until the next call.
  /// Empty: everything was taken, and there is more to come.
  ///
  /// errc::malformed, errc::unsupported when the peer does not speak Noise, otherwise as noise_handshake and
  /// noise_opener. After an error every further call gives the same.
  [[nodiscard]] result<bytes_span> next() {
    if (!error_ && !established()) greet();
    while (!error_ && established()) {
      const result<noise_frame> frame = next_frame();
      if (!frame) {
        error_ = frame.error();
      } else if (frame->consumed == 0 || !frame->text.empty()) {
        return frame->text;
      }
    }
    if (error_) return error_;
    return bytes_span{};
  }

  /// Writes what there is to send into `out` and returns its size. Once the channel is established it asks
  /// `fill(room)` for the texts, which returns how much of the room it has filled, 0 at the end.
  template <std::invocable<bytes_span> Fill>
  [[nodiscard]] std::size_t produce(bytes_span out, Fill&& fill) {
    std::size_t used = std::min(raw_.size(), out.size());
    std::ranges::copy(bytes_view{raw_}.first(used), out.begin());
    raw_.erase(raw_.begin(), raw_.begin() + static_cast<std::ptrdiff_t>(used));
    while (seal_ && raw_.empty() && !error_ && out.size() - used >= noise_overhead + least_text) {
      const bytes_span frame = out.subspan(used, std::min(out.size() - used, max_noise_frame));
      const std::size_t size = fill(frame.subspan(noise_header_size, frame.size() - noise_overhead));
      if (size == 0) break;
      const result<> sealed = (*seal_)(frame.first(noise_overhead + size));
      if (!sealed) {
        error_ = sealed.error();
        break;
      }
      used += noise_overhead + size;
    }
    if (network_) {
      const std::size_t plain = std::min(unwrapped_, used);
      unwrapped_ -= plain;
      network_->seal(out.subspan(plain, used - plain));
    }
    return used;
  }

  /// True when produce() has something to send that is not a text.
  [[nodiscard]] bool has_output() const noexcept { return !raw_.empty(); }
  /// Both sides have proved who they are; texts go to and fro.
  [[nodiscard]] bool established() const noexcept { return seal_.has_value(); }
  /// @pre established()
  [[nodiscard]] const noise_peer& peer() const noexcept { return noise_.peer(); }

 private:
  static constexpr std::array<std::string_view, 1> names{noise_protocol};
  /// A frame is begun only if at least this much text fits.
  static constexpr std::size_t least_text = 64;

  static void append(std::vector<std::byte>& out, bytes_view bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  }

  /// Multistream-select and the handshake, as far as the input goes.
  void greet() {
    if (!agreed_ && !agree()) return;
    append(held_, in_);
    in_ = {};
    const result<std::size_t> took = noise_.receive(held_, raw_);
    if (!took) {
      error_ = took.error();
      return;
    }
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(*took));
    if (!noise_.finished()) return;
    const noise_keys keys = noise_.keys();
    seal_.emplace(keys.send);
    open_.emplace(keys.receive);
    early_ = std::move(held_);
    held_ = {};
    in_ = early_;
  }

  bool agree() {
    bytes_view rest = in_;
    const multistream_event said =
        dial_ ? dial_->next(rest)
              : listen_->next(rest, [](std::string_view name) { return name == noise_protocol; });
    append(raw_, dial_ ? dial_->take_output() : listen_->take_output());
    in_ = in_.last(rest.size());
    agreed_ = said == multistream_event::agreed;
    if (said == multistream_event::refused) error_ = make_error_code(errc::unsupported);
    if (said == multistream_event::violation) error_ = make_error_code(errc::malformed);
    return agreed_;
  }

  /// A frame that is cut by the end of the input is gathered in held_ and opened there.
  result<noise_frame> next_frame() {
    if (opened_held_) {
      opened_held_ = false;
      held_.clear();
    }
    if (held_.empty()) {
      const result<noise_frame> frame = open_->next(in_);
      if (!frame) return frame;
      in_ = in_.subspan(frame->consumed);
      if (frame->consumed == 0) {
        held_ = {};  // an idle channel holds no buffer
        append(held_, in_);
        in_ = {};
      }
      return frame;
    }
    gather(noise_header_size);
    if (held_.size() >= noise_header_size) gather(noise_header_size + load_be<std::uint16_t>(held_.data()));
    const result<noise_frame> frame = open_->next(held_);
    opened_held_ = frame && frame->consumed != 0;
    return frame;
  }

  /// Moves input into held_ until that has `size` bytes, or the input ends.
  void gather(std::size_t size) {
    if (held_.size() >= size) return;
    held_.reserve(size);
    const std::size_t n = std::min(size - held_.size(), in_.size());
    append(held_, in_.first(n));
    in_ = in_.subspan(n);
  }

  handshake noise_;
  std::optional<private_network> network_;
  std::size_t unwrapped_ = 0;  // of what is sent first, bytes that go as they are
  std::optional<multistream_dialer> dial_;
  std::optional<multistream_listener> listen_;
  bool agreed_ = false;  // on Noise
  std::optional<noise_sealer<typename Suite::cipher>> seal_;
  std::optional<noise_opener<typename Suite::cipher>> open_;
  std::vector<std::byte> raw_;    // to be sent before any text
  bytes_span in_;                 // of the last input, what is left
  std::vector<std::byte> early_;  // what had come behind the handshake when it ended
  std::vector<std::byte> held_;   // a message that has not arrived whole
  bool opened_held_ = false;      // the last text stands in held_
  std::error_code error_;
};

}  // namespace shoal::libp2p
