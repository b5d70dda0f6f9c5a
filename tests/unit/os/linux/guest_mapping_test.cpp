// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/guest_mapping.hpp>

#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "memory_file.hpp"

namespace {

using namespace shoal;
using linux_os::guest_mapping;
using virtio::vhost_user_region;

result<std::shared_ptr<guest_mapping>> map(const std::vector<vhost_user_region>& regions,
                                           const std::vector<int>& files) {
  virtio::vhost_user_memory_table table;
  for (const vhost_user_region& r : regions) table.storage[table.count++] = r;
  std::vector<posix::unique_fd> own;
  for (const int fd : files) own.emplace_back(::dup(fd));
  return guest_mapping::map(table, own);
}

TEST_CASE("what the monitor writes is seen, in each region at its own place in its file") {
  const memory_file one{0x4000};
  const memory_file two{0x2000};
  one.bytes[0x1000] = std::byte{11};
  two.bytes[5] = std::byte{22};
  const auto memory = map({{hal::guest_address{0x10000}, 0x3000, 0x7000'0000, 0x1000},
                           {hal::guest_address{0x80000}, 0x2000, 0x9000'0000, 0}},
                          {one.fd.get(), two.fd.get()});
  REQUIRE(memory);
  const bytes_span a = (*memory)->window(hal::guest_address{0x10000}, 0x3000);
  REQUIRE(a.size() == 0x3000);
  CHECK(a[0] == std::byte{11});
  a[1] = std::byte{33};
  CHECK(one.bytes[0x1001] == std::byte{33});
  CHECK((*memory)->window(hal::guest_address{0x80005}, 1)[0] == std::byte{22});
  CHECK((*memory)->window(hal::guest_address{0x10000}, 0x3001).empty());

  CHECK((*memory)->to_guest(0x7000'0000) == hal::guest_address{0x10000});
  CHECK((*memory)->to_guest(0x7000'2fff) == hal::guest_address{0x12fff});
  CHECK((*memory)->to_guest(0x9000'1000) == hal::guest_address{0x81000});
  CHECK_FALSE((*memory)->to_guest(0x7000'3000));
  CHECK_FALSE((*memory)->to_guest(0));
}

TEST_CASE("files that are too short, of another kind or too few are refused") {
  const memory_file file{0x4000};
  const vhost_user_region fits{hal::guest_address{0}, 0x4000, 0, 0};
  REQUIRE(map({fits}, {file.fd.get()}));
  CHECK(map({fits}, {}).error() == errc::malformed);
  CHECK(map({{hal::guest_address{0}, 0x4001, 0, 0}}, {file.fd.get()}).error() == errc::truncated);
  CHECK(map({{hal::guest_address{0}, 0x4000, 0, 1}}, {file.fd.get()}).error() == errc::truncated);
  CHECK(map({{hal::guest_address{0}, 1, 0, UINT64_MAX - 5}}, {file.fd.get()}).error() == errc::truncated);
  const posix::unique_fd device{::open("/dev/zero", O_RDWR | O_CLOEXEC)};
  CHECK(map({fits}, {device.get()}).error() == errc::unsupported);
  CHECK(map({fits}, {-1}).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("regions that overlap in the guest are refused") {
  const memory_file file{0x4000};
  CHECK(map({{hal::guest_address{0}, 0x2000, 0, 0}, {hal::guest_address{0x1000}, 0x2000, 0x2000, 0x2000}},
            {file.fd.get(), file.fd.get()})
            .error() == errc::malformed);
}

}  // namespace
