// SPDX-License-Identifier: BSL-1.0
//
// shoal-record: what software does to its devices, recorded, shown, and held against rules.
//
//     $ printf 'output 0\nset 0 1\nwait 100ms\nset 0 0\n' > blink
//     $ shoal-record record --chip sim:8 --output cbor:blink.rec blink
//     $ shoal-record show blink.rec
//     2026-11-21T15:04:05.123456789Z sim:8 line_request 0 = 1
//     2026-11-21T15:04:05.123457789Z sim:8 line_set 0 = 1
//     2026-11-21T15:04:05.223557789Z sim:8 line_set 0 = 0
#include <optional>

#include <CLI/CLI.hpp>

#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/message.hpp"
#include "commands.hpp"
#include "output.hpp"

namespace {

int run_program(int argc, char** argv) {
  CLI::App app{"Records what software does to its devices, shows it, and holds it against rules.",
               "shoal-record"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  shoal-record record --chip cdev:/dev/gpiochip0 --output cbor:out.rec script   GPIO calls of a script\n"
      "  shoal-record attach guest.pipe --bar 00:03.0/0 --output cbor:nic.rec          a guest of QEMU, live\n"
      "  shoal-record collect recordings --port 7411             receive recordings from elsewhere\n"
      "  shoal-record show out.rec                               as text; --json, --svg FILE\n"
      "  shoal-record train clean.rec --output gpio.training     what is normal\n"
      "  shoal-record check out.rec --rules gpio.rules           what is not\n"
      "  shoal-record replay out.rec script                      does the script still do the same?\n"
      "\nRecordings go to cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT (a collector).\n"
      "'shoal-record COMMAND --help' tells more about a command.");
  action chosen;
  add_record(app, chosen);
  add_attach(app, chosen);
  add_collect(app, chosen);
  add_show(app, chosen);
  add_train(app, chosen);
  add_check(app, chosen);
  add_replay(app, chosen);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  return chosen();
}

}  // namespace

void add_output_options(CLI::App& app, output_options& options) {
  options.name = "recording";
  app.add_option("-o,--output", options.uri,
                 "where the recording goes: cbor:FILE (gone on with if it is there),\n"
                 "tcp://HOST:PORT or tls://HOST:PORT (a collector)")
      ->type_name("URI")
      ->required();
  app.add_option("--name", options.name, "of the recording at a collector; default: recording")
      ->type_name("NAME");
  app.add_option("--trust", options.trust, "believe collectors with these certificates; default: the system's")
      ->type_name("PEM");
}

int main(int argc, char** argv) {
  return common::guarded("shoal-record", [&] { return run_program(argc, argv); });
}
