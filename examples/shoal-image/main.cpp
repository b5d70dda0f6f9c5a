// SPDX-License-Identifier: BSL-1.0
//
// shoal-image: disk images as content-addressed blocks.
//
//     $ shoal-image import debian.ext4 --store car:debian.car
//     debian.ext4: 512 MiB, of which 377 MiB holes; 8192 leaves and 9 nodes in 0.1 s
//     bafybeih...
//     $ shoal-image info --store car:debian.car
//     $ shoal-nbd --image bafybeih... --store car:debian.car
#include <optional>

#include <CLI/CLI.hpp>

#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

int run_program(int argc, char** argv) {
  CLI::App app{
      "Disk images as content-addressed blocks: import them, look at them, compare them, get them back.",
      "shoal-image"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  shoal-image import disk.img --store car:disk.car     cut disk.img into blocks, print its CID\n"
      "  shoal-image import disk.img --store ref:disk.ref     the same without a second copy of the data\n"
      "  shoal-image info --store car:disk.car                what is in there\n"
      "  shoal-image verify --store car:disk.car              read and check every block\n"
      "  shoal-image export CID --store car:disk.car -o out   get the image back, sparse\n"
      "  shoal-image diff CID1 CID2 --store car:a.car --store car:b.car\n"
      "  shoal-image locate disk.img /etc/shadow              which bytes of a disk a file has\n"
      "\nStores: car:FILE, flatfs:DIR (as Kubo's blocks/), ref:FILE (an index beside the image).\n"
      "'shoal-image COMMAND --help' tells more about a command.");
  action chosen;
  add_import(app, chosen);
  add_info(app, chosen);
  add_verify(app, chosen);
  add_cat(app, chosen);
  add_export(app, chosen);
  add_diff(app, chosen);
  add_locate(app, chosen);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-image", [&] { return run_program(argc, argv); });
}
