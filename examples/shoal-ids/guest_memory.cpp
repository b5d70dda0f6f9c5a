// SPDX-License-Identifier: BSL-1.0
//
// Finding a guest's memory: by file, by process, by QMP socket.
#include "guest_memory.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/os/linux/qemu_process.hpp>
#include <shoal/vmi/finding.hpp>

#include "../common/message.hpp"

using common::failure;
using shoal::linux_os::introspected_memory;
using shoal::linux_os::ram_layout;
using shoal::vmi::physical_address;

namespace {

/// All of a text as a number.
template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T out{};
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<pid_t> process_id(std::string_view text) {
  if (text.starts_with("pid:")) text.remove_prefix(4);
  const auto pid = number<pid_t>(text);
  return pid && *pid > 0 ? pid : std::nullopt;
}

/// The socket that a name means; empty when it means none.
std::string socket_of(const std::string& name) {
  if (name.starts_with("qmp:")) return name.substr(4);
  std::error_code ignored;
  return std::filesystem::is_socket(name, ignored) ? name : std::string{};
}

std::optional<ram_layout> layout_of(std::string_view machine) {
  if (machine == "q35") return ram_layout::q35;
  if (machine == "pc") return ram_layout::pc;
  if (machine == "virt") return ram_layout::virt;
  if (machine == "flat" || machine.empty()) return ram_layout::flat;
  return std::nullopt;
}

/// "0x60000000"
std::optional<physical_address> base_of(std::string_view machine) {
  const bool hexadecimal = machine.starts_with("0x");
  const auto base = number<std::uint64_t>(machine.substr(hexadecimal ? 2 : 0), hexadecimal ? 16 : 10);
  constexpr std::uint64_t page = 4096;
  if (!base || *base % page != 0) return std::nullopt;
  return physical_address{*base};
}

/// What a process of QEMU's is called, or another by its name.
std::string name_of_process(pid_t pid) {
  std::string name;
  std::getline(std::ifstream{"/proc/" + std::to_string(pid) + "/comm"}, name);
  return shoal::vmi::printable(name);
}

bool is_qemu(pid_t pid) {
  std::string program;
  std::getline(std::ifstream{"/proc/" + std::to_string(pid) + "/cmdline"}, program, '\0');
  return program.find("qemu") != program.npos || name_of_process(pid).find("qemu") != std::string::npos;
}

/// The first bytes of a file, as far as it has them.
std::string beginning(const std::string& path) {
  std::array<char, 16> bytes{};
  std::ifstream file{path, std::ios::binary};
  file.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

}  // namespace

CLI::Option* add_machine(CLI::App& app, std::string& machine) {
  const auto check = [](const std::string& text) {
    const bool known = !text.empty() && (layout_of(text) || base_of(text));
    return known
               ? std::string{}
               : "'" + text + "' is none of flat, pc, q35, virt, and no address where RAM begins (0x60000000)";
  };
  return app
      .add_option("--machine", machine,
                  "how a machine laid out a FILE of RAM: pc or q35 of QEMU, where it has 2.75 GiB or more,\n"
                  "flat, virt, or where its RAM begins (0x60000000); default: flat or virt, whichever fits")
      ->type_name("TYPE")
      ->check(check);
}

guest_process::guest_process(pid_t id) : id_(id), fd_(static_cast<int>(::syscall(SYS_pidfd_open, id, 0))) {}

bool guest_process::has_ended() const noexcept {
  if (!fd_) return ::kill(id_, 0) != 0 && errno == ESRCH;  // before Linux 5.3
  pollfd ended{fd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) > 0;
}

std::shared_ptr<const guest_process> process_of(const std::string& name) {
  const std::string socket = socket_of(name);
  if (socket.empty()) {
    const std::optional<pid_t> id = process_id(name);
    return id ? std::make_shared<const guest_process>(*id) : nullptr;
  }
  const shoal::result<pid_t> id = shoal::linux_os::qmp_process(socket);
  if (id) return std::make_shared<const guest_process>(*id);
  throw failure{"cannot reach a QEMU at " + socket, id.error(),
                id.error() == std::errc::resource_unavailable_try_again
                    ? "it is busy or stopped, and others wait there: give its process id"
                    : "give the socket of -qmp unix:PATH,server=on,wait=off"};
}

introspected_memory memory_of_process(const std::string& name, pid_t pid) {
  shoal::result<introspected_memory> memory = introspected_memory::of_process(pid);
  if (memory) return std::move(*memory);
  const std::string number = std::to_string(pid);
  std::error_code ignored;
  if (!std::filesystem::exists("/proc/" + number, ignored)) {
    const bool is_file = std::filesystem::exists(name, ignored);
    throw failure{"there is no process " + number,
                  is_file ? "the file of that name is ./" + name : "give the id of a process of QEMU"};
  }
  if (!is_qemu(pid)) {
    throw failure{"process " + number + " (" + name_of_process(pid) + ") is no QEMU",
                  "give the id of a process of QEMU; 'pgrep -a qemu' tells which there are"};
  }
  std::string next = "its command line is none of QEMU's";
  if (memory.error() == shoal::errc::not_found) {
    next = "no mapping of process " + number +
           " has the size of its -m: memory that was plugged in, and of several nodes, is not read";
  }
  if (memory.error() == std::errc::permission_denied || memory.error() == std::errc::operation_not_permitted)
    next = "looking into a process takes the right to trace it: be its user, or root";
  throw failure{"cannot look into " + name, memory.error(), next};
}

introspected_memory memory_of_file(const std::string& name, const std::string& machine) {
  const std::optional<ram_layout> layout = layout_of(machine);
  shoal::result<introspected_memory> memory =
      layout ? introspected_memory::of_file(name, *layout)
             : introspected_memory::of_file(name, base_of(machine).value_or(physical_address{}));
  if (memory) return std::move(*memory);
  const std::string first = beginning(name);
  if (memory.error() == shoal::errc::unsupported &&
      shoal::linux_os::is_compressed_dump(shoal::as_bytes(first))) {
    throw failure{name + " is a compressed dump (kdump), which is not read",
                  "dump it again as ELF: 'virsh dump --memory-only --format=elf', QEMU's dump-guest-memory "
                  "without -z,\n  'makedumpfile -E' of /proc/vmcore"};
  }
  if (memory.error() == shoal::errc::truncated) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(name, ignored);
    if (size == 0) throw failure{name + " is empty", "give the file that has the guest's RAM, or a dump"};
    const bool dump = first.starts_with("\177ELF") || first.starts_with("EMiL");
    throw failure{name + (dump ? " is a dump that was cut: its heads are not all there"
                               : " has " + std::to_string(size) + (size == 1 ? " byte" : " bytes") +
                                     ", which is too short for RAM"),
                  "was it written and copied to its end?"};
  }
  throw failure{"cannot look into " + name, memory.error(),
                "give a process id of QEMU, qmp:SOCKET, or a file: RAM, an ELF core, a LiME dump"};
}
