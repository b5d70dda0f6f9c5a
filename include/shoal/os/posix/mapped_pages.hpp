// SPDX-License-Identifier: BSL-1.0
//
// mapped_pages: what mmap(2) gave, given back at the end. What every mapping here is made of: files, a guest's
// memory, registers.
//
//     result<posix::mapped_pages> pages = posix::mapped_pages::map(size, PROT_READ, MAP_SHARED, fd);
//     if (!pages) return pages.error();                  // the operating system's own error
#pragma once

#include <cstddef>
#include <utility>

#include <sys/mman.h>
#include <sys/types.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// Owns its pages; empty when made by default or moved from.
class mapped_pages {
 public:
  /// @param fd  need not stay open; -1 with MAP_ANONYMOUS. What mmap(2) says, which maps no 0 bytes.
  [[nodiscard]] static result<mapped_pages> map(std::size_t size, int protection, int flags, int fd = -1,
                                                off_t offset = 0) noexcept {
    void* const address = ::mmap(nullptr, size, protection, flags, fd, offset);
    if (address == MAP_FAILED) return last_error();
    return mapped_pages{static_cast<std::byte*>(address), size};
  }

  mapped_pages() noexcept = default;
  mapped_pages(mapped_pages&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapped_pages& operator=(mapped_pages&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_pages() {
    if (address_ != nullptr) ::munmap(address_, size_);
  }

  /// Stay where they are when this is moved. Writing to those that were mapped for reading is a SIGSEGV.
  [[nodiscard]] bytes_span bytes() const noexcept { return {address_, size_}; }

 private:
  mapped_pages(std::byte* address, std::size_t size) noexcept : address_(address), size_(size) {}
  std::byte* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace shoal::posix
