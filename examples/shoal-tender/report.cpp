// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include <shoal/hypercall/abi.hpp>
#include <shoal/os/linux/kvm_x86_64.hpp>

using common::failure;
using shoal::hypercall::device_type;
using shoal::hypercall::manifest;
using shoal::hypercall::manifest_entry;

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += c > ' ' && c < 127 ? c : '?';
  return out;
}

failure not_loaded(const tender_options& given, shoal::status why) {
  const std::string what = "cannot run " + given.guest;
  switch (why) {
    case shoal::status::truncated:
    case shoal::status::malformed:
      return failure{what + ": it is no ELF file, or a broken one",
                     "give a unikernel that was linked for Solo5's hvt"};
    case shoal::status::unsupported:
      return failure{
          what + ": it is not for hvt (ABI 2) on this processor, or has memory that is written and executed",
          "readelf -ln shows what it is for; link it for hvt on x86-64"};
    case shoal::status::out_of_range:
      return failure{what + ": it does not fit " + std::to_string(given.memory_mib) + " MiB",
                     "give it more with --mem"};
    case shoal::status::invalid_argument:
      return failure{"a guest cannot have " + std::to_string(given.memory_mib) + " MiB of memory",
                     "--mem is an even number of MiB, 4096 at most", common::exit_usage};
    default: return failure{what, make_error_code(why), "it has more segments or devices than a tender takes"};
  }
}

namespace {

/// How the guest reaches its lines, where that is not by calls.
std::string_view way_of(device_type kind) {
  switch (kind) {
    case device_type::virtio_gpio: return " by virtio";
    case device_type::bcm2835_gpio: return " by registers of a BCM2835";
    case device_type::pl061_gpio: return " by registers of a PL061";
    default: return {};
  }
}

std::string kind_of(const manifest_entry& wanted) {
  const std::string_view option = option_of(wanted.kind());
  return option.empty() ? "device of type " + std::to_string(std::uint32_t{wanted.type}) : std::string{option};
}
/// A device in the words of a list: "gpio pins by virtio".
std::string described(const manifest_entry& wanted) {
  return kind_of(wanted) + " " + printable(wanted.name_text()) + std::string{way_of(wanted.kind())};
}

std::string how_to_give(const manifest_entry& wanted) {
  const std::string_view option = option_of(wanted.kind());
  if (option.empty()) return "this tender has none";
  const std::string_view uri = wanted.kind() == device_type::bcm2835_gpio ? "bcm2835:/dev/gpiomem"
                               : wanted.kind() == device_type::pl061_gpio ? "pl061:0x9030000"
                               : option == "block"                        ? "file:disk.img"
                               : option == "net"                          ? "tap0"
                               : option == "gpio"                         ? "cdev:/dev/gpiochip0"
                                                                          : "cdev:/dev/i2c-1";
  return "give --" + std::string{option} + ":" + printable(wanted.name_text()) + "=URI, such as " +
         std::string{uri};
}

/// What is given and not asked for: the first.
std::optional<given_device> not_asked_for(const tender_options& given, const manifest& wanted) {
  for (const given_device& each : given.devices) {
    const std::string_view option = option_of(type_of(each));
    const bool asked = std::ranges::any_of(wanted.devices(), [&](const manifest_entry& entry) {
      return option_of(entry.kind()) == option && entry.name_text() == each.name;
    });
    if (!asked) return each;
  }
  return std::nullopt;
}

}  // namespace

int print_plan(const tender_options& given, const manifest& wanted) {
  int missing = 0;
  std::printf("%s asks for %zu devices\n", given.guest.c_str(), wanted.devices().size());
  for (const manifest_entry& entry : wanted.devices()) {
    const std::string* const uri = given.find(entry.kind(), entry.name_text());
    missing += uri == nullptr ? 1 : 0;
    std::printf("  %s: %s\n", described(entry).c_str(),
                uri == nullptr ? ("missing; " + how_to_give(entry)).c_str() : uri->c_str());
  }
  const std::optional<given_device> unknown = not_asked_for(given, wanted);
  if (unknown)
    std::printf("  it does not ask for %s %s\n", std::string{option_of(type_of(*unknown))}.c_str(),
                unknown->name.c_str());
  return missing != 0 || unknown ? common::exit_failed : 0;
}

void refuse_gaps(const tender_options& given, const manifest& wanted) {
  std::string missing;
  for (const manifest_entry& entry : wanted.devices()) {
    if (given.find(entry.kind(), entry.name_text()) != nullptr) continue;
    missing += "\n  " + described(entry) + ": " + how_to_give(entry);
  }
  if (!missing.empty()) {
    throw failure{given.guest + " asks for devices that it is not given:" + missing, {}, common::exit_usage};
  }
  if (const std::optional<given_device> unknown = not_asked_for(given, wanted)) {
    throw failure{given.guest + " does not ask for " + std::string{option_of(type_of(*unknown))} + " '" +
                      unknown->name + "'",
                  "--dry-run prints what it asks for", common::exit_usage};
  }
}

void refuse_namesakes(const manifest& wanted) {
  for (const manifest_entry& each : wanted.devices()) {
    const auto same = std::ranges::count_if(wanted.devices(), [&](const manifest_entry& other) {
      return other.kind() == each.kind() && other.name_text() == each.name_text();
    });
    if (same > 1) {
      throw failure{"the guest asks for " + described(each) + " twice", "its devices need names of their own"};
    }
  }
}

int stopped_by(int signal, const tender_options& given) {
  constexpr int timed_out = 124;
  if (signal != SIGALRM) throw failure{"interrupted", {}, common::exit_interrupted};
  throw failure{given.guest + " was stopped: it took longer than --max-time", {}, timed_out};
}

failure ended_badly(const shoal::hypercall::ending& end, const shoal::linux_os::kvm_vcpu& cpu,
                    const tender_options& given, const shoal::linux_os::guest_console& console) {
  using shoal::hypercall::ending_reason;
  using shoal::hypercall::guest_access;
  if (console.problem())
    return failure{"cannot write to standard output", console.problem(), "is there space where it goes?"};
  const auto hexadecimal = [](std::uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
    return std::string{text};
  };
  const auto called = shoal::hypercall::call_of(end.last);
  const std::string number = hexadecimal(called->number);
  std::string why;
  switch (end.why) {
    case ending_reason::crashed: why = std::string{text_of(cpu.crash())}; break;
    case ending_reason::access:
      why = (end.last.is_write ? "wrote to " : "read from ") +
            std::string{end.last.where == guest_access::space::port ? "port " : "address "} +
            hexadecimal(end.last.address) +
            (end.last.where == guest_access::space::memory && end.last.address < given.memory_mib << 20
                 ? ", which is read only"
                 : ", where nothing is");
      break;
    case ending_reason::unserved: why = "made call " + number + ", which this tender does not have"; break;
    default:
      why = console.is_full() && called->number == shoal::hypercall::number::puts
                ? "printed more than --max-output"
                : "made call " + number + " with an argument at " + hexadecimal(called->argument) +
                      " that is not, or not all, in memory of its own";
  }
  std::string next = "its instruction pointer is " + hexadecimal(instruction_pointer(cpu));
  if (end.why == ending_reason::crashed && cpu.crash() == shoal::linux_os::kvm_crash::emulator)
    next += "; code for general registers alone (-mgeneral-regs-only) runs on any KVM";
  return failure{given.guest + " was stopped: it " + why, next};
}
