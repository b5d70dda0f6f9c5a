// SPDX-License-Identifier: BSL-1.0
#include <array>
#include <cstddef>

#include <shoal/block/memory.hpp>
#include <shoal/openssl/digester.hpp>

int main() {
  const shoal::memory_device disk{4096};
  std::array<std::byte, 32> digest{};
  shoal::openssl::digester digester;
  const shoal::status hashed = digester.digest(shoal::hash_code::sha2_256, {}, digest);
  return disk.info().size == 4096 && hashed == shoal::status::ok ? 0 : 1;
}
