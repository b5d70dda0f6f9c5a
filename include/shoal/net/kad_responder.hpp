// SPDX-License-Identifier: BSL-1.0
//
// kad_responder: answers what a peer asks on a stream that it has opened for the distributed hash table.
//
//     host.handle(std::string{realm.protocol()}, [&](const auto& link, auto stream) {
//       return std::make_shared<net::kad_responder>(server, link, stream);
//     });
//
// What to answer is libp2p/kad_server.hpp's to say.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/libp2p/kad_server.hpp>
#include <shoal/net/peer_link.hpp>

namespace shoal::net {

/// Answers on one stream, as long as the peer asks.
class kad_responder final : public stream_user {
 public:
  /// Answers that may wait to be sent: who asks for more and does not read is cut off.
  static constexpr std::size_t max_queued = 512u << 10;

  /// @param server  must outlive the stream
  kad_responder(libp2p::kad_server& server, std::shared_ptr<peer_link> link, libp2p::stream_id stream)
      : server_(server), link_(std::move(link)), stream_(stream) {}

  void data(bytes_view in) override {
    while (true) {
      const result<std::optional<bytes_view>> body = requests_.next(in);
      if (!body) return link_->reset(stream_);
      if (!*body) return;
      const result<libp2p::kad_message> asked = libp2p::kad_message::decode(**body);
      if (!asked) return link_->reset(stream_);
      const auto said = server_.answer(link_->peer(), *asked, std::chrono::steady_clock::now());
      if (!said || link_->queued(stream_) > max_queued) return link_->reset(stream_);
      if (!*said) continue;
      std::vector<std::byte> out;
      libp2p::append_delimited(out, (*said)->encode());
      (void)link_->write(stream_, share(std::move(out)));
    }
  }
  void finished() override { link_->finish(stream_); }

 private:
  libp2p::kad_server& server_;
  std::shared_ptr<peer_link> link_;
  libp2p::stream_id stream_;
  libp2p::delimited_reader requests_{libp2p::max_kad_request};
};

}  // namespace shoal::net
