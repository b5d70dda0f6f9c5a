// SPDX-License-Identifier: BSL-1.0
//
// line_client: somebody who says lines and gets answers, one after the other, over whatever carries bytes.
//
//     auto client = std::make_shared<line_client>(executor, std::move(stream), service,
//     line_client::network()); asio::co_spawn(executor, client->run(), asio::detached);
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <shoal/net/byte_stream.hpp>

#include "request.hpp"
#include "service.hpp"

struct client_options {
  using duration = std::chrono::steady_clock::duration;
  duration first_time = std::chrono::seconds{60};  ///< for TLS and the first line
  duration idle_time = std::chrono::minutes{10};   ///< between two lines
  duration write_time = std::chrono::seconds{30};  ///< for each 64 KiB of an answer
  duration still_time = std::chrono::seconds{30};  ///< who watches is told so often that all is still
  bool terminal = false;                           ///< a serial line: it has all the time, a prompt and CR LF
};

/// One strand. The service outlives the context's run.
class line_client : public std::enable_shared_from_this<line_client> {
 public:
  /// @param stream  null: there is nobody to talk to after all
  line_client(const asio::any_io_executor& executor, std::unique_ptr<shoal::net::byte_stream> stream,
              ids_service& service, client_options options = {})
      : stream_(std::move(stream)), service_(service), options_(options), deadline_(executor) {}

  /// Until somebody hangs up.
  asio::awaitable<void> run();
  /// The answer that is under way is the last.
  void drain();
  void close();

 private:
  asio::awaitable<bool> read_line(std::string& line);
  asio::awaitable<bool> write(std::string_view text, output_form form);
  asio::awaitable<bool> watch(const request& wanted);
  void close_after(client_options::duration time);

  std::unique_ptr<shoal::net::byte_stream> stream_;
  ids_service& service_;
  client_options options_;
  asio::steady_timer deadline_;
  line_reader lines_;
  std::array<std::byte, 4096> buffer_{};
  bool said_something_ = false;
  bool waiting_ = false;  // for a line
  bool ended_ = false;    // there will be no more of them
  bool draining_ = false;
  bool closed_ = false;
};
