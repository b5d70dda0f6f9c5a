// SPDX-License-Identifier: BSL-1.0
//
// alert_sink: where the alerts of 'serve' go, by URI: '-' (standard output), cbor:FILE, tcp://HOST:PORT,
// tls://HOST:PORT. A CBOR sequence of maps but for standard output.
#pragma once

#include <memory>
#include <string>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "output.hpp"
#include "service.hpp"

/// One strand. Outlives the context's run.
class alert_sink {
 public:
  alert_sink() = default;
  alert_sink(const alert_sink&) = delete;
  alert_sink& operator=(const alert_sink&) = delete;
  virtual ~alert_sink() = default;

  /// Passes on what is put into the log of `service`, until that is stopped; what is there by then is
  /// delivered.
  virtual asio::awaitable<void> run(ids_service& service) = 0;

  /// @param form   of standard output  @param trust  certificates of tls://, PEM; empty: the system's
  /// @throws common::failure
  static std::unique_ptr<alert_sink> make(const std::string& uri, output_form form, const std::string& trust);
};
