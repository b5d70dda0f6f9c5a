// SPDX-License-Identifier: BSL-1.0
//
// connection_event: what a libp2p connection tells its driver. A part of libp2p/connection.hpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

#include <shoal/base/bytes.hpp>
#include <shoal/libp2p/yamux_event.hpp>

namespace shoal::libp2p {

struct connection_event {
  enum class kind : std::uint8_t {
    starved,     ///< everything was taken: receive() more
    ready,       ///< both sides have proved who they are: peer() is known, streams can be opened
    accepted,    ///< the peer has opened `stream` for `protocol`
    agreed,      ///< the peer takes part in `stream`, which this side has opened
    refused,     ///< the peer does not speak the protocol of `stream`, which is gone
    data,        ///< `bytes` of `stream`: consume() them when they are done with
    finished,    ///< the peer sends no more on `stream`; writing goes on until finish()
    reset,       ///< `stream` is gone
    drained,     ///< what notify_drained() asked for
    pong,        ///< the answer to ping(`value`)
    going_away,  ///< the peer opens and accepts no more streams
    failed       ///< the connection is broken, by `error`: send what there is to send, and close
  };

  kind what = kind::starved;
  stream_id stream = {};
  bytes_view bytes = {};           ///< of the input
  std::string_view protocol = {};  ///< valid until the next call
  std::uint32_t value = 0;
  std::error_code error = {};
};

}  // namespace shoal::libp2p
