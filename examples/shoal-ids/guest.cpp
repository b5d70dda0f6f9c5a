// SPDX-License-Identifier: BSL-1.0
//
// Finding guests: by file, by process, by QMP socket.
#include "guest.hpp"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shoal/os/linux/qemu_process.hpp>
#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/os/posix/mapping.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>

#include "../common/message.hpp"
#include "files.hpp"

using common::failure;
using shoal::linux_os::introspected_memory;
using shoal::linux_os::ram_layout;

namespace {

std::optional<pid_t> process_id(std::string_view text) {
  if (text.starts_with("pid:")) text.remove_prefix(4);
  pid_t pid = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (wrong != std::errc{} || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

/// The socket that a name means; empty when it means none.
std::string socket_of(const std::string& name) {
  if (name.starts_with("qmp:")) return name.substr(4);
  std::error_code ignored;
  return std::filesystem::is_socket(name, ignored) ? name : std::string{};
}

/// The process of QEMU that a name means, if it means one.
std::optional<pid_t> process_of(const std::string& name) {
  const std::string socket = socket_of(name);
  if (socket.empty()) return process_id(name);
  const shoal::result<pid_t> pid = shoal::linux_os::qmp_process(socket);
  if (pid) return *pid;
  throw failure{"cannot reach a QEMU at " + socket, pid.error(),
                "give the socket of -qmp unix:PATH,server=on,wait=off"};
}

introspected_memory memory_of_process(const std::string& name, pid_t pid) {
  shoal::result<introspected_memory> memory = introspected_memory::of_process(pid);
  if (memory) return std::move(*memory);
  std::string next = "give the id of a process of QEMU";
  if (memory.error() == shoal::errc::not_found)
    next = "no mapping of process " + std::to_string(pid) + " has the size of its -m";
  if (memory.error() == std::errc::permission_denied || memory.error() == std::errc::operation_not_permitted)
    next = "looking into a process takes the right to trace it: be its user, or root";
  throw failure{"cannot look into " + name, memory.error(), next};
}

ram_layout layout_of(const std::string& machine) {
  if (machine == "q35") return ram_layout::q35;
  if (machine == "pc") return ram_layout::pc;
  return machine == "virt" ? ram_layout::virt : ram_layout::flat;
}

introspected_memory memory_of_file(const std::string& name, ram_layout layout) {
  shoal::result<introspected_memory> memory = introspected_memory::of_file(name, layout);
  if (memory) return std::move(*memory);
  throw failure{"cannot look into " + name, memory.error(),
                "give a process id of QEMU, qmp:SOCKET, or a file: RAM, an ELF core, a LiME dump"};
}

/// 0 where there is none.
ino_t number_of_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

guest::guest(const guest_options& options) : options_(options) {
  read_build_files(options_.build);
  if (const std::optional<pid_t> pid = process_of(options.name)) {
    process_ = shoal::posix::unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))};
    memory_ = std::make_unique<introspected_memory>(memory_of_process(options.name, *pid));
  } else {
    memory_ = std::make_unique<introspected_memory>(memory_of_file(options.name, layout_of(options.machine)));
    file_ = number_of_file(options.name);
  }
  std::error_code why = attach();
  if (why == shoal::errc::not_found && file_ != 0 && options.machine.empty()) {
    memory_ = std::make_unique<introspected_memory>(memory_of_file(options.name, ram_layout::virt));
    why = attach();
  }
  if (!why) return;
  if (why == shoal::errc::invalid_argument) refuse_build_file();
  throw failure{
      "there is no kernel that can be read in " + options_.name, why,
      "it has to run Linux on x86-64 or ARM, and to have begun; of a file of RAM of 2.75 GiB or more,\n"
      "  say by --machine how QEMU laid it out"};
}

std::error_code guest::attach() {
  if (attach_by_profile()) return {};
  const shoal::vmi::kernel_file* const build = options_.build.content.get();
  shoal::result<guest_kernel> found =
      build != nullptr ? guest_kernel::attach(*memory_, *build) : guest_kernel::attach(*memory_);
  if (!found) return found.error();
  kernel_ = std::make_unique<guest_kernel>(std::move(*found));
  return {};
}

void guest::refuse_build_file() const {
  const shoal::result<guest_kernel> other = guest_kernel::attach(*memory_);
  const std::string here =
      other ? shoal::vmi::printable(other->banner()) : "a kernel without symbols of its own";
  const std::string& banner = options_.build.content->banner;
  const std::string there = banner.empty() ? "a kernel that it does not name, with functions elsewhere"
                                           : shoal::vmi::printable(banner);
  throw failure{options_.build.path() + " is of another kernel than " + options_.name,
                "the guest has " + here + "\n  the file has " + there + "\n  name a file of the same build"};
}

guest::~guest() = default;

bool guest::is_there() {
  pollfd process{process_.get(), POLLIN, 0};
  if (process_ && ::poll(&process, 1, 0) != 0) return false;
  if (file_ != 0 && number_of_file(options_.name) != file_) return false;
  const auto at = kernel_->symbol("linux_banner");
  std::string banner(kernel_->banner().size(), '\0');
  kernel_->look_again();
  return at && kernel_->space().read(*at, std::as_writable_bytes(std::span{banner})) == shoal::status::ok &&
         banner == kernel_->banner();
}

bool guest::attach_by_profile() {
  std::error_code ignored;
  // one that was saved without the file knows less
  if (options_.profile.empty() || options_.build.content || !std::filesystem::exists(options_.profile, ignored))
    return false;
  auto profile = load_saved<shoal::vmi::kernel_profile>(options_.profile, "profile");
  shoal::result<guest_kernel> found = guest_kernel::attach(*memory_, std::move(profile));
  if (!found) return false;  // of another kernel: it is made anew
  kernel_ = std::make_unique<guest_kernel>(std::move(*found));
  known_ = kernel_->types().known().fields().size();
  attached_ = true;
  return true;
}

void guest::save_profile() const {
  if (options_.profile.empty()) return;
  const shoal::vmi::kernel_profile now = kernel_->profile();
  if (attached_ && now.types.fields().size() == known_) return;
  save(options_.profile, now.encode(), "profile");
}
