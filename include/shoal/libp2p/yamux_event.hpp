// SPDX-License-Identifier: BSL-1.0
//
// What a yamux session is told, its role and limits, and what it tells: events. Parts of libp2p/yamux.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include <shoal/base/bytes.hpp>
#include <shoal/libp2p/yamux_frame.hpp>

namespace shoal::libp2p {

/// A stream of one session: odd when the dialer of the connection opened it, even when the listener did.
enum class stream_id : std::uint32_t {};

/// Which side of the connection a session is on.
enum class yamux_role : std::uint8_t { dialer, listener };

/// What a session allows. Sizes in bytes of payload.
struct yamux_limits {
  /// Streams of the peer that are there at a time; more are reset.
  std::size_t max_inbound = 256;
  /// Receive window of a new stream; less than yamux_initial_window is not possible.
  std::uint32_t first_window = yamux_initial_window;
  /// The receive window of a stream grows up to this.
  std::uint32_t max_window = 16u << 20;
  /// The receive windows of all streams together grow up to this, beyond yamux_initial_window each.
  std::uint64_t max_growth = 32u << 20;
  /// Longest payload of a frame that is sent: with its header, one Noise message (noise_transport.hpp).
  std::uint32_t max_frame = 65519 - yamux_header_size;
  /// A queue is drained when it holds less than this.
  std::size_t low_water = 256u << 10;
};

/// How a peer broke the protocol.
enum class yamux_violation : std::uint8_t {
  none,
  unknown_frame,  ///< a version or type that does not exist
  wrong_stream,   ///< number 0 for a stream, another one for the session, or one that is not the peer's to open
  duplicate_stream,  ///< opens a stream that is there
  window_exceeded,   ///< more data than the window allows
  window_overflow,   ///< a window past 2^32 - 1
  data_after_end,    ///< data behind a FIN
  too_many_answers   ///< asks for more than it reads the answers of
};

/// What next() found at the front of its input.
struct yamux_event {
  enum class kind : std::uint8_t {
    starved,     ///< nothing that is whole: call again with more behind it
    opened,      ///< the peer has opened `stream`
    data,        ///< `bytes` of `stream`: consume() them when they are done with
    finished,    ///< the peer sends no more on `stream`; writing goes on until finish()
    reset,       ///< `stream` is gone
    drained,     ///< what notify_drained() asked for
    pong,        ///< the answer to ping(`value`)
    going_away,  ///< the peer opens and accepts no more streams; `value` is a yamux_goodbye, if it is known
    violation    ///< the peer broke the protocol: send the goodbye that is waiting, and close
  };

  kind what = kind::starved;
  std::size_t consumed = 0;  ///< bytes of the input that are done with, once the event has been handled
  stream_id stream = {};
  bytes_view bytes = {};  ///< of the input
  std::uint32_t value = 0;
  yamux_violation why = yamux_violation::none;
};

}  // namespace shoal::libp2p
