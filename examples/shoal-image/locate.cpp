// SPDX-License-Identifier: BSL-1.0
//
// locate: where a file is in the image of a disk, as rules about disks have it.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/fs/ext4.hpp>

#include "../common/find_file.hpp"
#include "../common/message.hpp"
#include "commands.hpp"

namespace {

using common::failure;

struct locate_command {
  std::string disk;
  std::string path;

  int run() const {
    std::ifstream file{disk, std::ios::binary};
    if (!file) {
      throw failure{"cannot open " + disk, std::error_code{errno, std::system_category()},
                    "give the image of a disk, or of a file system"};
    }
    const common::disk_reader read = [&file](std::uint64_t offset, shoal::bytes_span out) {
      file.clear();
      file.seekg(static_cast<std::streamoff>(offset));
      file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
      return file ? shoal::status::ok : shoal::status::failed;
    };
    const shoal::fs::file_place place = common::find_file(read, path, disk);
    print("contents", place.contents);
    print("records", place.records);
    return 0;
  }

 private:
  static void print(const char* what, const shoal::range_set& ranges) {
    for (const shoal::byte_range& each : ranges.ranges()) {
      std::printf("%-8s disk:%llu-%llu\n", what, static_cast<unsigned long long>(each.begin),
                  static_cast<unsigned long long>(each.end - 1));
    }
  }
};

}  // namespace

void add_locate(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("locate", "tell where a file is in the image of a disk");
  auto command = std::make_shared<locate_command>();
  sub->add_option("DISK", command->disk, "the image of a disk with ext2, ext3 or ext4 on it")->required();
  sub->add_option("PATH", command->path, "the file, as /etc/shadow; symbolic links are not followed")
      ->required();
  sub->footer(
      "Prints the bytes of its contents, and of its records: its inode, and the names that lead to it.\n\n"
      "Example:\n  shoal-image locate disk.img /etc/shadow");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
