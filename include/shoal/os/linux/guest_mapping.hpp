// SPDX-License-Identifier: BSL-1.0
//
// guest_mapping: the RAM of a guest that another process runs, mapped from the files that it sends
// (vhost-user).
//
//     result<std::shared_ptr<guest_mapping>> memory = guest_mapping::map(table, files);
//     if (!memory) return memory.error();
//     (*memory)->window(guest_address{0x1000}, 4096);
//
// Files are checked to be as long as the monitor says, once: a monitor that cuts them afterwards ends this
// process with SIGBUS. QEMU's memory-backend-memfd seals them against that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/os/posix/mapped_pages.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/virtio/vhost_user_message.hpp>

namespace shoal::linux_os {

/// Immutable. Whoever uses a window keeps the mapping.
class guest_mapping {
 public:
  /// errc::malformed when regions overlap in the guest, or there is not a file for each; errc::truncated for a
  /// file that is shorter than its region, errc::unsupported for what is no regular file, or what mmap(2) says.
  static result<std::shared_ptr<guest_mapping>> map(const virtio::vhost_user_memory_table& table,
                                                    std::span<const posix::unique_fd> files) {
    if (files.size() != table.count) return errc::malformed;
    auto made = std::make_shared<guest_mapping>(private_tag{});
    for (std::size_t i = 0; i < table.count; ++i) {
      const result<> added = made->add(table.storage[i], files[i].get());
      if (!added) return added.error();
    }
    return made;
  }

  [[nodiscard]] bytes_span window(hal::guest_address address, std::size_t n) const noexcept {
    return regions_.window(address, n);
  }

  /// What the monitor calls by an address of its own; nothing when that is in no region.
  [[nodiscard]] std::optional<hal::guest_address> to_guest(std::uint64_t user) const noexcept {
    for (const virtio::vhost_user_region& r : told_) {
      if (user >= r.user && user - r.user < r.size) return r.guest + (user - r.user);
    }
    return std::nullopt;
  }

  struct private_tag {};
  explicit guest_mapping(private_tag) noexcept {}
  guest_mapping(const guest_mapping&) = delete;
  guest_mapping& operator=(const guest_mapping&) = delete;

 private:
  result<> add(const virtio::vhost_user_region& region, int file) {
    struct stat told{};
    if (::fstat(file, &told) != 0) return posix::last_error();
    if (!S_ISREG(told.st_mode)) return errc::unsupported;
    if (!contains(static_cast<std::uint64_t>(told.st_size), region.offset, region.size)) return errc::truncated;
    const std::uint64_t end = region.offset + region.size;
    if (end > std::numeric_limits<std::size_t>::max()) return errc::limit_exceeded;
    // from the file's beginning: files of huge pages can be mapped at multiples of those only
    const auto size = static_cast<std::size_t>(end);
    result<posix::mapped_pages> pages =
        posix::mapped_pages::map(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file);
    if (!pages) return pages.error();
    // a process that dies should leave its own memory behind, not its guest's
    ::madvise(pages->bytes().data(), size, MADV_DONTDUMP);
    const bytes_span bytes = pages->bytes().subspan(static_cast<std::size_t>(region.offset));
    mapped_.push_back(std::move(*pages));
    if (regions_.add(region.guest, bytes) != status::ok) return errc::malformed;
    told_.push_back(region);
    return {};
  }

  hal::guest_regions<virtio::max_vhost_user_regions> regions_;
  std::vector<virtio::vhost_user_region> told_;
  std::vector<posix::mapped_pages> mapped_;
};
static_assert(hal::guest_memory<guest_mapping>);

}  // namespace shoal::linux_os
