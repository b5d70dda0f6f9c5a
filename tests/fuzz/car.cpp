// SPDX-License-Identifier: BSL-1.0
//
// Archives, their indexes and the description of a reference, from bytes that anybody may have written. Nothing
// may be read outside of them; what a scan says has to agree with what the index made of it finds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/content/car/archive.hpp>
#include <shoal/content/car/index.hpp>
#include <shoal/content/car/reference.hpp>
#include <shoal/content/car/section.hpp>

namespace {

using shoal::bytes_view;
using shoal::result;

void require(bool condition) {
  if (!condition) std::abort();
}

void look_up_everything(const shoal::car_archive& car, const shoal::car_index& index, bool complete) {
  for (std::uint64_t at = car.first_section(); at < car.payload().size();) {
    const result<shoal::car_section> section = shoal::car_section_at(car.payload(), at);
    if (!section) {
      require(!complete);
      return;
    }
    require(section->size > section->block.size());
    require(section->size <= car.payload().size() - at);
    const shoal::car_section_prefix prefix{section->id, section->block.size()};
    require(prefix.bytes().size() + section->block.size() == section->size);
    const shoal::car_index::matches found = index.find(section->id.hash());
    bool hit = false;
    for (std::size_t i = 0; i < found.size(); ++i) hit = hit || found[i] == at;
    require(hit || !complete);
    at += section->size;
  }
}

void read_archive(bytes_view file) {
  const result<shoal::car_archive> car = shoal::car_archive::parse(file);
  if (!car) return;
  require(car->payload_offset() <= file.size() && car->payload().size() <= file.size() - car->payload_offset());
  require(car->first_section() <= car->payload().size());
  if (car->roots().size() == 1) {
    const std::vector<std::byte> header = shoal::encode_car_header(car->roots().front());
    require(std::ranges::equal(header, car->payload().first(static_cast<std::size_t>(car->first_section()))));
  }
  if (const result<shoal::car_index> index = shoal::car_index::parse(car->index())) {
    look_up_everything(*car, *index, false);
  }
  const result<std::vector<std::byte>> scanned = car->scan();
  if (!scanned) return;
  const result<shoal::car_index> made = shoal::car_index::parse(*scanned);
  require(made.has_value());
  look_up_everything(*car, *made, true);
}

void read_reference(bytes_view file) {
  const result<shoal::car_reference> reference = shoal::car_reference::decode(file);
  if (!reference) return;
  const std::vector<std::byte> again = reference->encode();
  require(std::ranges::equal(again, file.subspan(shoal::car_reference::position, again.size())));
  const bytes_view table = file.subspan(static_cast<std::size_t>(reference->leaf_table));
  (void)shoal::car_index::parse(table);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view file{reinterpret_cast<const std::byte*>(data), size};
  read_archive(file);
  read_reference(file);
  (void)shoal::car_index::parse(file);
  return 0;
}
