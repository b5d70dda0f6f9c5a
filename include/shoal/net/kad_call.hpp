// SPDX-License-Identifier: BSL-1.0
//
// ask_kad, tell_kad: one request to one peer of the distributed hash table, on a stream of its own.
//
//     result<libp2p::kad_message> said = co_await net::ask_kad(link, protocol, question, patience);
//     result<> told = net::tell_kad(*link, protocol, announcement);
//
// What to ask whom is libp2p/kad_query.hpp's to say.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/shared_bytes.hpp>
#include <shoal/libp2p/delimited.hpp>
#include <shoal/libp2p/kad_message.hpp>
#include <shoal/net/peer_link.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// Sends what is not answered. @param message  with its length in front
inline result<> tell_kad(peer_link& link, std::string_view protocol, shared_bytes message) {
  struct nobody final : stream_user {
    void data(bytes_view) override {}
  };
  const result<libp2p::stream_id> stream = link.open(protocol, std::make_shared<nobody>());
  if (!stream) return stream.error();
  const result<> written = link.write(*stream, std::move(message));
  link.finish(*stream);
  return written;
}

/// Sends a question and waits for its answer.
///
/// errc::timed_out; errc::unsupported when the peer does not serve; errc::closed when it gives no answer;
/// otherwise as delimited_reader::next, kad_message::decode, or why the stream ended.
/// @param message  with its length in front
inline task<libp2p::kad_message> ask_kad(std::shared_ptr<peer_link> link, std::string_view protocol,
                                         shared_bytes message, std::chrono::steady_clock::duration patience) {
  struct asker final : stream_user {
    void data(bytes_view in) override {
      if (outcome) return;
      const result<std::optional<bytes_view>> body = answers.next(in);
      if (!body) return end(body.error());
      if (*body) end(libp2p::kad_message::decode(**body));
    }
    void finished() override { end(errc::closed); }
    void gone(std::error_code why) override { end(why ? why : make_error_code(errc::closed)); }
    void end(result<libp2p::kad_message> how) {
      if (!outcome) outcome = std::move(how);
      changed.notify();
    }
    libp2p::delimited_reader answers{libp2p::max_kad_answer};
    std::optional<result<libp2p::kad_message>> outcome;
    signal changed;
  };
  const auto asking = std::make_shared<asker>();
  const result<libp2p::stream_id> stream = link->open(protocol, asking);
  if (!stream) co_return stream.error();
  (void)link->write(*stream, std::move(message));
  asio::steady_timer deadline{co_await asio::this_coro::executor, patience};
  deadline.async_wait([asking](std::error_code cancelled) {
    if (!cancelled) asking->end(errc::timed_out);
  });
  while (!asking->outcome) co_await asking->changed.wait();
  deadline.cancel();
  if (*asking->outcome) {
    link->finish(*stream);
  } else {
    link->reset(*stream);
  }
  co_return std::move(*asking->outcome);
}

}  // namespace shoal::net
