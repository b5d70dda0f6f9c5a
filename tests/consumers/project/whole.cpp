// SPDX-License-Identifier: BSL-1.0
//
// Uses a header of each target: writes to a device, reads it back and hashes what it read.
#include <array>
#include <cstddef>
#include <iostream>

#include <shoal/block/memory.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/os/posix/file_device.hpp>
#include <shoal/test/run.hpp>

int main() {
  shoal::memory_device disk{4096};
  std::array<std::byte, 3> abc{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  if (!shoal::test::run(disk.write(1000, abc, shoal::io_flags::none))) return 1;
  std::array<std::byte, 3> back{};
  if (!shoal::test::run(disk.read(1000, back))) return 1;

  std::array<std::byte, 32> digest{};
  shoal::openssl::digester digester;
  if (digester.digest(shoal::hash_code::sha2_256, back, digest) != shoal::status::ok) return 1;
  const bool right = digest[0] == std::byte{0xba} && digest[31] == std::byte{0xad};  // FIPS 180-4, "abc"
  std::cout << (right ? "device and digest agree\n" : "wrong digest\n");
  return right ? 0 : 1;
}
