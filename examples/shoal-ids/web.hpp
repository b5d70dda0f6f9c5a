// SPDX-License-Identifier: BSL-1.0
//
// ids_web: what 'serve' tells browsers: a page with guests, processes and alerts, and the JSON that it asks for
// again and again.
#pragma once

#include <string>

#include <asio/any_io_executor.hpp>

#include <shoal/net/http_server.hpp>
#include <shoal/task/task.hpp>

#include "service.hpp"

/// The page, whole: script and style are in it, and nothing is loaded from elsewhere.
extern const char* const ids_page;

class ids_web {
 public:
  ids_web(asio::any_io_executor executor, ids_service& service);

  /// @param address  HOST:PORT, or PORT on this machine alone. Gives the URL. @throws common::failure
  std::string listen(const std::string& address);
  void stop() { server_.stop(); }

 private:
  using client = shoal::net::http_connection;

  static shoal::task<> show_page(ids_web& self, client& to);
  static shoal::task<> show_guests(ids_web& self, client& to);
  static shoal::task<> show_alerts(ids_web& self, client& to);
  static shoal::task<> show_processes(ids_web& self, client& to);
  [[nodiscard]] bool is_for_us(const client& to) const;

  asio::any_io_executor executor_;
  ids_service& service_;
  shoal::net::http_server server_;
  std::string name_;  // of the host, as --http has it
};
