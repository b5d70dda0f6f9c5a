// SPDX-License-Identifier: BSL-1.0
#include <shoal/vmi/linux/kernel_baseline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/vmi/linux/kernel_profile.hpp>

using namespace shoal;
using namespace shoal::vmi;

namespace {

kernel_profile profile() {
  kernel_profile out;
  out.banner = "Linux version 6.1";
  out.text = virtual_address{0xffff'ffff'8100'0000};
  REQUIRE(out.symbols.add(virtual_address{0xffff'ffff'8100'0000}, 'T', "_text") == status::ok);
  REQUIRE(out.symbols.add(virtual_address{0x1000}, 'A', "cpu_number") == status::ok);
  REQUIRE(out.symbols.add(virtual_address{0xffff'ffff'8100'0000}, 't', "_stext") == status::ok);
  out.symbols.finish();
  out.types.add("task_struct", "pid", {2416, 4, 0, 0});
  out.types.add("task_struct", "in_execve", {900, 4, 3, 1});
  return out;
}

kernel_baseline baseline() {
  kernel_baseline out;
  out.banner = "Linux version 6.1";
  out.text = virtual_address{0xffff'ffff'8100'0000};
  page_digests digests;
  digests.range = {out.text, out.text + 0x1001};
  digests.pages.resize(2);
  digests.pages[1].fill(std::byte{7});
  out.areas.push_back({"text", false, digests});
  out.areas.push_back({"constants", true, {}});
  out.system_calls = {out.text, out.text + 16};
  out.interrupts.resize(interrupt_vectors);
  out.rights.push_back({out.text, 1, 2, {.address = out.text + 4, .uid = 5, .fsuid = 6, .permitted = 7}});
  return out;
}

template <class T>
void check_hostile(const std::vector<std::byte>& file) {
  for (std::size_t size = 0; size < file.size(); ++size) CHECK_FALSE(T::decode(bytes_view{file}.first(size)));
  std::vector<std::byte> longer = file;
  longer.push_back(std::byte{0});
  CHECK(T::decode(longer).error() == errc::malformed);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x20u, 0x80u, 0xffu}) {
      std::vector<std::byte> bent = file;
      bent[at] ^= static_cast<std::byte>(flip);
      if (const auto read = T::decode(bent)) CHECK(read->encode() == bent);
    }
  }
}

}  // namespace

TEST_CASE("a profile is read as it was written, and moved where its kernel is now") {
  const std::vector<std::byte> file = profile().encode();
  auto read = kernel_profile::decode(file);
  REQUIRE(read);
  CHECK(read->encode() == file);
  CHECK(read->banner == "Linux version 6.1");
  REQUIRE(read->symbols.size() == 3);
  CHECK(read->symbols[0].name == "cpu_number");
  CHECK(read->types.layout("task_struct", "in_execve") == field_layout{900, 4, 3, 1});
  read->symbols.move(virtual_address{0xffff'ffff'8000'0000}, 0x20'0000);
  CHECK(value(read->symbols.find("_stext")->address) == 0xffff'ffff'8120'0000);
  CHECK(value(read->symbols.find("cpu_number")->address) == 0x1000);
  CHECK(read->symbols.from(virtual_address{0x1001}) == 1);
  CHECK(read->symbols.from(virtual_address{~std::uint64_t{0}}) == 3);
}

TEST_CASE("a baseline is read as it was written") {
  const std::vector<std::byte> file = baseline().encode();
  const auto read = kernel_baseline::decode(file);
  REQUIRE(read);
  CHECK(read->encode() == file);
  REQUIRE(read->areas.size() == 2);
  CHECK(read->areas[0].digests.pages == baseline().areas[0].digests.pages);
  CHECK(read->areas[1].constant);
  CHECK(read->rights == baseline().rights);
  CHECK(read->system_calls == baseline().system_calls);
}

TEST_CASE("files that were cut, bent or are others are refused") {
  check_hostile<kernel_profile>(profile().encode());
  kernel_baseline small = baseline();
  small.interrupts.clear();
  check_hostile<kernel_baseline>(small.encode());
  CHECK(kernel_profile::decode(baseline().encode()).error() == errc::malformed);
  CHECK(kernel_baseline::decode({}).error() == errc::truncated);
}
