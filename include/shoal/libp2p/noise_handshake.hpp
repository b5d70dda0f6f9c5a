// SPDX-License-Identifier: BSL-1.0
//
// noise_handshake: two peers prove to each other who they are and agree on keys (libp2p specs,
// noise/README.md), as a state machine: bytes in, bytes out.
//
//     noise_handshake<Cipher, Dh, Signer, Verifier> talk{role, me, static_key, ephemeral_key, muxers, admits};
//     result<std::size_t> took = talk.receive({}, out);     // the initiator speaks first
//     while (took && !talk.finished()) { send(out); ... in = in.subspan(*took); took = talk.receive(in, out); }
//     use(talk.peer(), talk.keys());                        // what is left of `in` is for noise_opener
//
// Randomness is the two private keys; time is the driver's, which gives a handshake a deadline.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/endian.hpp>
#include <shoal/base/result.hpp>
#include <shoal/crypto/signer.hpp>
#include <shoal/libp2p/noise_error.hpp>
#include <shoal/libp2p/noise_payload.hpp>
#include <shoal/libp2p/noise_transport.hpp>
#include <shoal/libp2p/noise_xx.hpp>
#include <shoal/libp2p/peer_id.hpp>
#include <shoal/libp2p/public_key.hpp>

namespace shoal::libp2p {

/// Who is at the other end.
struct noise_peer {
  peer_id id;
  public_key key;
  /// The multiplexer that both sides know they will use, one of this side's list. Empty: multistream-select
  /// chooses.
  std::string_view muxer = {};
};

/// An error ends it: the connection is to be closed, and nothing more is said.
template <noise_aead Cipher, key_agreement Dh, signer Signer, verifier Verifier>
class noise_handshake {
 public:
  /// Longest message taken, in bytes: one with an RSA key of 8192 bits and a dozen certificate hashes has half
  /// of it.
  static constexpr std::size_t max_message = 8192;
  /// Input that receive() needs at most to get on, in bytes.
  static constexpr std::size_t max_input = noise_header_size + max_message;

  /// Says whether a peer is welcome; none: everybody. Asked once the peer has proved its identity, and by the
  /// initiator before it shows its own.
  using admission = std::function<bool(const peer_id&)>;

  /// @param me             this side's identity; outlives the handshake
  /// @param static_key     private, random; may serve many handshakes
  /// @param ephemeral_key  private, random; for this handshake alone
  /// @param muxers         multiplexers, best first, such as "/yamux/1.0.0"; they outlive the handshake
  noise_handshake(noise_role role, const Signer& me, const secret<32>& static_key,
                  const secret<32>& ephemeral_key, std::span<const std::string_view> muxers,
                  admission admits = {}, Verifier verifier = {})
      : role_(role),
        me_(me),
        static_key_(static_key),
        muxers_(muxers),
        admits_(std::move(admits)),
        verifier_(std::move(verifier)),
        xx_(role, static_key, ephemeral_key) {}

  /// Takes whole messages off the front of `in`, appends what there is to say to `out`, and returns how many
  /// bytes it took. It takes nothing behind the last message.
  ///
  /// errc::limit_exceeded past max_message; errc::malformed, errc::truncated, errc::unsupported; a noise_errc.
  /// After an error every further call gives the same.
  [[nodiscard]] result<std::size_t> receive(bytes_view in, std::vector<std::byte>& out) {
    const std::size_t all = in.size();
    while (!error_ && !finished()) {
      if (xx_.my_turn()) {
        error_ = write(out).error();
        continue;
      }
      if (in.size() < noise_header_size) break;
      const std::size_t size = load_be<std::uint16_t>(in.data());
      if (size > max_message) return error_ = make_error_code(errc::limit_exceeded);
      if (size > in.size() - noise_header_size) break;
      error_ = read(in.subspan(noise_header_size, size)).error();
      in = in.subspan(noise_header_size + size);
    }
    if (error_) return error_;
    return all - in.size();
  }

  [[nodiscard]] bool finished() const noexcept { return xx_.finished() && peer_.has_value(); }
  /// @pre finished()
  [[nodiscard]] const noise_peer& peer() const noexcept { return *peer_; }
  /// For noise_sealer and noise_opener. @pre finished()
  [[nodiscard]] noise_keys keys() const noexcept { return xx_.keys(); }

 private:
  result<> write(std::vector<std::byte>& out) {
    std::vector<std::byte> payload;
    if (xx_.step() != 0) {
      const result<> made = make_payload(payload);
      if (!made) return made.error();
    }
    const std::size_t at = out.size();
    out.resize(at + noise_header_size);
    const result<> written = xx_.write(payload, out);
    if (!written) {
      out.resize(at);
      return written.error();
    }
    store_be(out.data() + at, static_cast<std::uint16_t>(out.size() - at - noise_header_size));
    return {};
  }

  result<> make_payload(std::vector<std::byte>& payload) {
    const result<public_key> key = public_key::make(me_.kind(), me_.public_key());
    if (!key) return key.error();
    std::array<std::byte, 32> mine;
    std::array<std::byte, Signer::signature_size> signature;
    if (Dh{}.public_of(static_key_.view(), mine) != status::ok) return errc::failed;
    if (me_.sign(noise_signed_text(mine), signature) != status::ok) return errc::failed;
    append_noise_payload(payload, key->encode(), signature, muxers_);
    return {};
  }

  result<> read(bytes_view message) {
    std::vector<std::byte> opened(message.begin(), message.end());
    const bool anonymous = xx_.step() == 0;  // the first message says nothing of its sender
    const result<bytes_view> payload = xx_.read(opened);
    if (!payload) return payload.error();
    if (anonymous) return {};
    return meet(*payload);
  }

  result<> meet(bytes_view bytes) {
    const result<noise_payload> said = noise_payload::decode(bytes);
    if (!said) return said.error();
    result<public_key> key = public_key::decode(said->identity_key);
    if (!key) return key.error();
    const auto text = noise_signed_text(xx_.remote_static().template first<32>());
    switch (verifier_.verify(key->kind(), key->bytes(), text, said->signature)) {
      case status::ok: break;
      case status::unsupported: return errc::unsupported;
      default: return noise_errc::bad_signature;
    }
    const peer_id id = peer_id::of(*key);
    if (admits_ && !admits_(id)) return noise_errc::unwanted_peer;
    peer_.emplace(noise_peer{.id = id, .key = *std::move(key), .muxer = choose(said->muxers)});
    return {};
  }

  /// The first of the initiator's list that the responder has too (libp2p specs,
  /// connections/inlined-muxer-negotiation .md). Without one the specification ends the connection; go-libp2p
  /// and js-libp2p negotiate, and so do we.
  [[nodiscard]] std::string_view choose(std::span<const std::string_view> theirs) const noexcept {
    const bool initiating = role_ == noise_role::initiator;
    for (const std::string_view wanted : initiating ? muxers_ : theirs) {
      const auto others = initiating ? theirs : muxers_;
      if (std::ranges::find(others, wanted) == others.end()) continue;
      return *std::ranges::find(muxers_, wanted);  // of this side's list: theirs is gone after the handshake
    }
    return {};
  }

  noise_role role_;
  const Signer& me_;
  secret<32> static_key_;
  std::span<const std::string_view> muxers_;
  admission admits_;
  Verifier verifier_;
  noise_xx<Cipher, Dh> xx_;
  std::optional<noise_peer> peer_;
  std::error_code error_;
};

}  // namespace shoal::libp2p
