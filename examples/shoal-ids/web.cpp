// SPDX-License-Identifier: BSL-1.0
//
// Answers to browsers.
#include "web.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include <shoal/http/head_writer.hpp>
#include <shoal/http/syntax.hpp>
#include <shoal/http/target.hpp>
#include <shoal/task/lease.hpp>

#include "../common/http_place.hpp"
#include "../common/place.hpp"

namespace {

/// A whole answer that is never kept. Names of guests are the only thing in a request, and nothing but this
/// server is ever asked by the page.
shoal::task<> send_whole(shoal::net::http_connection& to, std::string_view type, std::string_view text) {
  shoal::http::head_writer head = shoal::http::head_writer::response(200);
  head.field("Content-Type", type);
  head.field("Cache-Control", "no-store");
  head.field("X-Content-Type-Options", "nosniff");
  head.field("X-Frame-Options", "DENY");
  head.field("Referrer-Policy", "no-referrer");
  head.field("Content-Security-Policy",
             "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  const shoal::http::body_length length{shoal::http::body_length::kind::sized, text.size()};
  const shoal::result<> begun = co_await to.begin(head, length);
  if (!begun) co_return begun.error();
  const shoal::bytes_view body = shoal::as_bytes(text);
  const shoal::lease none;
  co_return co_await to.send(body, none);
}

constexpr std::string_view json_type = "application/json";

/// The host of a Host field, without its port.
std::string_view host_of(std::string_view field) {
  const std::size_t bracket = field.rfind(']');
  const std::size_t colon = field.rfind(':');
  if (colon != field.npos && (bracket == field.npos || colon > bracket)) field = field.substr(0, colon);
  if (field.starts_with('[') && field.ends_with(']')) field = field.substr(1, field.size() - 2);
  return field;
}

}  // namespace

ids_web::ids_web(asio::any_io_executor executor, ids_service& service)
    : executor_(executor), service_(service), server_(std::move(executor)) {
  const auto add = [this](const char* path, shoal::task<> (*show)(ids_web&, client&)) {
    server_.add(path, [this, show](client& to) { return show(*this, to); });
  };
  add("/", show_page);
  add("/api/guests", show_guests);
  add("/api/alerts", show_alerts);
  add("/api/processes", show_processes);
}

std::string ids_web::listen(const std::string& address) {
  const common::place where = common::parse_place("--http", address);
  name_ = where.host.empty() ? "localhost" : where.host;
  return common::listen_http(executor_, server_, address, name_);
}

/// A page elsewhere whose name is made to lead here must not read what this one shows: names are this
/// machine's, that of --http, or addresses.
bool ids_web::is_for_us(const client& to) const {
  const std::string_view host = host_of(to.request().fields.find("Host").value_or(""));
  const bool address =
      !host.empty() && (host.find(':') != host.npos || host.find_first_not_of("0123456789.") == host.npos);
  return address || shoal::http::equal_ignoring_case(host, "localhost") ||
         shoal::http::equal_ignoring_case(host, name_);
}

shoal::task<> ids_web::show_page(ids_web& self, client& to) {
  const bool here = shoal::http::split_target(to.request().target).path == "/";
  if (!here) co_return co_await to.reply(404, "text/plain", "nothing is here; the page is /\n");
  if (!self.is_for_us(to)) co_return co_await to.reply(421, "text/plain", "not this machine's name\n");
  const std::string_view page{ids_page};
  co_return co_await send_whole(to, "text/html; charset=utf-8", page);
}

shoal::task<> ids_web::show_guests(ids_web& self, client& to) {
  if (!self.is_for_us(to)) co_return co_await to.reply(421, "text/plain", "not this machine's name\n");
  const std::string text = "{\"guests\":" + self.service_.guests_as_json() + "}\n";
  co_return co_await send_whole(to, json_type, text);
}

shoal::task<> ids_web::show_alerts(ids_web& self, client& to) {
  if (!self.is_for_us(to)) co_return co_await to.reply(421, "text/plain", "not this machine's name\n");
  constexpr std::uint64_t most = 200;
  const alert_log& log = self.service_.log();
  std::string text = "{\"alerts\":[";
  const char* comma = "";
  for (std::uint64_t i = log.end(); i-- > log.begin() && log.end() - i <= most; comma = ",") {
    text += comma + to_json(to_fields(log.at(i)));
  }
  text += "]}\n";
  co_return co_await send_whole(to, json_type, text);
}

shoal::task<> ids_web::show_processes(ids_web& self, client& to) {
  if (!self.is_for_us(to)) co_return co_await to.reply(421, "text/plain", "not this machine's name\n");
  std::string_view query = shoal::http::split_target(to.request().target).query;
  const auto parameter = shoal::http::take_parameter(query);
  const std::string guest{parameter.name == "guest" ? parameter.value : std::string_view{}};
  if (self.service_.find(guest) == nullptr) {
    co_return co_await to.reply(404, "text/plain", "no such guest: /api/processes?guest=NAME\n");
  }
  const request wanted = parse_line("plist --json " + guest);
  const answer said = co_await self.service_.ask(wanted);
  std::string text = "{\"processes\":[";
  for (std::size_t at = 0; at < said.body.size();) {
    const std::size_t end = said.body.find('\n', at);
    text += (at == 0 ? "" : ",") + said.body.substr(at, end - at);
    at = end + 1;
  }
  text += "]," + to_json({{"problem", said.problem}}).substr(1) + "\n";
  co_return co_await send_whole(to, json_type, text);
}
