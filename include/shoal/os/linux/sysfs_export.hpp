// SPDX-License-Identifier: BSL-1.0
//
// sysfs_export: a GPIO line that is exported to /sys/class/gpio for as long as its owner lives. For
// linux_os::sysfs_gpio.
//
//     sysfs_export line;
//     if (const status s = line.take(483, places); s != status::ok) return s;   // busy: somebody else has it
//
// Exports outlive whoever made them, so each one has a mark: a locked file that says which folder of sysfs came
// of it. Who is killed loses the lock and leaves the mark; the next one unexports what it names, and nothing
// else. (Who is killed within the microseconds between export and mark leaves an export that has to be undone
// by hand.)
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/linux/sysfs_attribute.hpp>
#include <shoal/os/linux/sysfs_gpio_tree.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

/// How long udev may take to give the folder of a line to the user's group.
inline constexpr std::chrono::milliseconds sysfs_patience{1000};

/// One export, or none. Its owner's places outlive it.
class sysfs_export {
 public:
  sysfs_export() noexcept = default;
  sysfs_export(sysfs_export&& other) noexcept
      : places_(std::exchange(other.places_, nullptr)),
        number_(other.number_),
        inode_(other.inode_),
        mark_(std::move(other.mark_)) {}
  sysfs_export& operator=(sysfs_export&& other) noexcept {
    if (this != &other) {
      give_back();
      places_ = std::exchange(other.places_, nullptr);
      number_ = other.number_;
      inode_ = other.inode_;
      mark_ = std::move(other.mark_);
    }
    return *this;
  }
  ~sysfs_export() { give_back(); }

  explicit operator bool() const noexcept { return places_ != nullptr; }

  /// Exports a line, or takes over what a killed user left. busy: somebody has it, through sysfs or not;
  /// unsupported: it does not appear under its number; failed: sysfs does not let us.
  /// @pre it holds none
  [[nodiscard]] status take(std::uint32_t number, const sysfs_places& places) noexcept {
    number_ = number;
    if (const status s = lock(places); s != status::ok) return s;
    if (const ino_t there = inode_of(places.line(number)); there != 0) {
      if (there != marked()) return abandon(places, status::busy);
    } else if (const std::error_code why = write("export", places); why) {
      // also when a driver has it
      const bool theirs = why.value() == EBUSY || why.value() == EPERM;
      return abandon(places, theirs ? status::busy : status::failed);
    }
    places_ = &places;
    if (const status s = await_folder(); s != status::ok) {
      give_back();
      return s;
    }
    return status::ok;
  }

  /// Unexports the line, unless somebody else has done it.
  void give_back() noexcept {
    if (places_ == nullptr) return;
    const sysfs_places& places = *std::exchange(places_, nullptr);
    if (inode_of(places.line(number_)) == inode_) write("unexport", places);
    abandon(places, status::ok);
  }

  /// Unexports a line whose mark says that we exported it and whose user has died.
  static void clean_up(std::uint32_t number, const sysfs_places& places) noexcept {
    sysfs_export stale;
    stale.number_ = number;
    if (::access(stale.mark_path(places).c_str(), F_OK) != 0) return;
    if (stale.lock(places) != status::ok) return;
    const ino_t there = inode_of(places.line(number));
    if (there != 0 && there == stale.marked()) stale.write("unexport", places);
    stale.abandon(places, status::ok);
  }

 private:
  // The number of a folder is given to no other one while the kernel runs; 0 when there is none.
  [[nodiscard]] static ino_t inode_of(const std::filesystem::path& folder) noexcept {
    struct ::stat found{};
    return ::stat(folder.c_str(), &found) == 0 ? found.st_ino : 0;
  }

  [[nodiscard]] std::filesystem::path mark_path(const sysfs_places& places) const {
    return places.marks / ("shoal-gpio" + std::to_string(number_));
  }

  // The mark is ours from here on, with what a dead user wrote into it.
  [[nodiscard]] status lock(const sysfs_places& places) noexcept {
    const std::filesystem::path path = mark_path(places);
    for (;;) {
      constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
      // without O_CREAT where there is one: in a folder that everybody may write, that is refused for others'
      // files
      mark_ = posix::unique_fd{::open(path.c_str(), flags)};
      if (!mark_ && errno == ENOENT)
        mark_ = posix::unique_fd{::open(path.c_str(), flags | O_CREAT | O_EXCL, 0644)};
      if (!mark_ && (errno == EINTR || errno == EEXIST)) continue;
      if (!mark_) return errno == EACCES ? status::busy : status::failed;
      if (::flock(mark_.get(), LOCK_EX | LOCK_NB) != 0) return status::busy;
      struct ::stat held{};
      struct ::stat named{};
      if (::fstat(mark_.get(), &held) != 0) return status::failed;
      const bool gone = ::lstat(path.c_str(), &named) != 0 || named.st_ino != held.st_ino;
      if (gone) continue;  // its owner has given it back meanwhile
      if (held.st_uid == ::geteuid()) return status::ok;
      // what others wrote is not to be believed
      if (::unlink(path.c_str()) != 0) return status::busy;
    }
  }

  // The folder that the mark names; 0 for none.
  [[nodiscard]] ino_t marked() const noexcept {
    std::array<char, 32> text{};
    const ssize_t size = ::pread(mark_.get(), text.data(), text.size(), 0);
    ino_t inode = 0;
    if (size <= 0 || std::from_chars(text.data(), text.data() + size, inode).ec != std::errc{}) return 0;
    return inode;
  }

  std::error_code write(const char* what, const sysfs_places& places) const noexcept {
    return write_attribute(places.root / what, std::to_string(number_) + '\n').error();
  }

  // Waits until the folder can be used, and marks it as ours before that: it may be long.
  [[nodiscard]] status await_folder() noexcept {
    const std::filesystem::path folder = places_->line(number_);
    const auto end = std::chrono::steady_clock::now() + sysfs_patience;
    for (;;) {
      const bool marked = inode_ != 0;
      if (!marked) inode_ = inode_of(folder);
      if (!marked && inode_ != 0) {
        const std::string text = std::to_string(inode_) + '\n';
        const ssize_t size = ::pwrite(mark_.get(), text.data(), text.size(), 0);
        if (size != static_cast<ssize_t>(text.size())) return status::failed;
      }
      if (::access((folder / "value").c_str(), R_OK | W_OK) == 0) return status::ok;
      if (std::chrono::steady_clock::now() > end) return inode_ == 0 ? status::unsupported : status::failed;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }

  // Takes the mark away and gives `why` back.
  status abandon(const sysfs_places& places, status why) noexcept {
    (void)::unlink(mark_path(places).c_str());
    mark_.reset();
    inode_ = 0;
    return why;
  }

  const sysfs_places* places_ = nullptr;  // none: nothing is exported
  std::uint32_t number_ = 0;
  ino_t inode_ = 0;  // of the line's folder
  posix::unique_fd mark_;
};

}  // namespace shoal::linux_os
