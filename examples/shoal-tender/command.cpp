// SPDX-License-Identifier: BSL-1.0
#include "command.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <shoal/hypercall/abi.hpp>
#include <shoal/monitor/quantity_text.hpp>
#include <shoal/os/linux/guest_console.hpp>
#include <shoal/version.hpp>

#include "../common/gpio_chip_help.hpp"
#include "../common/i2c_buses.hpp"
#include "../common/message.hpp"
#include "../common/options.hpp"
#include "../common/size.hpp"
#include "../common/split.hpp"
#include "../common/swarm_disk.hpp"

using common::failure;
using shoal::hypercall::device_type;

namespace {

/// What can be given by the name of a device. The first of a type is the device itself.
struct device_option {
  std::string_view name;
  device_type type;
};
constexpr std::array device_options{
    device_option{"block", device_type::block}, device_option{"block-sector-size", device_type::block},
    device_option{"net", device_type::net},     device_option{"net-mac", device_type::net},
    device_option{"gpio", device_type::gpio},   device_option{"i2c", device_type::i2c}};

std::uint64_t size_of(const std::string& option, const std::string& text) {
  const std::optional<std::uint64_t> size = common::parse_size(text);
  if (size) return *size;
  throw failure{option + ": '" + text + "' is not a size", "sizes look like 4096, 64K or 1M",
                common::exit_usage};
}

std::uint64_t number_of(const std::string& option, const std::string& text) {
  constexpr std::uint64_t most = 1u << 20;  // what more MiB have may not fit 64 bits
  const std::optional<std::uint64_t> number = shoal::monitor::parse_number(text);
  if (number && *number <= most) return *number;
  throw failure{option + ": '" + text + "' is no size", "it is an even number of MiB, 4096 at most",
                common::exit_usage};
}

double seconds_of(const std::string& option, const std::string& text, double shortest, double longest) {
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, wrong] = std::from_chars(text.data(), end, seconds);
  if (wrong == std::errc{} && rest == end && seconds >= shortest && seconds <= longest) return seconds;
  throw failure{option + ": '" + text + "' is no time", "it is a number of seconds, such as 0.5 or 3600",
                common::exit_usage};
}

}  // namespace

