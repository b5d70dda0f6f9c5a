// SPDX-License-Identifier: BSL-1.0
//
// Finding the kernel of a guest, and whether it is still there.
#include "guest.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/vmi/linux/find_x86_linux.hpp>
#include <shoal/vmi/linux/kernel_clock.hpp>
#include <shoal/vmi/linux/kernel_profile.hpp>

#include "../common/message.hpp"
#include "files.hpp"

using common::failure;
using shoal::linux_os::introspected_memory;

namespace {

/// 0 where there is none.
ino_t number_of_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

guest::guest(const guest_options& options, std::shared_ptr<const guest_process> process)
    : options_(options), process_(std::move(process)) {
  read_build_files(options_.build);
  if (process_) {
    memory_ = std::make_unique<introspected_memory>(memory_of_process(options.name, process_->id()));
  } else {
    memory_ = std::make_unique<introspected_memory>(memory_of_file(options.name, options.machine));
    file_ = number_of_file(options.name);
  }
  std::error_code why = attach();
  if (why == shoal::errc::not_found && file_ != 0 && options.machine.empty()) {
    memory_ = std::make_unique<introspected_memory>(memory_of_file(options.name, "virt"));
    why = attach();
  }
  must_be_whole();
  const std::size_t missing = memory_->pieces_missing();
  const std::string cut = missing == 0 ? ""
                                       : options.name + " was cut: it has not all of " +
                                             std::to_string(missing) + " of its pieces of memory";
  if (!why) {
    if (missing != 0) std::fprintf(stderr, "shoal-ids: %s; what is missing cannot be read\n", cut.c_str());
    return;
  }
  if (why == shoal::errc::invalid_argument) refuse_build_file();
  std::string next = "it has to run Linux on x86-64 or ARM, and to have begun";
  if (file_ != 0) {
    next +=
        "; of a file of RAM of 2.75 GiB or more, say by --machine\n"
        "  how QEMU laid it out; " +
        (cut.empty() ? "one that is shorter than the guest's RAM may have been cut" : cut);
  }
  throw failure{"there is no kernel that can be read in " + options_.name, why, next};
}

void guest::must_be_whole() const {
  if (!memory_->is_gone()) return;
  throw failure{options_.name + " has changed its size while it was read: its memory is gone",
                "look into the file of a guest that runs, or into a dump that is written to its end"};
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

bool guest::has_memory() const {
  if (process_ && process_->has_ended()) return false;
  if (memory_->is_gone()) return false;
  return file_ == 0 || number_of_file(options_.name) == file_;
}

bool guest::is_there() {
  if (builds_.empty()) {
    // while it is whole: what of its types a search needs is found once, and not in what is left of it
    static_cast<void>(shoal::vmi::read_clock(kernel_->space(), kernel_->symbols(), kernel_->types()));
    builds_.push_back(kernel_->profile());
  }
  if (!has_memory()) return false;
  const auto at = kernel_->symbol("linux_banner");
  std::string banner(kernel_->banner().size(), '\0');
  kernel_->look_again();
  if (!at || kernel_->space().read(*at, std::as_writable_bytes(std::span{banner})) != shoal::status::ok ||
      banner != kernel_->banner())
    return false;
  // What a kernel left in memory when its machine was booted again says what it said, but its clock stands.
  const clock_state clock = look_at_clock();
  if (clock != clock_state::stands) return clock == clock_state::moves;
  // so does that of a guest that is idle or paused, which is no reason to search again and again
  const auto now = std::chrono::steady_clock::now();
  if (now - std::max(moved_, searched_) < std::chrono::seconds{1}) return true;
  searched_ = now;
  return !another_runs();
}

guest::clock_state guest::look_at_clock() {
  if (!kernel_->symbol("jiffies_64")) return clock_state::moves;
  kernel_->look_again();
  const shoal::result<std::uint64_t> ticks = kernel_->number<std::uint64_t>("jiffies_64");
  if (!ticks) return clock_state::stands;
  constexpr std::uint64_t far = 3'600'000'000;  // more at once is no clock, but what was written over it
  const std::uint64_t before = std::exchange(ticks_, *ticks);
  if (*ticks < before) went_back_ = true;
  if (went_back_) return clock_state::went_back;
  if (*ticks == before || (before != 0 && *ticks - before > far)) return clock_state::stands;
  moved_ = std::chrono::steady_clock::now();
  return clock_state::moves;
}

bool guest::another_runs() {
  const shoal::result<shoal::vmi::found_x86_linux> found = shoal::vmi::find_x86_linux(*memory_, builds_);
  builds_.erase(builds_.begin() + 1, builds_.end());  // those of others: a guest may make up any number
  const shoal::vmi::kernel_place& here = kernel_->place();
  return found && (found->place.text != here.text || found->place.text_at != here.text_at);
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
