// SPDX-License-Identifier: BSL-1.0
//
// shoal-ids: looks into a guest from outside, and tells what an intruder changed in its kernel. The guest needs
// no agent, and we need no symbols: they are read out of its memory.
//
//     $ qemu-system-x86_64 -m 512 -qmp unix:guest.qmp,server=on,wait=off ... &
//     $ shoal-ids banner qmp:guest.qmp
//     Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12 ...) #1 SMP PREEMPT_DYNAMIC ...
//     $ shoal-ids check qmp:guest.qmp
//     ALERT hidden-task pid 84 (sleep): in the pid table, but not in the list of tasks
//
// A guest whose memory is shared is mapped, and read without a system call: -machine q35,memory-backend=ram
// -object memory-backend-memfd,id=ram,size=512M,share=on
#include <optional>

#include <CLI/CLI.hpp>

#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

int run_program(int argc, char** argv) {
  CLI::App app{"Looks into a Linux guest (x86-64, ARM) from outside, and tells what an intruder changed.",
               "shoal-ids"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(
      "GUEST is one of\n"
      "  4321, pid:4321     a process of QEMU\n"
      "  qmp:SOCKET         the QEMU that listens there (-qmp unix:SOCKET,server=on,wait=off)\n"
      "  FILE               RAM of a guest (memory-backend-file), an ELF core (dump-guest-memory), a LiME "
      "dump;\n"
      "                     ./4321 where the name is a number\n"
      "\n"
      "Exit codes: 0 all is well, 1 failed, 2 wrong usage, 3 something is not as it should be.\n"
      "\n"
      "Examples:\n"
      "  shoal-ids banner 4321                              which kernel is it?\n"
      "  shoal-ids plist guest.ram                          its processes, as a tree\n"
      "  shoal-ids files guest.ram 1                        what has process 1 open?\n"
      "  shoal-ids baseline 4321 -o clean.baseline          how it is while all is well\n"
      "  shoal-ids check 4321 --baseline clean.baseline     what is not as it should be?\n"
      "  shoal-ids watch qmp:guest.qmp --every 5s --json    and from now on\n"
      "  shoal-ids unikernel guest.elf guest.ram            is a unikernel as its file has it?\n"
      "\n"
      "'shoal-ids COMMAND --help' tells more about a command.");
  action chosen;
  add_forms(app, chosen);
  add_commands(app, chosen);
  add_baseline(app, chosen);
  add_watch(app, chosen);
  add_serve(app, chosen);
  add_unikernel(app, chosen);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  if (chosen.alone) return chosen.alone();
  guest guest{chosen.guest, process_of(chosen.guest.name)};
  const int code = run(chosen.run, guest, output::standard(chosen.form));
  guest.save_profile();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-ids", [&] { return run_program(argc, argv); });
}
