// SPDX-License-Identifier: BSL-1.0
//
// A small file system with bytes of it changed by the input: whatever is found lies in the image, and the work
// is bounded. The input: patches of five bytes (where, modulo the image's size, and a byte), then a path.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/fs/ext4.hpp>
#include <shoal/test/ext4_image.hpp>

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

struct counted_reader {
  const std::vector<std::byte>* image;
  std::uint64_t* read;
  shoal::status operator()(std::uint64_t offset, shoal::bytes_span out) const {
    *read += out.size();
    if (!shoal::contains(image->size(), offset, out.size())) return shoal::status::out_of_range;
    std::memcpy(out.data(), image->data() + offset, out.size());
    return shoal::status::ok;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> good = shoal::test::ext4_image();
  constexpr std::size_t patch = 5;
  constexpr std::size_t most_patches = 64;
  std::vector<std::byte> image = good;
  std::size_t patches = size == 0 ? 0 : data[0] % most_patches;
  std::size_t at = 1;
  for (; patches > 0 && size - at >= patch; --patches, at += patch) {
    const std::size_t where = data[at] | static_cast<std::size_t>(data[at + 1]) << 8 |
                              static_cast<std::size_t>(data[at + 2]) << 16 |
                              static_cast<std::size_t>(data[at + 3]) << 24;
    image[where % image.size()] = static_cast<std::byte>(data[at + 4]);
  }
  const std::string_view given =
      at < size ? std::string_view{reinterpret_cast<const char*>(data) + at, size - at} : std::string_view{};
  std::uint64_t read = 0;
  shoal::fs::ext4_files files{counted_reader{&image, &read}};
  if (files.open() != shoal::fs::ext4_error::none) return 0;
  for (const std::string_view path : {std::string_view{"/etc/deep"}, std::string_view{"/etc/old"},
                                      std::string_view{"/passwd"}, std::string_view{"/tiny/b"}, given}) {
    read = 0;
    shoal::fs::file_place place;
    const shoal::fs::ext4_error found = files.find(path, place);
    require(read <= shoal::fs::max_ext4_reads + (1u << 20));
    require(!text_of(found).empty());
    if (found != shoal::fs::ext4_error::none) continue;
    require(place.contents.ranges().size() <= shoal::fs::max_file_pieces && !place.records.empty());
  }
  return 0;
}
