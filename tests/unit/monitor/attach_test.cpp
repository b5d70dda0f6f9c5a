// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/attach.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace shoal::monitor;
using shoal::hal::access;
using shoal::hal::access_record;

constexpr pci_function nic{3 << 3};

/// What QEMU writes about a guest, as a test needs it.
struct guest {
  std::string trace;

  void line(bool write, std::uint64_t address, std::uint64_t value, unsigned size, const char* name) {
    char text[200];
    std::snprintf(text, sizeof text,
                  "memory_region_ops_%s cpu 0 mr 0x55eca5be40a0 addr 0x%llx value 0x%llx size %u name '%s'\n",
                  write ? "write" : "read", static_cast<unsigned long long>(address),
                  static_cast<unsigned long long>(value), size, name);
    trace += text;
  }
  void select(pci_function where, std::uint32_t at) {
    line(true, 0xcf8, 0x8000'0000u | static_cast<std::uint32_t>(where.number) << 8 | (at & 0xfc), 4,
         "pci-conf-idx");
  }
  void config_write(pci_function where, std::uint32_t at, std::uint64_t value, unsigned size = 4) {
    select(where, at);
    line(true, 0xcfc + (at & 3), value, size, "pci-conf-data");
  }
  void config_read(pci_function where, std::uint32_t at, std::uint64_t value, unsigned size = 4) {
    select(where, at);
    line(false, 0xcfc + (at & 3), value, size, "pci-conf-data");
  }
  /// As firmware and kernels ask for the size of a BAR.
  void size_bar(pci_function where, unsigned bar, std::uint32_t mask, std::uint32_t old) {
    config_read(where, 0x10 + 4 * bar, old);
    config_write(where, 0x10 + 4 * bar, 0xffff'ffff);
    config_read(where, 0x10 + 4 * bar, mask);
    config_write(where, 0x10 + 4 * bar, old);
  }
  /// A network card with a 128 KiB memory BAR 0 and a 64 byte port BAR 1.
  void find_nic() {
    config_read(nic, 0, 0x100e'8086);
    config_read(nic, 0x04, 0, 2);  // switched off
    config_read(nic, 0x0e, 0, 1);
    size_bar(nic, 0, 0xfffe'0000, 0);
    size_bar(nic, 1, 0xffff'ffc1, 1);
  }
};

struct seen {
  std::vector<traced_access> accesses;
  std::vector<bar_change> changes;
  attach::counts counted;
};

seen watch(std::string_view trace, attach_choice choice, std::size_t stride = 1u << 20) {
  seen out;
  attach monitor{std::move(choice)};
  while (!trace.empty()) {
    monitor.receive(
        trace.substr(0, stride),
        [&](const traced_access& each) {
          out.accesses.push_back(each);
          out.accesses.back().region = {};
        },
        [&](const bar_change& each) { out.changes.push_back(each); });
    trace.remove_prefix(std::min(stride, trace.size()));
  }
  out.counted = monitor.counted();
  return out;
}

}  // namespace

TEST_CASE("lines of QEMU 7.2 are read") {
  const auto write = parse_qemu_trace(
      "memory_region_ops_write cpu 0 mr 0x55eca5be40a0 addr 0xfee00000 value 0x1f size 4 name 'apic-msi'");
  REQUIRE(write);
  CHECK(write->record ==
        access_record{.address = 0xfee0'0000, .value = 0x1f, .what = access::store, .width = 4});
  CHECK(write->cpu == 0);
  CHECK(write->time == 0);
  CHECK(write->region == "apic-msi");

  const auto read = parse_qemu_trace(
      "4711@1732190000.000123:memory_region_ops_read cpu -1 mr 0x1 addr 0x71 value 0xffffffffffffff80 size 1 "
      "name "
      "'it's odd'");
  REQUIRE(read);
  CHECK(read->record == access_record{.address = 0x71, .value = 0x80, .what = access::in, .width = 1});
  CHECK(read->cpu == -1);
  CHECK(read->time == 1'732'190'000'000'123'000);
  CHECK(read->region == "it's odd");

  const std::string_view old = "memory_region_ops_read cpu 1 mr 0x1 addr 0x71 value 0x0 size 8";
  CHECK(parse_qemu_trace(old));
  CHECK(parse_qemu_trace(old, false)->record.what == access::load);
}

TEST_CASE("lines about something else are told from lines that are damaged") {
  using shoal::status;
  CHECK(parse_qemu_trace("").code == status::unsupported);
  CHECK(parse_qemu_trace("qemu-system-x86_64: warning: something").code == status::unsupported);
  CHECK(parse_qemu_trace("99999999999999999999@1.1:memory_region_ops_read").code == status::unsupported);
  const std::string good = "memory_region_ops_write cpu 0 mr 0x5 addr 0xfee00000 value 0x1f size 4 name 'a'";
  CHECK(parse_qemu_trace(good));
  for (std::size_t cut = 18; cut < good.size(); ++cut) {
    if (cut == good.size() - 9) continue;  // as QEMU wrote it before it had names
    CHECK(parse_qemu_trace(std::string_view{good}.substr(0, cut)).code == status::malformed);
  }
  for (const std::string_view bad :
       {"memory_region_ops_write cpu 0 mr 0x5 addr 0xfee000000000000000 value 0x1f size 4 name 'a'",
        "memory_region_ops_write cpu 0 mr 0x5 addr 0x1 value 0x1f size 3 name 'a'",
        "memory_region_ops_write cpu x mr 0x5 addr 0x1 value 0x1f size 4 name 'a'",
        "memory_region_ops_write cpu 0 mr 0x5 addr -1 value 0x1f size 4 name 'a'"}) {
    CHECK(parse_qemu_trace(bad).code == status::malformed);
  }
}

TEST_CASE("the accesses of a chosen BAR are there, by offset, and no others, wherever the guest moves it") {
  guest it;
  it.line(true, 0xfeb0'0010, 1, 4, "other");  // before the BAR is there
  it.find_nic();
  it.config_write(nic, 0x10, 0xfeb0'0000);
  it.config_write(nic, 0x14, 0xc000);
  it.line(true, 0xfeb0'0010, 2, 4, "not yet");  // switched off still
  it.config_write(nic, 0x04, 0x0007, 2);
  it.line(true, 0xfeb0'0010, 3, 4, "nic");
  it.line(false, 0xc004, 4, 4, "nic-io");
  it.line(true, 0xfeaf'ffff, 5, 1, "below");
  it.line(true, 0xfeb2'0000, 6, 4, "behind");
  it.line(true, 0xfeb1'ffff, 7, 1, "nic");
  // it is sized again while it is on, as some do
  it.size_bar(nic, 0, 0xfffe'0000, 0xfeb0'0000);
  it.line(true, 0xfeb0'0010, 8, 4, "nic");
  // and moved
  it.config_write(nic, 0x04, 0x0005, 2);
  it.config_write(nic, 0x10, 0xe000'0000);
  it.config_write(nic, 0x04, 0x0007, 2);
  it.line(true, 0xfeb0'0010, 9, 4, "nobody");
  it.line(true, 0xe000'0010, 10, 4, "nic");
  it.config_write(nic, 0x04, 0x0004, 2);
  it.line(true, 0xe000'0010, 11, 4, "off");

  for (const std::size_t stride : {std::size_t{1} << 20, std::size_t{1}, std::size_t{7}}) {
    const seen found = watch(it.trace, {.bars = {{nic, 1}, {nic, 0}}, .spans = {}}, stride);
    std::vector<std::uint64_t> values;
    for (const traced_access& each : found.accesses) values.push_back(each.record.value);
    CHECK(values == std::vector<std::uint64_t>{3, 4, 7, 8, 10});
    CHECK(found.accesses[0].record.source == 2);
    CHECK(found.accesses[0].record.address == 0x10);
    CHECK(found.accesses[1].record ==
          access_record{.address = 4, .value = 4, .source = 1, .what = access::in, .width = 4});
    CHECK(found.accesses[4].record.address == 0x10);
    REQUIRE(found.changes.size() == 3);
    CHECK(found.changes[0].now == bar_range{0xfeb0'0000, 0x2'0000, false});
    CHECK(found.changes[0].before.size == 0);
    CHECK(found.changes[1].now == bar_range{0xc000, 0x40, true});
    CHECK(found.changes[2].before == bar_range{0xfeb0'0000, 0x2'0000, false});
    CHECK(found.changes[2].now == bar_range{0xe000'0000, 0x2'0000, false});
    CHECK(found.counted.chosen == 5);
    CHECK(found.counted.malformed == 0);
  }
}

TEST_CASE("a BAR of 64 bits may be above 4 GiB, also when its configuration is in memory") {
  constexpr std::uint64_t ecam = 0xb000'0000;
  constexpr pci_function disk{1 << 8 | 2 << 3 | 1};
  guest it;
  const auto at = [&](std::uint32_t offset) { return ecam + (std::uint64_t{disk.number} << 12) + offset; };
  const char* const name = "pcie-mmcfg-mmio";
  it.line(false, at(0), 0x1af4, 2, name);
  it.line(false, at(0x20), 0x4, 4, name);
  it.line(true, at(0x20), 0xffff'ffff, 4, name);
  it.line(false, at(0x20), 0xffff'c004, 4, name);
  it.line(true, at(0x20), 0x4, 4, name);
  it.line(true, at(0x24), 0xffff'ffff, 4, name);
  it.line(false, at(0x24), 0xffff'ffff, 4, name);
  it.line(true, at(0x24), 0, 4, name);
  it.line(true, at(0x20), 0x8000'4004, 4, name);
  it.line(true, at(0x24), 0x38, 4, name);
  it.line(true, 0x38'8000'4008, 1, 8, "virtio");
  const seen found = watch(it.trace, {.bars = {{disk, 4}}, .spans = {}});
  REQUIRE(found.accesses.size() == 1);
  CHECK(found.accesses[0].record.address == 8);
  CHECK(found.accesses[0].record.width == 8);
  REQUIRE_FALSE(found.changes.empty());
  CHECK(found.changes.back().now == bar_range{0x38'8000'4000, 0x4000, false});
}

TEST_CASE("a bridge has two BARs: what follows them is something else") {
  guest it;
  it.config_read(nic, 0, 0x000c'1b36);
  it.config_read(nic, 0x0e, 0x81, 1);
  it.size_bar(nic, 2, 0xffff'0000, 0xfe00'0000);
  CHECK(watch(it.trace, {.bars = {}, .spans = {}}).changes.empty());
}

TEST_CASE("spans and everything are by the address that the guest used") {
  guest it;
  it.line(true, 0x70, 1, 1, "rtc");
  it.line(true, 0x1'0070, 2, 1, "memory");
  it.line(true, 0x72, 3, 1, "rtc");
  const auto count = [&](attach_choice choice) { return watch(it.trace, std::move(choice)).accesses.size(); };
  CHECK(count({.bars = {}, .spans = {{0x70, 0x71, true}}}) == 1);
  CHECK(count({.bars = {}, .spans = {{0x1'0000, 0x1'ffff, false}}}) == 1);
  CHECK(count({.bars = {}, .spans = {{0x1'0000, 0x1'ffff, true}}}) == 0);
  CHECK(count({.bars = {}, .spans = {}, .everything = true}) == 3);
  CHECK(count({.bars = {}, .spans = {{0, 0x1'ffff, false}}, .ports = false}) == 3);
}

TEST_CASE("a guest that writes nonsense about devices makes the tracker remember no more than it may") {
  pci_tracker pci;
  const auto ignore = [](const bar_change&) {};
  for (std::uint32_t i = 0; i < 0x1'0000; ++i) {
    pci.note({.address = 0xcf8, .value = 0x8000'0000u | i << 8, .what = access::out, .width = 4}, ignore);
    pci.note({.address = 0xcfc, .value = 0x1234'5678, .what = access::in, .width = 4}, ignore);
    pci.note({.address = 0xcfc + i % 4, .value = i * 0x9e37'79b9u, .what = access::out, .width = 4}, ignore);
  }
  CHECK(pci.functions().size() == pci_tracker::max_functions);
}

TEST_CASE("a line that never ends is left out, and the next one is read") {
  attach monitor{{.bars = {}, .spans = {}, .everything = true}};
  int taken = 0;
  const auto take = [&](const traced_access&) { ++taken; };
  const auto tell = [](const bar_change&) {};
  for (int i = 0; i < 1000; ++i) monitor.receive(std::string(100, 'x'), take, tell);
  monitor.receive("\nmemory_region_ops_write cpu 0 mr 0x5 addr 0x10 value 0x1f size 4 name 'a'\n", take, tell);
  CHECK(taken == 1);
  CHECK(monitor.counted().malformed == 1);
}
