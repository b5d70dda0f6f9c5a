// SPDX-License-Identifier: BSL-1.0
//
// gateway_client: fetches blocks from a trustless gateway and verifies them
// (specs.ipfs.tech/http-gateways/trustless-gateway).
//
//     result<http::url> where = http::url::parse("http://origin.example:8080");
//     net::gateway_client gateway{executor, *where, digester};
//     result<block> found = co_await gateway.get(id);
//
// For https, give it a dialer that knows TLS (net/secured_stream.hpp). Asks for single blocks; leaves out CARs.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/content/verify.hpp>
#include <shoal/crypto/hasher.hpp>
#include <shoal/gateway/request.hpp>
#include <shoal/http/head_writer.hpp>
#include <shoal/http/response_head.hpp>
#include <shoal/http/url.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/net/http_link.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

struct gateway_client_options {
  using duration = std::chrono::steady_clock::duration;
  /// How long connecting may take.
  duration dial_time = std::chrono::seconds{10};
  /// How long the gateway may say nothing. The specification's own limit.
  duration patience = std::chrono::seconds{30};
  /// How long one answer may take. Who trickles is given up.
  duration time_limit = std::chrono::minutes{2};
  /// A connection that was idle for longer is not used again.
  duration idle_time = std::chrono::seconds{30};
  /// Requests at a time, each over a connection of its own. Further ones wait.
  std::size_t max_connections = 8;
  /// How often the gateway may send us elsewhere for one block.
  unsigned max_redirects = 3;
};

/// One strand. Outlives its tasks.
template <digester Digester>
class gateway_client {
 public:
  /// @param gateway   where "/ipfs/CID" is to be found: its path is put in front
  /// @param digester  outlives the client
  gateway_client(asio::any_io_executor executor, http::url gateway, const Digester& digester,
                 gateway_client_options options = {}, http_dialer dial = dial_plain)
      : executor_(std::move(executor)),
        gateway_(std::move(gateway)),
        digester_(digester),
        options_(options),
        dial_(std::move(dial)) {
    while (gateway_.target.ends_with('/')) gateway_.target.pop_back();
  }
  gateway_client(const gateway_client&) = delete;
  gateway_client& operator=(const gateway_client&) = delete;

  /// errc::not_found when the gateway does not have it, errc::block_mismatch when it gave something else,
  /// errc::busy when it asks us to come back later, errc::timed_out, errc::limit_exceeded for more than
  /// max_block_size, errc::failed for other refusals, or the error of the connection.
  task<block> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id);
    while (in_use_ >= options_.max_connections) co_await freed_.wait();
    const place mine{*this};
    http::url where = gateway_;
    where.target += "/ipfs/" + to_text(id) + "?format=raw";
    result<std::vector<std::byte>> content = co_await fetch(where);
    if (!content) co_return content.error();
    if (const result<> genuine = verify(digester_, id, *content); !genuine) co_return genuine.error();
    const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(*content));
    co_return block{id, lease{owner, *owner}};
  }

  /// Connections that wait for the next request.
  [[nodiscard]] std::size_t idle_count() const noexcept { return idle_.size(); }

 private:
  using clock = std::chrono::steady_clock;

  /// One of the places of max_connections.
  class place {
   public:
    explicit place(gateway_client& home) noexcept : home_(home) { ++home_.in_use_; }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() {
      --home_.in_use_;
      home_.freed_.notify();
    }

   private:
    gateway_client& home_;
  };

  struct idle_link {
    std::string origin;
    clock::time_point since;
    std::unique_ptr<http_link> link;
  };

  /// An answer, its body not read yet, and the connection that it came over.
  struct answer {
    http::response_head head;
    std::unique_ptr<http_link> link;
  };

  /// Follows redirects. `where` ends up at the last place.
  task<std::vector<std::byte>> fetch(http::url& where) {
    for (unsigned redirects = 0;; ++redirects) {
      result<answer> got = co_await ask(where);
      if (!got) co_return got.error();
      const http::response_head& head = got->head;
      if (head.status == 200) {
        result<std::vector<std::byte>> body = co_await got->link->take_body(head, max_block_size);
        keep(where, std::move(got->link));
        co_return body;
      }
      const bool moved = head.status == 301 || head.status == 302 || head.status == 303 || head.status == 307 ||
                         head.status == 308;
      const auto location = head.fields.find("Location");
      if (!moved || !location) {
        constexpr std::size_t longest_refusal = 64u << 10;
        const result<std::vector<std::byte>> text = co_await got->link->take_body(head, longest_refusal);
        if (text) keep(where, std::move(got->link));
        co_return reason(head.status);
      }
      if (redirects == options_.max_redirects) co_return errc::limit_exceeded;
      const result<http::url> next = where.resolve(*location);
      if (!next) co_return next.error();
      if (where.secure && !next->secure) co_return errc::unsupported;  // what was secret stays so
      where = *next;
    }
  }

  static errc reason(unsigned status) noexcept {
    switch (status) {
      case 404:
      case 410: return errc::not_found;
      case 429:
      case 503: return errc::busy;
      case 408:
      case 504: return errc::timed_out;
      default: return errc::failed;
    }
  }

  task<answer> ask(const http::url& where) {
    http::head_writer writer = http::head_writer::request("GET", where.target);
    writer.field("Host", where.authority());
    writer.field("Accept", gateway::raw_type);
    writer.field("User-Agent", "shoal");
    const std::string request = std::move(writer).finish();
    // a server may close an idle connection at any time: then, and only then, try again over a new one
    if (std::unique_ptr<http_link> old = take_idle(where)) {
      result<http::response_head> head = co_await old->ask("GET", request);
      if (head) co_return answer{std::move(*head), std::move(old)};
      if (old->has_heard() || head.error() != errc::closed) co_return head.error();
    }
    result<std::unique_ptr<byte_stream>> stream = co_await dial_(where, options_.dial_time);
    if (!stream) co_return stream.error();
    auto link =
        std::make_unique<http_link>(executor_, std::move(*stream), options_.patience, options_.time_limit);
    result<http::response_head> head = co_await link->ask("GET", request);
    if (!head) co_return head.error();
    co_return answer{std::move(*head), std::move(link)};
  }

  static std::string origin_of(const http::url& where) {
    return (where.secure ? "https://" : "http://") + where.authority();
  }

  std::unique_ptr<http_link> take_idle(const http::url& where) {
    std::erase_if(idle_, [too_old = clock::now() - options_.idle_time](const idle_link& each) {
      return each.since < too_old;
    });
    const std::string origin = origin_of(where);
    for (auto each = idle_.rbegin(); each != idle_.rend(); ++each) {
      if (each->origin != origin) continue;
      std::unique_ptr<http_link> link = std::move(each->link);
      idle_.erase(std::next(each).base());
      return link;
    }
    return nullptr;
  }

  void keep(const http::url& where, std::unique_ptr<http_link> link) {
    if (!link->is_idle()) return;
    if (idle_.size() == options_.max_connections) idle_.erase(idle_.begin());
    idle_.push_back({origin_of(where), clock::now(), std::move(link)});
  }

  asio::any_io_executor executor_;
  http::url gateway_;
  const Digester& digester_;
  gateway_client_options options_;
  http_dialer dial_;
  std::vector<idle_link> idle_;  // the longest idle one first
  std::size_t in_use_ = 0;
  signal freed_;
};

}  // namespace shoal::net
