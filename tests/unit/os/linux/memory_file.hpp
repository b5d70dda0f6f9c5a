// SPDX-License-Identifier: BSL-1.0
//
// Memory of a guest as its monitor has it: a file without a name, mapped.
#pragma once

#include <cstddef>

#include <sys/mman.h>
#include <unistd.h>

#include <shoal/base/bytes.hpp>
#include <shoal/os/posix/unique_fd.hpp>

struct memory_file {
  shoal::posix::unique_fd fd{::memfd_create("shoal-test", MFD_CLOEXEC)};
  shoal::bytes_span bytes;

  explicit memory_file(std::size_t size) {
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return;
    void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (address != MAP_FAILED) bytes = {static_cast<std::byte*>(address), size};
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::munmap(bytes.data(), bytes.size()); }
};
