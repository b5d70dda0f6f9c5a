// SPDX-License-Identifier: BSL-1.0
//
// kvm_host and kvm_machine: virtual machines of Linux' KVM, typed: what the system can do, and a machine's
// memory.
//
//     result<kvm_host> host = kvm_host::open();
//     if (!host) std::cerr << next_step("/dev/kvm", host.error());
//     result<kvm_machine> machine = kvm_machine::create(*host);
//     result<kvm_slot> text = machine->add_memory(guest_address{0x100000}, pages, {.writable = false});
//
// For what runs guests. Its processors are kvm_vcpu. Leaves out interrupt controllers: hvt guests have none.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/os/linux/device_node.hpp>
#include <shoal/os/posix/mapped_pages.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::linux_os {

namespace detail {

/// ioctl(2), again when a signal came. Negative: see errno.
template <class Argument>
int kvm_call(const posix::unique_fd& fd, unsigned long request, Argument argument) noexcept {
  int answer = 0;
  do {
    answer = ::ioctl(fd.get(), request, argument);
  } while (answer < 0 && errno == EINTR);
  return answer;
}

}  // namespace detail

/// KVM as a system has it.
class kvm_host {
 public:
  /// errc::unsupported for a node that is not KVM's, or what open(2) says.
  [[nodiscard]] static result<kvm_host> open(const std::filesystem::path& node = "/dev/kvm") {
    result<posix::unique_fd> fd = open_node(node);
    if (!fd) return fd.error();
    if (detail::kvm_call(*fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return errc::unsupported;
    return kvm_host{std::move(*fd)};
  }

  /// What the system says about KVM_CAP_...: 0 for no, else yes or how many.
  [[nodiscard]] int extension(int capability) const noexcept {
    const int answer = detail::kvm_call(fd_, KVM_CHECK_EXTENSION, capability);
    return answer < 0 ? 0 : answer;
  }

  /// Stays owned by this.
  [[nodiscard]] const posix::unique_fd& fd() const noexcept { return fd_; }

 private:
  explicit kvm_host(posix::unique_fd fd) noexcept : fd_(std::move(fd)) {}
  posix::unique_fd fd_;
};

/// Whole pages of this process, which are its own as long as this lives. Nothing of them is used before it is
/// touched.
class guest_pages {
 public:
  [[nodiscard]] static result<guest_pages> allocate(std::size_t size) noexcept {
    result<posix::mapped_pages> pages =
        posix::mapped_pages::map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (!pages) return pages.error();
    ::madvise(pages->bytes().data(), size, MADV_DONTDUMP);
    return guest_pages{std::move(*pages)};
  }
  /// In a file, which is made: whoever maps it, too, sees what the guest does. std::errc::file_exists for one
  /// that is there.
  [[nodiscard]] static result<guest_pages> in_file(const std::filesystem::path& path, std::size_t size) {
    const posix::unique_fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!fd) return posix::last_error();
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return posix::last_error();
    result<posix::mapped_pages> pages =
        posix::mapped_pages::map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
    if (!pages) return pages.error();
    return guest_pages{std::move(*pages)};
  }

  /// Stay where they are when this is moved.
  [[nodiscard]] bytes_span bytes() const noexcept { return pages_.bytes(); }

 private:
  explicit guest_pages(posix::mapped_pages pages) noexcept : pages_(std::move(pages)) {}
  posix::mapped_pages pages_;
};

/// How a guest sees a piece of memory.
struct kvm_memory {
  bool writable = true;  ///< else a write leaves the guest as an access
  bool log = false;      ///< keep what it has written, for take_written()
};

/// A piece of a machine's memory.
enum class kvm_slot : std::uint32_t {};

/// A virtual machine without processors.
class kvm_machine {
 public:
  [[nodiscard]] static result<kvm_machine> create(const kvm_host& host) noexcept {
    const int fd = detail::kvm_call(host.fd(), KVM_CREATE_VM, 0);
    if (fd < 0) return posix::last_error();
    return kvm_machine{posix::unique_fd{fd}};
  }

  /// Gives the machine memory at `base`. It stays there, and the machine's, for as long as that lives.
  /// std::errc::invalid_argument for what is not whole pages, std::errc::file_exists for what overlaps.
  [[nodiscard]] result<kvm_slot> add_memory(hal::guest_address base, bytes_span memory, kvm_memory how = {}) {
    kvm_userspace_memory_region region{};
    region.slot = static_cast<std::uint32_t>(sizes_.size());
    region.flags = (how.writable ? 0u : KVM_MEM_READONLY) | (how.log ? KVM_MEM_LOG_DIRTY_PAGES : 0u);
    region.guest_phys_addr = static_cast<std::uint64_t>(base);
    region.memory_size = memory.size();
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory.data());
    if (detail::kvm_call(fd_, KVM_SET_USER_MEMORY_REGION, &region) != 0) return posix::last_error();
    sizes_.push_back(memory.size());
    return static_cast<kvm_slot>(region.slot);
  }

  /// The pages that the guest has written since this was called last, or since the slot is there: bit i of
  /// element i / 64 for page i. What this process writes does not count. std::errc::no_such_file_or_directory
  /// without a log.
  [[nodiscard]] result<std::vector<std::uint64_t>> take_written(kvm_slot slot) const {
    constexpr std::size_t page = 4096;
    const auto index = static_cast<std::uint32_t>(slot);
    if (index >= sizes_.size()) return errc::invalid_argument;
    std::vector<std::uint64_t> written((sizes_[index] / page + 63) / 64);
    kvm_dirty_log wanted{};
    wanted.slot = index;
    wanted.dirty_bitmap = written.data();
    if (detail::kvm_call(fd_, KVM_GET_DIRTY_LOG, &wanted) != 0) return posix::last_error();
    return written;
  }

  /// Stays owned by this.
  [[nodiscard]] const posix::unique_fd& fd() const noexcept { return fd_; }

 private:
  explicit kvm_machine(posix::unique_fd fd) noexcept : fd_(std::move(fd)) {}
  posix::unique_fd fd_;
  std::vector<std::size_t> sizes_;
};

}  // namespace shoal::linux_os
