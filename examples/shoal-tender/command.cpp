// SPDX-License-Identifier: BSL-1.0
#include "command.hpp"

#include <array>
#include <cstddef>
#include <random>
#include <utility>

#include <CLI/CLI.hpp>

#include <shoal/monitor/quantity_text.hpp>
#include <shoal/os/linux/guest_console.hpp>
#include <shoal/version.hpp>

#include "../common/command_line.hpp"
#include "../common/devices.hpp"
#include "../common/gpio_chip_help.hpp"
#include "../common/message.hpp"
#include "../common/size.hpp"
#include "../common/split.hpp"
#include "../common/swarm_disk.hpp"

using common::failure;
using shoal::hypercall::device_type;

std::string_view option_of(device_type kind) {
  switch (kind) {
    case device_type::block: return "block";
    case device_type::net: return "net";
    case device_type::gpio: return "gpio";
    default: return {};
  }
}

const std::string* tender_options::find(std::string_view kind, std::string_view name) const {
  for (const given_device& each : devices) {
    if (each.kind == kind && each.name == name) return &each.value;
  }
  return nullptr;
}
const std::string* tender_options::find(device_type kind, std::string_view name) const {
  return find(option_of(kind), name);
}

std::uint64_t tender_options::output_limit() const {
  if (max_output.empty()) return shoal::linux_os::guest_console::unlimited;
  const std::optional<std::uint64_t> size = common::parse_size(max_output);
  if (size) return *size;
  throw failure{"--max-output: '" + max_output + "' is not a size", "sizes look like 4096, 64K or 1M",
                common::exit_usage};
}

shoal::linux_os::mac_address mac_of(const std::string* text) {
  shoal::linux_os::mac_address mac{};
  if (text == nullptr) {
    std::random_device chance;
    for (std::byte& each : mac) each = static_cast<std::byte>(chance());
    mac[0] = (mac[0] & std::byte{0xfc}) | std::byte{2};  // one station, and nobody's product
    return mac;
  }
  const std::vector<std::string_view> parts = common::split(*text, ':');
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const auto value = i < parts.size() && parts[i].size() == 2
                           ? shoal::monitor::parse_number("0x" + std::string{parts[i]})
                           : std::optional<std::uint64_t>{};
    if (!value || parts.size() != mac.size()) {
      throw failure{"'" + *text + "' is not the address of a network interface",
                    "it looks like 02:00:5e:00:53:01", common::exit_usage};
    }
    mac[i] = static_cast<std::byte>(*value);
  }
  return mac;
}

namespace {

/// Takes the devices out of the words of the command line, up to the guest's own.
std::vector<char*> take_devices(int argc, char** argv, std::vector<given_device>& devices) {
  std::vector<char*> rest;
  int i = 0;
  for (; i < argc && std::string_view{argv[i]} != "--"; ++i) {
    const std::string_view word = argv[i];
    bool taken = false;
    for (const std::string_view kind : {"block", "net", "net-mac", "gpio"}) {
      const std::string start = "--" + std::string{kind} + ":";
      const std::size_t equals = word.find('=');
      if (!word.starts_with(start)) continue;
      if (equals == word.npos || equals == start.size() || equals + 1 == word.size()) {
        throw failure{"'" + std::string{word} + "' gives nothing", "write " + start + "NAME=URI",
                      common::exit_usage};
      }
      given_device device{std::string{kind}, std::string{word.substr(start.size(), equals - start.size())},
                          std::string{word.substr(equals + 1)}};
      for (const given_device& other : devices) {
        if (other.kind == device.kind && other.name == device.name) {
          throw failure{start + device.name + " is given twice", "leave one of the two away",
                        common::exit_usage};
        }
      }
      devices.push_back(std::move(device));
      taken = true;
    }
    if (!taken) rest.push_back(argv[i]);
  }
  rest.insert(rest.end(), argv + i, argv + argc);
  return rest;
}

}  // namespace

std::optional<int> read_command_line(int argc, char** argv, tender_options& given) {
  CLI::App app{"Runs a unikernel for Solo5's hvt in KVM.", "shoal-tender"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.add_option("GUEST", given.guest, "the unikernel: an ELF file for hvt")->required();
  app.add_option("ARGS", given.arguments, "the guest's command line");
  app.add_option("--mem", given.memory_mib, "its memory, 2 to 4096 MiB in steps of 2; default: 64")
      ->type_name("MIB");
  app.add_option("--record", given.record,
                 "record what it does with GPIO lines: cbor:FILE, tcp://HOST:PORT, tls://...")
      ->type_name("URI");
  app.add_option("--max-time", given.max_time, "stop it after so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9));
  app.add_option("--max-output", given.max_output, "stop it when it has printed so much")->type_name("SIZE");
  app.add_flag("--overlay", given.overlay, "it may write to its disks, on overlays in memory that go with it");
  app.add_flag("--readonly", given.readonly, "it may not write to its disks");
  app.add_flag("--dry-run", given.dry_run, "only print which devices it asks for, and what it is given");
  app.add_flag("--no-sandbox", given.no_sandbox,
               "do without the filter of system calls, and keep root's rights");
  app.footer(
      "Devices are given by the names that the guest has for them:\n"
      "  --block:NAME=URI     a disk: file:PATH, memory:SIZE, image:CID?store=STORE,\n"
      "                       " +
      std::string{common::swarm_help} +
      "\n"
      "  --net:NAME=TAP       a TAP interface; --net-mac:NAME=02:00:5e:00:53:01 is the guest's address there\n"
      "  --gpio:NAME=URI      GPIO lines;\n" +
      std::string{common::gpio_chip_help} +
      "\n\n"
      "Exits with what the guest halts with; 1 when it was stopped for what it did, 124 when it took longer "
      "than\n"
      "--max-time, 130 after Ctrl-C.\n\n"
      "Examples:\n"
      "  shoal-tender --dry-run guest\n"
      "  shoal-tender --block:disk=file:disk.img --gpio:pins=cdev:/dev/gpiochip0 --record cbor:pins.rec guest\n"
      "  shoal-tender --block:disk='swarm:bafybei...?bootstrap=/ip4/192.0.2.1/tcp/4001' guest -- verbose");
  std::vector<char*> words = take_devices(argc, argv, given.devices);
  return common::parse_command_line(app, static_cast<int>(words.size()), words.data());
}
