// SPDX-License-Identifier: BSL-1.0
//
// serve: look after guests, answer clients, tell alerts.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include "../common/message.hpp"
#include "checks.hpp"
#include "commands.hpp"
#include "doors.hpp"
#include "guest_memory.hpp"
#include "period.hpp"
#include "recorder.hpp"
#include "service.hpp"
#include "sinks.hpp"
#include "web.hpp"

namespace {

using common::failure;

struct serve_options {
  std::vector<std::string> guests;
  std::string machine;
  build_files build;
  record_options record;
  std::vector<std::string> listen;
  std::string http;
  std::vector<std::string> alerts;
  tls_options tls;
  std::string alert_trust;
  double every = 5;
};

/// NAME=GUEST, or a GUEST that is called guest0, guest1, ...
named_guest parse_guest(const std::string& text, std::size_t number, const serve_options& given) {
  const std::size_t equals = text.find('=');
  const std::size_t slash = std::min({text.find('/'), text.find(':'), text.size()});
  named_guest out{"guest" + std::to_string(number), {text, given.machine, {}, given.build}};
  if (equals >= slash) return out;
  out.name = text.substr(0, equals);
  out.options.name = text.substr(equals + 1);
  const bool plain = std::ranges::all_of(out.name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (out.name.empty() || out.name.size() > 64 || out.name.front() == '-' || !plain ||
      out.options.name.empty()) {
    throw failure{"--guest: '" + text + "' is no guest",
                  "write NAME=GUEST; names have letters, digits, '-', '_' and '.'", common::exit_usage};
  }
  return out;
}

std::vector<named_guest> parse_guests(const serve_options& given) {
  std::vector<named_guest> out;
  for (const std::string& each : given.guests) {
    named_guest guest = parse_guest(each, out.size(), given);
    for (const named_guest& other : out) {
      if (other.name == guest.name) {
        throw failure{"two guests have the name '" + guest.name + "'",
                      "give each --guest NAME=GUEST a name of its own", common::exit_usage};
      }
    }
    out.push_back(std::move(guest));
  }
  return out;
}

int serve(const serve_options& given, output_form form) {
  std::signal(SIGPIPE, SIG_IGN);  // nobody may read the alerts any more
  std::vector<named_guest> guests = parse_guests(given);
  build_files build = given.build;
  read_build_files(build);  // once, for all of them, and what is wrong is told now
  for (named_guest& each : guests) each.options.build = build;
  asio::io_context context{1};
  ids_service service{context.get_executor(), guests, in_nanoseconds(given.every)};
  std::vector<std::unique_ptr<alert_sink>> sinks;
  const std::vector<std::string> standard{"-"};
  for (const std::string& each : given.alerts.empty() ? standard : given.alerts) {
    sinks.push_back(alert_sink::make(each, form, given.alert_trust));
  }
  std::optional<finding_recorder> recorder;
  if (!given.record.uri.empty()) {
    std::vector<std::string> names;
    for (const named_guest& each : guests) names.push_back(each.name);
    recorder.emplace(given.record, std::move(names));
  }
  ids_doors doors{context.get_executor(), service, given.tls};
  std::vector<std::string> places;
  for (const std::string& each : given.listen) {
    for (std::string& name : doors.open(each)) places.push_back(std::move(name));
  }
  std::optional<ids_web> web;
  if (!given.http.empty()) {
    web.emplace(context.get_executor(), service);
    places.push_back(web->listen(given.http));
  }
  for (const std::string& each : places) std::fprintf(stderr, "%s\n", each.c_str());

  asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
  signals.async_wait([&](std::error_code cancelled, int) {
    if (cancelled) return;
    doors.stop();
    if (web) web->stop();
    service.stop();
  });
  for (const auto& each : sinks) asio::co_spawn(context, each->run(service), [](const std::exception_ptr&) {});
  if (recorder) asio::co_spawn(context, recorder->follow(service), [](const std::exception_ptr&) {});
  service.start();
  context.run();
  if (recorder) recorder->finish();
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, action& chosen) {
  CLI::App* const sub =
      app.add_subcommand("serve", "look after guests, answer who asks about them, and tell alerts");
  auto given = std::make_shared<serve_options>();
  sub->add_option("--guest", given->guests,
                  "NAME=GUEST; may be given again. Without a name: guest0, guest1, ...")
      ->type_name("GUEST")
      ->required()
      ->allow_extra_args(false);
  add_machine(*sub, given->machine);
  add_build_files(*sub, given->build);
  sub->add_option("--listen", given->listen,
                  "where clients say commands: tcp://HOST:PORT, tls://HOST:PORT, unix:PATH\n"
                  "or serial:DEVICE?speed=115200; may be given again")
      ->type_name("URI")
      ->allow_extra_args(false);
  sub->add_option("--certificate", given->tls.certificate, "of tls://")->type_name("PEM");
  sub->add_option("--key", given->tls.key, "its key; default: in the same file")->type_name("PEM");
  sub->add_option("--trust", given->tls.trust,
                  "clients of tls:// need a certificate of these; default: anybody may ask")
      ->type_name("PEM");
  sub->add_option("--http", given->http, "a page for browsers; HOST:PORT, or PORT for this machine alone")
      ->type_name("ADDRESS");
  add_period(*sub, "--every", given->every, "time between two checks of a guest; default: 5s");
  sub->add_option("--alert", given->alerts,
                  "where alerts go: -, cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT; may be given again.\n"
                  "Default: -, standard output")
      ->type_name("URI")
      ->allow_extra_args(false);
  sub->add_option("--alert-trust", given->alert_trust,
                  "believe receivers of alerts with these; default: the system's")
      ->type_name("PEM");
  add_record_options(*sub, given->record);
  add_forms(*sub, chosen);
  sub->footer(
      "Clients say a command a line, such as 'plist guest0' or 'check guest0 --json'; 'help' tells all. "
      "Anybody "
      "who\n"
      "reaches a tcp:// or http:// address may ask. A guest that ends or boots again is looked for, and how it "
      "is\n"
      "when it is found is taken for good.\n\n"
      "Says where it listens on standard error, and ends with SIGTERM or Ctrl-C.\n\n"
      "Examples:\n"
      "  shoal-ids serve --guest web=qmp:web.qmp --guest db=4321 --listen unix:ids.sock --http 8080\n"
      "  echo 'plist web' | nc -N -U ids.sock\n"
      "  shoal-ids serve --guest 4321 --listen tls://:7412 --certificate ids.pem --key ids.key --trust "
      "admins.pem\n"
      "  openssl s_client -quiet -connect HOST:7412 -cert me.pem -key me.key");
  sub->callback([given, &chosen] { chosen.alone = [given, &chosen] { return serve(*given, chosen.form); }; });
}
