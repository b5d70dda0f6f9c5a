// SPDX-License-Identifier: BSL-1.0
//
// attach: records the register accesses of a guest in QEMU from its trace, live. The guest knows nothing.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <shoal/hal/access_filter.hpp>
#include <shoal/monitor/attach.hpp>
#include <shoal/monitor/rule_file.hpp>
#include <shoal/os/posix/unique_fd.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "clocks.hpp"
#include "commands.hpp"
#include "output.hpp"
#include "watch.hpp"

namespace {

using common::failure;
using namespace shoal::monitor;

/// 00:03.0/0 or 3.0/0: bus, device, function (hexadecimal, as lspci has them), number of the BAR.
std::optional<pci_bar> parse_bar(std::string_view text) {
  unsigned bus = 0;
  unsigned device = 0;
  unsigned function = 0;
  unsigned index = 0;
  char junk = 0;
  const std::string whole{text};
  const bool read =
      std::sscanf(whole.c_str(), "%2x:%2x.%1u/%1u%c", &bus, &device, &function, &index, &junk) == 4 ||
      (bus = 0, std::sscanf(whole.c_str(), "%2x.%1u/%1u%c", &device, &function, &index, &junk) == 3);
  if (!read || device > 31 || function > 7 || index > 5) return std::nullopt;
  return pci_bar{{static_cast<std::uint16_t>(bus << 8 | device << 3 | function)},
                 static_cast<std::uint8_t>(index)};
}

std::string name_of(const pci_bar& bar) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x.%u/%u", bar.function.bus(), bar.function.device(),
                bar.function.function(), static_cast<unsigned>(bar.index));
  return text.data();
}

std::optional<address_span> parse_span(std::string_view text, bool port) {
  const std::size_t dash = text.find('-');
  const auto first = shoal::monitor::parse_number(text.substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? first : shoal::monitor::parse_number(text.substr(dash + 1));
  if (!first || !last || *last < *first || (port && *last > 0xffff)) return std::nullopt;
  return address_span{*first, *last, port};
}

struct attach_command {
  std::string trace;
  std::vector<std::string> bars;
  std::vector<std::string> memory;
  std::vector<std::string> ports;
  std::string value;
  std::string rules;
  bool all = false;
  bool reads = false;
  bool writes = false;
  bool no_ports = false;
  bool quiet = false;
  output_options output;

  int run() const {
    const common::interrupt ctrl_c;
    std::vector<std::string> sources{"guest"};
    attach guest{choice(sources)};
    rule_watch watch{rules.empty() ? std::vector<rule>{} : read_rules(rules),
                     alert_printer{stderr, false, &sources}};
    const auto [mask, wanted] = value_bits();
    const shoal::hal::value_bits values{mask, wanted};
    recording_output out{output, sources, wall_clock::point};
    const auto fd = open_trace(ctrl_c.token());
    std::uint64_t kept = 0;
    const auto take = [&](const traced_access& seen) {
      shoal::hal::access_record record = seen.record;
      record.cycles = seen.time != 0 ? seen.time : wall_clock::now();
      (void)watch.check(record.cycles, record);
      if ((reads && shoal::hal::is_write(record.what)) || (writes && !shoal::hal::is_write(record.what)))
        return;
      if (!values.wants(record)) return;
      out.put(record);
      ++kept;
    };
    const auto tell = [&](const bar_change& change) {
      if (quiet) return;
      const std::string where = hex_text(change.now.base) + " (" + std::to_string(change.now.size) + " bytes" +
                                (change.now.port ? " of ports)" : ")");
      const std::string from =
          change.before.size == 0 ? "is at " : "moved from " + hex_text(change.before.base) + " to ";
      std::fprintf(stderr, "BAR %s %s%s\n", name_of(change.bar).c_str(), from.c_str(), where.c_str());
    };
    const bool ended = fd && listen(fd.get(), guest, take, tell, out, watch, ctrl_c.token());
    out.finish();
    const attach::counts& counted = guest.counted();
    if (!quiet) {
      std::fprintf(stderr, "%llu accesses, %llu recorded; %llu other lines, %llu damaged; %llu alerts\n",
                   static_cast<unsigned long long>(counted.accesses), static_cast<unsigned long long>(kept),
                   static_cast<unsigned long long>(counted.other),
                   static_cast<unsigned long long>(counted.malformed),
                   static_cast<unsigned long long>(watch.alerts()));
    }
    if (!ended) throw failure{"interrupted; what was recorded is there", {}, common::exit_interrupted};
    if (counted.accesses == 0) {
      throw failure{trace + " tells of no access", "start QEMU with -trace 'memory_region_ops_*' -D " + trace};
    }
    return 0;
  }

 private:
  attach_choice choice(std::vector<std::string>& sources) const {
    attach_choice out;
    for (const std::string& text : bars) {
      const std::optional<pci_bar> bar = parse_bar(text);
      if (!bar)
        throw failure{"'" + text + "' is no BAR", "write BUS:DEVICE.FUNCTION/BAR, as 00:03.0/0",
                      common::exit_usage};
      out.bars.push_back(*bar);
      sources.push_back(name_of(*bar));
    }
    const auto add = [&](const std::vector<std::string>& texts, bool port) {
      for (const std::string& text : texts) {
        const std::optional<address_span> span = parse_span(text, port);
        if (!span)
          throw failure{"'" + text + "' is no range of addresses", "write as 0x3f8-0x3ff", common::exit_usage};
        out.spans.push_back(*span);
      }
    };
    add(memory, false);
    add(ports, true);
    out.everything = all;
    out.ports = !no_ports;
    if (out.bars.empty() && out.spans.empty() && !all) {
      throw failure{"nothing is chosen", "give --bar, --memory or --port, or --all", common::exit_usage};
    }
    return out;
  }

  std::pair<std::uint64_t, std::uint64_t> value_bits() const {
    if (value.empty()) return {0, 0};
    const std::size_t slash = value.find('/');
    const auto wanted = shoal::monitor::parse_number(std::string_view{value}.substr(0, slash));
    const auto mask = slash == std::string::npos
                          ? ~std::uint64_t{0}
                          : shoal::monitor::parse_number(std::string_view{value}.substr(slash + 1));
    if (!wanted || !mask)
      throw failure{"'" + value + "' is no value", "write V or V/MASK, as 0x4/0xff", common::exit_usage};
    return {*mask, *wanted};
  }

  /// Waits for a writer if it is a pipe that has none. Nothing when the user has had enough.
  shoal::posix::unique_fd open_trace(const std::stop_token& stop) const {
    if (trace == "-") return shoal::posix::unique_fd{::dup(STDIN_FILENO)};
    shoal::posix::unique_fd fd{::open(trace.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) {
      throw failure{"cannot read " + trace, std::error_code{errno, std::system_category()},
                    "mkfifo " + trace + ", then start QEMU with -trace 'memory_region_ops_*' -D " + trace};
    }
    // without a writer yet, poll() tells of nothing at all; once there was one, of its end
    pollfd waiting{fd.get(), POLLIN, 0};
    while (!stop.stop_requested() && ::poll(&waiting, 1, 100) <= 0) {
    }
    if (stop.stop_requested()) fd = {};
    return fd;
  }

  /// False when the user has had enough before the trace ended.
  template <class Take, class Tell>
  bool listen(int fd, attach& guest, Take& take, Tell& tell, recording_output& out, rule_watch& watch,
              const std::stop_token& stop) const {
    std::vector<char> buffer(1u << 18);
    std::uint64_t ticked = wall_clock::now();
    while (!stop.stop_requested()) {
      constexpr std::uint64_t tenth = 100'000'000;
      if (const std::uint64_t now = wall_clock::now(); now - ticked > tenth) {
        ticked = now;
        out.tick();
        if (live_) watch.advance(now);
      }
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 100) <= 0) {
        live_ = true;
        continue;
      }
      const ::ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got == 0) return true;
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) throw failure{"cannot read " + trace, std::error_code{errno, std::system_category()}};
      guest.receive(std::string_view{buffer.data(), static_cast<std::size_t>(got)}, take, tell);
    }
    return false;
  }

  mutable bool live_ = false;  // there was a moment without anything to read: time passes as the guest's does
};

}  // namespace

