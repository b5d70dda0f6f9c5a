// SPDX-License-Identifier: BSL-1.0
//
// What all commands share.
#include "commands.hpp"

#include <utility>

#include "../common/message.hpp"
#include "guest_memory.hpp"

CLI::App* add_command(CLI::App& app, action& chosen, const std::string& name, const std::string& help,
                      const std::string& example, guest_command run) {
  CLI::App* const sub = app.add_subcommand(name, help);
  if (chosen.served) {
    sub->add_option("GUEST", chosen.guest.name, "one of 'guests'")->required();
  } else {
    sub->add_option("GUEST", chosen.guest.name, "a process id of QEMU, qmp:SOCKET, or a file of RAM or a dump")
        ->required();
    add_machine(*sub, chosen.guest.machine);
    sub->add_option("--profile", chosen.guest.profile,
                    "keep what is learnt of this kernel in a file, and use it when the same kernel runs again")
        ->type_name("FILE");
    add_build_files(*sub, chosen.guest.build);
    sub->footer("Example:\n  shoal-ids " + name + " " + example);
  }
  add_forms(*sub, chosen);
  sub->callback([&chosen, run = std::move(run)] { chosen.run = run; });
  return sub;
}

void add_forms(CLI::App& app, action& chosen) {
  const auto choose = [&](const char* option, output_form form, const char* help) {
    return app.add_flag_callback(option, [&chosen, form] { chosen.form = form; }, help);
  };
  CLI::Option* const json = choose("--json", output_form::json, "print objects of JSON, one a line");
  choose("--cbor", output_form::cbor, "print a CBOR sequence of maps")->excludes(json);
}

int run(const guest_command& command, guest& guest, const output& out) {
  try {
    const int code = command(guest, out);
    guest.must_be_whole();
    return code;
  } catch (const common::failure&) {
    guest.must_be_whole();  // and what failed, failed because of that
    throw;
  }
}

void add_commands(CLI::App& app, action& chosen) {
  add_banner(app, chosen);
  add_syscall(app, chosen);
  add_plist(app, chosen);
  add_modules(app, chosen);
  add_files(app, chosen);
  add_sockets(app, chosen);
  add_tainted(app, chosen);
  add_check(app, chosen);
}
