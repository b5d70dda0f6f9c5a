// SPDX-License-Identifier: BSL-1.0
//
// collector_uri: somebody who listens for records or alerts, as people write it: tcp://HOST:PORT or
// tls://HOST:PORT.
//
//     const collector_uri to = parse_collector("tls://monitor.example:7411", "ca.pem");
//     auto stream = co_await to.dial(to.where, std::chrono::seconds{5});
#pragma once

#include <string>

#include <shoal/http/url.hpp>
#include <shoal/net/byte_stream.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/openssl/tls_client.hpp>

#include "message.hpp"

namespace common {

struct collector_uri {
  shoal::http::url where;
  shoal::net::http_dialer dial;
};

/// @param trust  certificates that are believed, PEM; empty: the system's  @throws failure
inline collector_uri parse_collector(const std::string& uri, const std::string& trust) {
  const bool secure = uri.starts_with("tls:");
  const auto url = shoal::http::url::parse((secure ? "https" : "http") + uri.substr(3));
  if (!url || url->target != "/" || uri.rfind(':') < 6) {
    throw failure{"'" + uri + "' is no address of a collector", "write tcp://HOST:PORT or tls://HOST:PORT",
                  exit_usage};
  }
  if (!secure) return {*url, shoal::net::dial_plain};
  using shoal::openssl::tls_trust;
  const auto believed = trust.empty() ? tls_trust::of_system() : tls_trust::of_file(trust);
  if (!believed) throw failure{"cannot read certificates from " + trust, "--trust takes a PEM file"};
  return {*url, shoal::net::dial_secured<shoal::openssl::tls_client>(
                    [believed = *believed](const std::string& host) { return believed.connect(host); })};
}

}  // namespace common