void add_attach(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("attach", "record the register accesses of a guest in QEMU, live");
  auto command = std::make_shared<attach_command>();
  sub->add_option("TRACE", command->trace, "a pipe or file that QEMU writes its trace to; '-': standard input")
      ->required();
  sub->add_option("--bar", command->bars,
                  "record this BAR of a PCI device, wherever the guest moves it, as 00:03.0/0;\n"
                  "by its offset and as source 1, 2, ...; may be given again")
      ->type_name("BAR")
      ->allow_extra_args(false);
  sub->add_option("--memory", command->memory, "record these addresses, as 0xfed00000-0xfed003ff")
      ->type_name("RANGE")
      ->allow_extra_args(false);
  sub->add_option("--port", command->ports, "record these I/O ports, as 0x3f8-0x3ff")
      ->type_name("RANGE")
      ->allow_extra_args(false);
  sub->add_flag("--all", command->all, "record every access");
  CLI::Option* const reads = sub->add_flag("--reads", command->reads, "of these, reads alone");
  sub->add_flag("--writes", command->writes, "of these, writes alone")->excludes(reads);
  sub->add_option("--value", command->value, "of these, such with this value, as 0x4 or 0x4/0xff")
      ->type_name("V/MASK");
  sub->add_option("--rules", command->rules, "tell of accesses that break these rules: of all that are chosen")
      ->type_name("FILE");
  sub->add_flag("--no-ports", command->no_ports, "the guest is no PC: low addresses are memory too");
  sub->add_flag("-q,--quiet", command->quiet, "say nothing of BARs, and no summary");
  add_output_options(*sub, command->output);
  sub->footer(
      "The guest runs no code of ours and is not changed; QEMU tells of each access that its models see.\n"
      "Start before the guest does: where its BARs are is learnt from what it does to configure them.\n\n"
      "Example:\n"
      "  mkfifo guest.pipe\n"
      "  shoal-record attach guest.pipe --bar 00:03.0/0 --output cbor:nic.rec &\n"
      "  qemu-system-x86_64 ... -trace 'memory_region_ops_*' -D guest.pipe");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
