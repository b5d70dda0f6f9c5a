// SPDX-License-Identifier: BSL-1.0
#include "sandbox.hpp"

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/base/result.hpp>
#include <shoal/os/linux/guest_filter.hpp>
#include <shoal/os/linux/inherited_descriptors.hpp>
#include <shoal/os/linux/privileges.hpp>
#include <shoal/os/linux/system_filter.hpp>

#include "../common/message.hpp"
#include "../common/uri.hpp"

namespace {

/// The number at the beginning of a text, if there is one.
void add_number(std::string_view text, std::vector<int>& numbers) {
  int number = -1;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{}) {
    numbers.push_back(number);
  }
}

/// Descriptors that are files of a text, as /dev/fd/63 is.
void add_named(std::string_view text, std::vector<int>& numbers) {
  constexpr std::string_view folder = "/fd/";
  for (std::size_t at = text.find(folder); at != text.npos; at = text.find(folder, at + 1)) {
    add_number(text.substr(at + folder.size()), numbers);
  }
}

}  // namespace

void close_what_is_not_given(const tender_options& given) {
  if (given.no_sandbox) return;
  std::vector<int> numbers;
  for (const std::string* each : {&given.guest, &given.rules, &given.record, &given.ram_file}) {
    add_named(*each, numbers);
  }
  for (const given_device& each : given.devices) {
    if (each.kind == "net" && each.value.starts_with('@')) {
      add_number(std::string_view{each.value}.substr(1), numbers);
    }
    add_named(each.value, numbers);
  }
  shoal::linux_os::close_inherited(std::move(numbers));
}

void enter_sandbox(const tender_options& given) {
  using namespace shoal::linux_os;
  system_filter filter = guest_filter();
  bool files = !given.record.empty();
  bool frames = false;
  bool peers = files && !given.record.starts_with("cbor:");
  bool interfaces = false;
  for (const given_device& each : given.devices) {
    const std::string& uri = each.value;
    if (each.kind == "block") {
      files = true;
      interfaces = interfaces || uri.starts_with("swarm:");
      if (common::is_nbd_unix(uri)) allow_local_server(filter);
      peers = peers || interfaces || (common::is_nbd(uri) && !common::is_nbd_unix(uri));
    }
    if (each.kind == "net") frames = true;
    if (each.kind == "i2c" && uri.starts_with("cdev:")) allow_buses(filter);
    if (each.kind != "gpio") continue;
    if (uri.starts_with("cdev:")) allow_lines(filter);
    if (uri.starts_with("qtest:")) allow_connections(filter);
    if (uri.starts_with("sysfs:")) {
      throw common::failure{
          "lines of sysfs are files that are opened again and again, which the sandbox does not allow",
          "give cdev: instead, or --no-sandbox", common::exit_usage};
    }
  }
  if (files) allow_files(filter);
  if (frames) allow_frames(filter);
  if (peers) allow_peers(filter);
  if (interfaces) allow_interfaces(filter);
  const std::string cannot = "cannot enter the sandbox: ";
  if (const std::optional<kept_privilege> kept = drop_privileges()) {
    throw common::failure{
        cannot + std::string{kept->step}, kept->why,
        "root needs CAP_SETUID and CAP_SETGID to become nobody, and users who may open /dev/kvm "
        "need nothing; --no-sandbox does without"};
  }
  if (const shoal::result<> entered = filter.enter(); !entered) {
    throw common::failure{cannot + "the filter of system calls, seccomp(2)", entered.error(),
                          "has the kernel CONFIG_SECCOMP_FILTER? --no-sandbox does without"};
  }
}