std::string_view option_of(device_type type) {
  if (has_registers(type)) type = device_type::gpio;  // how it reaches its lines is the guest's affair
  for (const device_option& each : device_options) {
    if (each.type == type) return each.name;
  }
  return {};
}
device_type type_of(const given_device& given) {
  for (const device_option& each : device_options) {
    if (each.name == given.kind) return each.type;
  }
  return device_type::reserved_first;
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
  return size_of("--max-output", max_output);
}
std::uint64_t tender_options::io_limit() const {
  if (max_io.empty()) return 0;
  const std::uint64_t rate = size_of("--max-io", max_io);
  if (rate != 0) return rate;
  throw failure{"a guest with --max-io=0 would wait for ever", "give it some bytes a second, such as 20M",
                common::exit_usage};
}
std::uint32_t tender_options::sector_size(std::string_view disk) const {
  constexpr std::uint32_t usual = 512;
  constexpr std::uint32_t largest = 32768;
  const std::string* const text = find("block-sector-size", disk);
  if (text == nullptr) return usual;
  const std::optional<std::uint64_t> size = common::parse_size(*text);
  if (size && std::has_single_bit(*size) && *size >= usual && *size <= largest) {
    return static_cast<std::uint32_t>(*size);
  }
  throw failure{"--block-sector-size: '" + *text + "' is not the size of a sector",
                "it is a power of two from 512 to 32768", common::exit_usage};
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
    for (const device_option& option : device_options) {
      const std::string start = "--" + std::string{option.name} + ":";
      const std::size_t equals = word.find('=');
      if (!word.starts_with(start)) continue;
      if (equals == word.npos || equals == start.size() || equals + 1 == word.size()) {
        throw failure{"'" + std::string{word} + "' gives nothing", "write " + start + "NAME=URI",
                      common::exit_usage};
      }
      given_device device{std::string{option.name},
                          std::string{word.substr(start.size(), equals - start.size())},
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

/// What --help says below the options.
std::string devices_help() {
  return "Devices are given by the names that the guest has for them:\n"
         "  --block:NAME=URI     a disk: file:PATH or PATH, memory:SIZE, image:CID?store=STORE,\n"
         "                       nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH,\n"
         "                       " +
         std::string{common::swarm_help} +
         "\n"
         "  --block-sector-size:NAME=BYTES  512, or a larger power of two up to 32768\n"
         "  --net:NAME=TAP       a TAP interface, or @FD: one that is open, or a socket of frames\n"
         "  --net-mac:NAME=MAC   the guest's address there, such as 02:00:5e:00:53:01; default: by chance\n"
         "  --gpio:NAME=URI      GPIO lines;\n" +
         std::string{common::gpio_chip_help} +
         "\n"
         "  --i2c:NAME=URI       an I2C bus;\n" +
         std::string{common::i2c_bus_help} +
         "\n\n"
         "Exits with what the guest halts with; 1 when it was stopped for what it did, 3 for what was found by "
         "--watch,\n"
         "124 when it took longer than --max-time, 130 after Ctrl-C.\n\n"
         "Examples:\n"
         "  shoal-tender --dry-run guest\n"
         "  shoal-tender --block:disk=file:disk.img --gpio:pins=cdev:/dev/gpiochip0 --record cbor:pins.rec "
         "guest\n"
         "  shoal-tender --block:disk=nbd://storage/disk --overlay --rules guest.rules guest\n"
         "  shoal-tender --watch 1 --watch-global errors=0..0 --watch-stop guest\n"
         "  shoal-tender --block:disk='swarm:bafybei...?bootstrap=/ip4/192.0.2.1/tcp/4001' guest -- verbose";
}

}  // namespace

std::optional<int> read_command_line(int argc, char** argv, tender_options& given) {
  bool help = false;
  bool version = false;
  std::string memory = "64";
  std::string time = "0";
  std::string watch;
  const common::option_reader reader{
      "shoal-tender",
      {{"--help", "", "print this, and exit", &help},
       {"--version", "", "print the version, and exit", &version},
       {"--mem", "MIB", "its memory, 2 to 4096 MiB in steps of 2; default: 64", &memory},
       {"--ram-file", "FILE", "keep its memory in this file, which is made, so that others can look into it",
        &given.ram_file},
       {"--rules", "FILE",
        "tell of what breaks these rules at its lines, registers, buses, disks and networks, and\n"
        "refuse it with 'deny'; 'shoal-record check --help' says how they are written",
        &given.rules},
       {"--record", "URI", "record what it does with them: cbor:FILE, tcp://HOST:PORT, tls://...",
        &given.record},
       {"--watch", "SECONDS",
        "look into its memory so often, and at its end: tell of text and constants that are not\n"
        "those of its file",
        &watch},
       {"--watch-global", "NAME[=LEAST..MOST]",
        "NAME: tell of changes of a global; NAME=LEAST..MOST: tell of a value that is\n"
        "outside; may be given again",
        &given.watch_globals},
       {"--watch-stop", "", "stop it at the first of these that should not be", &given.watch_stop},
       {"--max-time", "SECONDS", "stop it after so many seconds", &time},
       {"--max-output", "SIZE", "stop it when it has printed so much", &given.max_output},
       {"--max-io", "SIZE", "it moves so much a second at most, over its disks and networks together",
        &given.max_io},
       {"--overlay", "", "it may write to its disks, on overlays in memory that go with it", &given.overlay},
       {"--readonly", "", "it may not write to its disks", &given.readonly},
       {"--dry-run", "", "only print which devices it asks for, and what it is given", &given.dry_run},
       {"--no-sandbox", "", "do without the filter of system calls, and keep root's rights",
        &given.no_sandbox}}};
  std::vector<char*> rest = take_devices(argc, argv, given.devices);
  const std::vector<std::string> words = reader.read(static_cast<int>(rest.size()), rest.data());
  if (help) {
    std::printf(
        "Runs a unikernel for Solo5's hvt in KVM.\n"
        "Usage: shoal-tender [OPTIONS] GUEST [ARGS...]\n\n"
        "GUEST is the unikernel, an ELF file for hvt; ARGS are its command line.\n\n"
        "Options:\n");
    reader.print();
    std::printf("\n%s\n", devices_help().c_str());
  }
  if (version) std::printf("%s\n", SHOAL_VERSION_STRING);
  if (help || version) return 0;
  if (words.empty()) throw reader.wrong("GUEST is missing");
  given.guest = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) given.words += (i == 1 ? "" : " ") + words[i];
  if (given.words.size() >= shoal::hypercall::layout::command_line_size) {
    throw reader.wrong("ARGS have " + std::to_string(given.words.size()) + " bytes, and a guest takes 8191");
  }
  given.memory_mib = number_of("--mem", memory);
  given.max_time = seconds_of("--max-time", time, 0, 1e9);
  if (!watch.empty()) given.watch = seconds_of("--watch", watch, 0.001, 1e6);
  if (watch.empty() && !given.watch_globals.empty()) throw reader.wrong("--watch-global requires --watch");
  if (watch.empty() && given.watch_stop) throw reader.wrong("--watch-stop requires --watch");
  return std::nullopt;
}
