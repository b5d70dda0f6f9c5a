// SPDX-License-Identifier: BSL-1.0
#include "web.hpp"

#include <chrono>
#include <cstdint>

#include "../common/http_place.hpp"

namespace {

/// One line of Prometheus' text format, and what it is.
void add_metric(std::string& out, const char* name, const char* type, const char* help, std::uint64_t value,
                const char* labels = "") {
  if (out.find(std::string{"# TYPE "} + name + " ") == out.npos) {
    out += std::string{"# HELP "} + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }
  out += std::string{name} + labels + " " + std::to_string(value) + "\n";
}

}  // namespace

web::web(node& peer, shoal::own_blocks& mine)
    : peer_(peer), server_(peer.context.get_executor()), gateway_(mine) {
  gateway_.serve_on(server_);
  server_.add_text("/status", "application/json", [this] { return status(); });
  server_.add_text("/metrics", "text/plain; version=0.0.4", [this] { return metrics(); });
}

std::string web::listen(const std::string& address) {
  return common::listen_http(peer_.context.get_executor(), server_, address, {});
}

std::string web::status() const {
  // nothing in here needs escaping: ids, addresses and numbers
  std::string out = "{\"peer\":\"" + to_text(peer_.host.id()) + "\",\"addresses\":[";
  const char* comma = "";
  for (const auto& address : peer_.host.addresses()) {
    out += comma + ("\"" + to_text(address) + "\"");
    comma = ",";
  }
  out += "],\"links\":" + std::to_string(peer_.host.link_count()) +
         ",\"cached_bytes\":" + std::to_string(peer_.cache->bytes()) +
         ",\"wanted\":" + std::to_string(peer_.blocks.wanted()) + ",\"peers\":[";
  comma = "";
  for (const auto& each : peer_.blocks.peers()) {
    out += comma + ("{\"peer\":\"" + to_text(each->link->peer()) + "\",\"address\":\"" +
                    to_text(each->link->remote()) + "\",\"origin\":" + (each->tier == 0 ? "false" : "true") +
                    ",\"received_bytes\":" + std::to_string(each->traffic.bytes_received) +
                    ",\"sent_bytes\":" + std::to_string(each->traffic.bytes_sent));
    if (const auto rtt = each->link->round_trip()) {
      const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(*rtt).count();
      out += ",\"round_trip_us\":" + std::to_string(micros);
    }
    out += "}";
    comma = ",";
  }
  return out + "]}\n";
}

std::string web::metrics() const {
  std::string out;
  const auto& blocks = peer_.blocks;
  add_metric(out, "shoal_links", "gauge", "Connections that are up.", peer_.host.link_count());
  add_metric(out, "shoal_peers", "gauge", "Peers that blocks are exchanged with.", blocks.peers().size());
  add_metric(out, "shoal_banned_peers", "gauge", "Peers that have sent what nobody asked for.",
             blocks.banned());
  add_metric(out, "shoal_cache_bytes", "gauge", "Blocks in memory.", peer_.cache->bytes());
  add_metric(out, "shoal_wanted_blocks", "gauge", "Blocks that are being fetched.", blocks.wanted());
  const char* const received = "shoal_received_bytes_total";
  const char* const help = "Bytes of blocks that have come.";
  add_metric(out, received, "counter", help, blocks.traffic()[0].bytes_received, "{from=\"neighbours\"}");
  add_metric(out, received, "counter", help, blocks.traffic()[1].bytes_received, "{from=\"origins\"}");
  add_metric(out, received, "counter", help, blocks.fallback_traffic().bytes_received, "{from=\"gateways\"}");
  add_metric(out, "shoal_sent_bytes_total", "counter", "Bytes of blocks that were sent to peers.",
             blocks.sent().bytes_sent);
  add_metric(out, "shoal_sent_blocks_total", "counter", "Blocks that were sent to peers.",
             blocks.sent().blocks_sent);
  add_metric(out, "shoal_refused_wants_total", "counter", "Wants past the limit of a peer.",
             blocks.sent().wants_refused);
  add_metric(out, "shoal_fetches_total", "counter", "Requests for blocks.", blocks.received().fetches);
  add_metric(out, "shoal_duplicate_bytes_total", "counter", "Bytes of blocks that came twice.",
             blocks.received().duplicate_bytes);
  add_metric(out, "shoal_late_total", "counter", "Requests that had their time.", blocks.received().late);
  add_metric(out, "shoal_gateway_blocks_total", "counter", "Blocks that were sent over HTTP.",
             gateway_.counters().blocks);
  add_metric(out, "shoal_gateway_bytes_total", "counter", "Bytes of them.", gateway_.counters().bytes);
  add_metric(out, "shoal_gateway_refused_total", "counter", "HTTP requests that were refused.",
             gateway_.counters().refused);
  return out;
}
