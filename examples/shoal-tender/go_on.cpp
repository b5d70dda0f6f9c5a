// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include <shoal/os/posix/unique_fd.hpp>

#include "../common/local_devices.hpp"
#include "../common/message.hpp"
#include "../shoal-record/output.hpp"
#include "remote.hpp"

void go_on_where_all_is(const tender_options& given, char** argv) {
  if (make_remote_disks != nullptr || given.dry_run) return;
  const bool remote =
      is_collector(given.record) || std::ranges::any_of(given.devices, [](const given_device& each) {
        return each.kind == "block" && !common::is_local_device(disk_uri(each.value));
      });
  if (!remote) return;
  std::error_code unknown;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown) throw common::failure{"cannot find shoal-tender-remote", unknown, "is /proc mounted?"};
  const std::filesystem::path other = self.parent_path() / "shoal-tender-remote";
  ::execv(other.c_str(), argv);
  throw common::failure{"cannot run " + other.string(), shoal::posix::last_error(),
                        "it belongs beside shoal-tender, and has the disks and collectors that are elsewhere"};
}
