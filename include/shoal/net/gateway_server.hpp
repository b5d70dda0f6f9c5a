// SPDX-License-Identifier: BSL-1.0
//
// gateway_server: gives blocks and CARs to any HTTP client that can verify them
// (specs.ipfs.tech/http-gateways/trustless-gateway).
//
//     net::gateway_server gateway{store};
//     gateway.serve_on(http);                                  // /ipfs/CID?format=raw,
//     /ipfs/CID/PATH?format=car
//
// A CAR is sent block by block and never held. A block that is missing in its middle cuts it off, visibly.
// Leaves out IPNS and files as such: see gateway/request.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/car/header.hpp>
#include <shoal/content/car/section.hpp>
#include <shoal/content/cid.hpp>
#include <shoal/gateway/answer.hpp>
#include <shoal/gateway/dag_walk.hpp>
#include <shoal/gateway/request.hpp>
#include <shoal/http/body_length.hpp>
#include <shoal/http/etag.hpp>
#include <shoal/http/head_writer.hpp>
#include <shoal/net/http_connection.hpp>
#include <shoal/net/http_server.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/store/verified.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::net {

/// What a gateway has done, for metrics.
struct gateway_counters {
  std::uint64_t blocks = 0;   ///< sent, alone or in a CAR
  std::uint64_t bytes = 0;    ///< of them
  std::uint64_t cars = 0;     ///< begun
  std::uint64_t cut_off = 0;  ///< CARs that did not get to their end
  std::uint64_t refused = 0;  ///< requests that were answered with an error
};

/// One strand, that of the HTTP server.
template <block_fetcher Blocks>
class gateway_server {
 public:
  /// @param blocks  outlives the gateway and the HTTP server's connections. It gives verified blocks, as all
  /// do.
  explicit gateway_server(Blocks& blocks) noexcept : blocks_(blocks) {}
  gateway_server(const gateway_server&) = delete;
  gateway_server& operator=(const gateway_server&) = delete;

  /// Answers for everything below /ipfs/. The gateway outlives the server's connections.
  void serve_on(http_server& server) {
    server.add("/ipfs/", [this](http_connection& client) { return answer(client); });
  }

  [[nodiscard]] const gateway_counters& counters() const noexcept { return counters_; }

 private:
  task<> answer(http_connection& client) {
    const gateway::request_reading reading = gateway::read_request(client.request());
    if (!reading.wanted) co_return co_await refuse(client, reading.refused.status, reading.refused.why);
    const gateway::request& wanted = *reading.wanted;
    const auto tags = client.request().fields.find("If-None-Match");
    if (tags && http::any_etag_matches(*tags, gateway::etag(wanted))) {
      http::head_writer head = http::head_writer::response(304);
      append_cache_fields(head, wanted);
      const http::body_length none;
      co_return co_await client.begin(head, none);
    }
    if (can_try_get<Blocks> && wanted.only_if_cached && !is_at_hand(wanted.root)) {
      co_return co_await refuse(client, 412, "the block is not at hand");
    }
    if (wanted.format == gateway::response_format::raw) co_return co_await send_block(client, wanted);
    co_return co_await send_car(client, wanted);
  }

  task<> send_block(http_connection& client, const gateway::request& wanted) {
    const result<lease> content = co_await get(wanted.root);
    if (!content) co_return co_await refuse(client, content.error());
    http::head_writer head = http::head_writer::response(200);
    append_fields(head, wanted);
    append_cache_fields(head, wanted);
    const http::body_length length{http::body_length::kind::sized, content->size()};
    const result<> begun = co_await client.begin(head, length);
    if (!begun) co_return begun.error();
    if (client.wants_body()) count(*content);
    const bytes_view nothing;
    co_return co_await client.send(nothing, *content);
  }

  task<> send_car(http_connection& client, const gateway::request& wanted) {
    // once the head is sent it is too late to say "not found": look where the path leads first
    const result<> resolved = co_await resolve(wanted);
    if (!resolved) co_return co_await refuse(client, resolved.error());
    http::head_writer head = http::head_writer::response(200);
    append_fields(head, wanted);
    append_cache_fields(head, wanted);
    const http::body_length length{http::body_length::kind::chunked, 0};
    result<> sent = co_await client.begin(head, length);
    if (!sent || !client.wants_body()) co_return sent;
    ++counters_.cars;
    const std::vector<std::byte> start = encode_car_header(wanted.root);
    const bytes_view header = start;
    const lease none;
    sent = co_await client.send(header, none);
    if (sent) sent = co_await send_sections(client, wanted);
    if (!sent) ++counters_.cut_off;
    co_return sent;
  }

  task<> resolve(const gateway::request& wanted) {
    gateway::dag_walk walk{wanted};
    while (const cid* id = walk.wanted()) {
      if (!walk.resolving()) break;
      const cid here = *id;
      const result<lease> content = co_await get(here);
      if (!content) co_return content.error();
      (void)walk.supply(content->bytes());
      if (!walk.resolving()) break;
    }
    co_return walk.error();
  }

  task<> send_sections(http_connection& client, const gateway::request& wanted) {
    gateway::dag_walk walk{wanted};
    while (const cid* id = walk.wanted()) {
      const cid here = *id;
      if (!is_at_hand(here)) {
        // this takes its time: the client need not wait for what is there
        const result<> flushed = co_await client.flush();
        if (!flushed) co_return flushed.error();
      }
      const result<lease> content = co_await get(here);
      if (!content) co_return content.error();
      if (!walk.supply(content->bytes())) continue;
      count(*content);
      const car_section_prefix prefix{here, content->size()};
      const bytes_view copied = prefix.bytes();
      const result<> sent = co_await client.send(copied, *content);
      if (!sent) co_return sent.error();
    }
    co_return walk.error();
  }

  /// `id` outlives the task.
  task<lease> get(const cid& id) {
    if (is_inline(id)) co_return inline_block(id).data;
    if constexpr (can_try_get<Blocks>) {
      if (lease found = blocks_.try_get(id)) co_return found;
    }
    const result<block> found = co_await blocks_.get(id);
    if (!found) co_return found.error();
    co_return found->data;
  }

  /// False also when the store cannot tell.
  [[nodiscard]] bool is_at_hand(const cid& id) const noexcept {
    if (is_inline(id)) return true;
    if constexpr (can_try_get<Blocks>) return static_cast<bool>(blocks_.try_get(id));
    return false;
  }

  void count(const lease& content) noexcept {
    ++counters_.blocks;
    counters_.bytes += content.size();
  }

  task<> refuse(http_connection& client, std::error_code why) {
    if (why == errc::not_found) return refuse(client, 404, "no such block, or no such name on the path");
    if (why == errc::out_of_range) return refuse(client, 400, "the file has none of these bytes");
    if (why == errc::unsupported) return refuse(client, 501, "the links of a block cannot be read here");
    if (why == errc::timed_out) return refuse(client, 504, "nobody gave the block in time");
    return refuse(client, 500, "the block cannot be read");
  }
  /// `why` is a literal.
  task<> refuse(http_connection& client, unsigned status, std::string_view why) {
    ++counters_.refused;
    std::string text{why};
    text += '\n';
    co_return co_await client.reply(status, "text/plain", text);
  }

  Blocks& blocks_;
  gateway_counters counters_;
};

}  // namespace shoal::net
