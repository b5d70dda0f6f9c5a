// SPDX-License-Identifier: BSL-1.0
#include <shoal/monitor/watched_disk.hpp>  // first: shows that the header stands alone

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/base/bytes.hpp>
#include <shoal/hypercall/block_calls.hpp>
#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/rule_engine.hpp>
#include <shoal/monitor/rule_file.hpp>

namespace {

using namespace shoal::monitor;
using shoal::bytes_span;
using shoal::bytes_view;
using shoal::status;

constexpr std::size_t disk_size = 8192;

/// Knows what reached it.
struct small_disk {
  std::array<std::byte, disk_size>* bytes;
  int* requests;

  std::uint64_t capacity() const noexcept { return disk_size; }
  std::uint32_t block_size() const noexcept { return 512; }
  status read(std::uint64_t offset, bytes_span out) noexcept {
    ++*requests;
    std::copy_n(bytes->begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return status::ok;
  }
  status write(std::uint64_t offset, bytes_view in) noexcept {
    ++*requests;
    std::ranges::copy(in, bytes->begin() + static_cast<std::ptrdiff_t>(offset));
    return status::ok;
  }
  status discard(std::uint64_t, std::uint64_t) noexcept {
    ++*requests;
    return status::ok;
  }
};

/// A disk under rules, and all that was told of it.
struct guarded {
  explicit guarded(std::string_view text) : rules(parse_rules(text).rules), engine(rules) {
    disk.watch(disk_ranges(rules, 3, direction::read), disk_ranges(rules, 3, direction::write));
  }

  struct judge {
    guarded* all;
    bool operator()(const shoal::hal::access_record& asked, bytes_view data) const noexcept {
      all->told.push_back(to_text(asked, ""));
      all->sources.push_back(asked.source);
      all->written.push_back(data.size());
      return all->engine.check(0, asked, stage::whole, data) == verdict::allow;
    }
  };

  std::array<std::byte, disk_size> bytes{};
  int requests = 0;
  std::vector<rule> rules;
  rule_engine<> engine;
  std::vector<std::string> told;
  std::vector<std::uint16_t> sources;
  std::vector<std::size_t> written;
  watched_disk<small_disk, judge> disk{small_disk{&bytes, &requests}, judge{this}, 3};
};

struct flushed_disk : small_disk {
  status flush() noexcept { return status::ok; }
};
using any_judge = bool (*)(const shoal::hal::access_record&, bytes_view) noexcept;
static_assert(shoal::hypercall::can_block_discard<watched_disk<small_disk, any_judge>>);
static_assert(!shoal::hypercall::can_block_flush<watched_disk<small_disk, any_judge>>);
static_assert(shoal::hypercall::can_block_flush<watched_disk<flushed_disk, any_judge>>);

}  // namespace

TEST_CASE("a request that a rule denies does not reach the disk, and the others do") {
  guarded all{"forbid boot write disk:0-511 deny\nforbid secret read disk:4096-4607 deny"};
  std::array<std::byte, 1024> block{};
  block.fill(std::byte{7});
  CHECK(all.disk.write(0, block) == status::failed);
  CHECK(all.disk.discard(0, 512) == status::failed);
  CHECK(all.disk.read(3584, block) == status::failed);  // by its last bytes
  CHECK(all.requests == 0);
  CHECK(all.bytes[0] == std::byte{0});
  CHECK(block[0] == std::byte{7});

  CHECK(all.disk.write(512, block) == status::ok);
  CHECK(all.disk.read(0, block) == status::ok);
  CHECK(all.disk.discard(4096, 512) == status::ok);
  CHECK(all.requests == 3);
  CHECK(all.engine.alerts() == 3);
}

TEST_CASE("what touches a watched byte is told whole, and what does not is not") {
  guarded all{"forbid a any disk:1000-1000"};
  std::array<std::byte, 1024> block{};
  CHECK(all.disk.write(512, block) == status::ok);
  CHECK(all.disk.read(512, bytes_span{block}.first(512)) == status::ok);
  CHECK(all.disk.discard(0, disk_size) == status::ok);
  CHECK(all.disk.read(1024, block) == status::ok);
  CHECK(all.told == std::vector<std::string>{"disk_write 512+1024", "disk_read 512+512", "disk_trim 0+8192"});
  CHECK(all.written == std::vector<std::size_t>{1024, 0, 0});
  CHECK(all.sources == std::vector<std::uint16_t>{3, 3, 3});
}

TEST_CASE("a disk that nobody watches asks nobody") {
  guarded all{""};
  std::array<std::byte, 512> block{};
  CHECK(all.disk.write(0, block) == status::ok);
  CHECK(all.disk.unwatched().read(0, block) == status::ok);
  CHECK(all.told.empty());
  CHECK(all.disk.capacity() == disk_size);
  CHECK(all.disk.block_size() == 512);
  CHECK(all.disk.source() == 3);
}
