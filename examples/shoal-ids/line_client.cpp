// SPDX-License-Identifier: BSL-1.0
//
// Clients that say lines.
#include "line_client.hpp"

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/detail/asio.hpp>

#include "../common/message.hpp"
#include "period.hpp"

namespace {

/// As a terminal without any settings wants it.
std::string with_returns(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

asio::awaitable<void> line_client::run() {
  const std::shared_ptr<line_client> self = shared_from_this();
  std::string line;
  while (!closed_ && !draining_ && stream_ != nullptr) {
    if (options_.terminal) {
      const bool prompted = co_await write("\nids> ", output_form::text);
      if (!prompted) break;
    }
    const bool there = co_await read_line(line);
    if (!there) break;
    const request wanted = parse_line(line);
    if (wanted.what == request::verb::quit) break;
    if (wanted.what == request::verb::nothing) continue;
    bool told = false;
    if (wanted.what == request::verb::watch) {
      told = co_await watch(wanted);
    } else {
      answer said = co_await service_.ask(wanted);
      const std::string text = std::move(said).whole(wanted.wanted.form);
      told = co_await write(text, wanted.wanted.form);
    }
    if (!told) break;
  }
  close();
}

void line_client::drain() {
  draining_ = true;
  if (waiting_) close();
}

void line_client::close() {
  closed_ = true;
  deadline_.cancel();
  if (stream_) stream_->close();
}

void line_client::close_after(client_options::duration time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
    const std::shared_ptr<line_client> self = weak.lock();
    if (self && !cancelled) self->close();
  });
}

asio::awaitable<bool> line_client::read_line(std::string& line) {
  if (!options_.terminal) close_after(said_something_ ? options_.idle_time : options_.first_time);
  waiting_ = true;
  while (!closed_ && !ended_ && !lines_.has_line()) {
    const shoal::bytes_span room{buffer_};
    const shoal::result<std::size_t> size = co_await stream_->read(room);
    if (!size) break;
    const shoal::bytes_view bytes = shoal::bytes_view{buffer_}.first(*size);
    ended_ = bytes.empty();  // the system tells it once
    if (ended_) lines_.end();
    if (!lines_.put(shoal::as_text(bytes))) {
      answer refused;
      refused.code = common::exit_usage;
      refused.problem = "a line is longer than " + std::to_string(line_reader::max_line) +
                        " bytes\n  'help' tells what can be said";
      const std::string text = std::move(refused).whole(output_form::text);
      (void)co_await write(text, output_form::text);
      break;
    }
  }
  waiting_ = false;
  deadline_.cancel();
  if (closed_ || !lines_.has_line()) co_return false;
  said_something_ = true;
  line = lines_.take();
  co_return true;
}

asio::awaitable<bool> line_client::write(std::string_view text, output_form form) {
  std::string returned;
  if (options_.terminal && form != output_form::cbor) {
    returned = with_returns(text);
    text = returned;
  }
  constexpr std::size_t piece = std::size_t{64} << 10;
  while (!text.empty() && !closed_) {
    const shoal::bytes_view part = shoal::as_bytes(text.substr(0, piece));
    close_after(options_.write_time);
    const shoal::result<> written = co_await stream_->write(part);
    deadline_.cancel();
    if (!written) co_return false;
    text.remove_prefix(part.size());
  }
  co_return !closed_;
}

asio::awaitable<bool> line_client::watch(const request& wanted) {
  using clock = std::chrono::steady_clock;
  const std::string& name = wanted.wanted.guest.name;
  const output_form form = wanted.wanted.form;
  answer said;
  std::string text;
  if (!name.empty() && service_.find(name) == nullptr) {
    said.code = common::exit_usage;
    said.problem = "there is no guest '" + name + "'\n  'guests' tells which there are";
  } else if (options_.terminal && wanted.watch_for == 0) {
    said.code = common::exit_usage;
    said.problem = "on a serial line nothing would end that\n  say how long: watch --for 1m";
  }
  if (!said.problem.empty()) {
    text = std::move(said).whole(form);
    co_return co_await write(text, form);
  }
  const output out{form, [&text](std::string_view bytes) { text += bytes; }};
  const auto end =
      wanted.watch_for == 0 ? clock::time_point::max() : clock::now() + in_nanoseconds(wanted.watch_for);
  std::uint64_t next = service_.log().end();
  for (const guest_alert& each : service_.open(name)) tell(each, out);
  clock::time_point still = clock::now() + options_.still_time;
  while (!closed_ && !draining_ && !service_.is_stopped() && clock::now() < end) {
    next = std::max(next, service_.log().begin());
    for (; next < service_.log().end(); ++next) {
      const guest_alert& alert = service_.log().at(next);
      if (name.empty() || name == alert.guest) tell(alert, out);
    }
    // a client that has gone is only seen by writing to it
    if (text.empty() && clock::now() >= still) out.put("still", {{"still", true}});
    if (!text.empty()) {
      const bool told = co_await write(text, form);
      if (!told) co_return false;
      text.clear();
      still = clock::now() + options_.still_time;
      continue;
    }
    const auto until = std::min(end, still);
    co_await service_.news().wait_until(until);
  }
  said.code = service_.open(name).empty() ? 0 : exit_alerts;
  text = std::move(said).whole(form);
  co_return co_await write(text, form);
}
