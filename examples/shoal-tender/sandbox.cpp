// SPDX-License-Identifier: BSL-1.0
#include "sandbox.hpp"

#include <string>

#include <shoal/base/result.hpp>
#include <shoal/os/linux/guest_filter.hpp>
#include <shoal/os/linux/system_filter.hpp>

#include "../common/message.hpp"
#include "../common/uri.hpp"

void enter_sandbox(const tender_options& given) {
  using namespace shoal::linux_os;
  system_filter filter = guest_filter();
  bool files = !given.record.empty();
  bool frames = false;
  bool peers = files && !given.record.starts_with("cbor:");
  for (const given_device& each : given.devices) {
    const std::string& uri = each.value;
    if (each.kind == "block") {
      files = true;
      peers = peers || uri.starts_with("swarm:") || common::is_nbd(uri);
    }
    if (each.kind == "net") frames = true;
    if (each.kind == "i2c" && uri.starts_with("cdev:")) allow_buses(filter);
    if (each.kind != "gpio") continue;
    if (uri.starts_with("cdev:")) allow_lines(filter);
    if (uri.starts_with("qtest:")) peers = true;
    if (uri.starts_with("sysfs:")) {
      throw common::failure{
          "lines of sysfs are files that are opened again and again, which the sandbox does not allow",
          "give cdev: instead, or --no-sandbox", common::exit_usage};
    }
  }
  if (files) allow_files(filter);
  if (frames) allow_frames(filter);
  if (peers) allow_peers(filter);
  const shoal::result<> dropped = drop_privileges();
  const shoal::result<> entered = dropped ? filter.enter() : dropped;
  if (!entered) throw common::failure{"cannot enter the sandbox", entered.error(), "--no-sandbox does without"};
}
