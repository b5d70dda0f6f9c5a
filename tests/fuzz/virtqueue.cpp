// SPDX-License-Identifier: BSL-1.0
//
// A guest's memory of any content with a virtqueue in it, that changes while it is read: whatever the queue
// gives is inside that memory and within its limits, what is parsed from it is within the disk, and nothing
// else is touched. The first bytes choose the queue; the rest is the memory, then the changes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <shoal/hal/guest_memory.hpp>
#include <shoal/virtio/disk_request.hpp>
#include <shoal/virtio/gpio_request.hpp>
#include <shoal/virtio/split_queue.hpp>

namespace {

using namespace shoal;
using namespace shoal::virtio;

void require(bool truth) {
  if (!truth) std::abort();
}

constexpr std::size_t ram_size = 4096;
constexpr hal::guest_address ram_base{0x1000};

/// RAM that the guest changes between two looks at it.
class restless_memory {
 public:
  restless_memory(bytes_view content, bytes_view changes) : changes_(changes) {
    std::copy_n(content.begin(), std::min(content.size(), ram_size), ram_.begin());
    (void)regions_.add(ram_base, ram_);
  }
  bytes_span window(hal::guest_address address, std::size_t n) noexcept {
    if (changes_.size() >= 3) {
      const std::size_t at =
          (std::to_integer<std::size_t>(changes_[0]) << 8 | std::to_integer<std::size_t>(changes_[1]));
      ram_[at % ram_size] = changes_[2];
      changes_ = changes_.subspan(3);
    }
    return regions_.window(address, n);
  }
  [[nodiscard]] bool has(bytes_view part) const noexcept {
    return part.data() >= ram_.data() && part.size() <= ram_size &&
           part.data() + part.size() <= ram_.data() + ram_size;
  }

 private:
  alignas(16) std::array<std::byte, ram_size> ram_{};
  hal::guest_regions<1> regions_;
  bytes_view changes_;
};

void check(const descriptor_chain& chain, const restless_memory& memory, std::uint16_t queue_size) {
  std::uint64_t readable = 0;
  std::uint64_t writable = 0;
  for (const bytes_span b : chain.readable()) {
    require(!b.empty() && memory.has(b));
    readable += b.size();
  }
  for (const bytes_span b : chain.writable()) {
    require(!b.empty() && memory.has(b));
    writable += b.size();
  }
  require(readable == chain.readable_bytes() && writable == chain.writable_bytes());
  const std::size_t buffers = chain.readable().size() + chain.writable().size();
  require(buffers != 0 && buffers <= queue_size);
}

void check(const disk_request& request, const disk_shape& shape, const restless_memory& memory) {
  std::uint64_t bytes = 0;
  for (const bytes_span b : request.data) {
    require(memory.has(b));
    bytes += b.size();
  }
  if (request.state != nullptr) require(memory.has({request.state, 1}));
  if (request.status != disk_status::ok) return;
  require(request.state != nullptr);
  const std::uint64_t size = shape.sectors * sector_size;
  switch (request.what) {
    case disk_command::read:
    case disk_command::write:
      require(bytes == request.length && request.length <= shape.max_transfer);
      require(contains(size, request.offset, request.length) && request.length % shape.block_size == 0);
      require(request.what == disk_command::read || !shape.read_only);
      break;
    case disk_command::discard:
    case disk_command::write_zeroes:
      require(!shape.read_only && request.ranges.size() <= disk_shape::max_ranges);
      for (const disk_range& r : request.ranges) require(r.length != 0 && contains(size, r.offset, r.length));
      break;
    case disk_command::get_id: require(bytes == disk_id_size); break;
    case disk_command::flush: break;
    default: require(false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  const bytes_view in{reinterpret_cast<const std::byte*>(data), size};
  const auto size_bits = data[0] % 8u;
  const queue_layout layout{.size = static_cast<std::uint16_t>(1u << size_bits),
                            .descriptors = ram_base + data[1] * 16u,
                            .available = ram_base + data[2] * 16u,
                            .used = ram_base + data[3] * 16u};
  const queue_options options{
      .indirect = (data[4] & 1) != 0, .event_index = (data[4] & 2) != 0, .next = data[5]};
  disk_shape shape{.sectors = 16,
                   .block_size = (data[4] & 4) != 0 ? 1024u : 512u,
                   .read_only = (data[4] & 8) != 0,
                   .discard = true,
                   .write_zeroes = true};
  const std::size_t cut = std::min(size, ram_size + 8);
  restless_memory memory{in.subspan(8, cut - 8), in.subspan(cut)};

  split_queue queue;
  if (queue.enable(memory, layout, options) != status::ok) return 0;
  descriptor_chain chain;
  for (unsigned turns = 0; turns < 300; ++turns) {
    const status_or<bool> popped = queue.pop(memory, chain);
    require(popped || queue.is_broken());
    if (!popped || !*popped) break;
    check(chain, memory, layout.size);
    const disk_request request = parse_disk_request(chain, shape);
    check(request, shape, memory);
    std::array<std::byte, gpio_request::size> bytes;
    if (gather(chain.readable(), 0, bytes) == bytes.size()) {
      const status_or<gpio_request> gpio = parse_gpio_request(bytes);
      if (gpio) require(to_bytes(*gpio) == bytes);
    }
    if (request.state != nullptr) *request.state = std::byte{1};
    const std::size_t written = scatter(chain.writable(), 0, bytes);
    require(written == std::min<std::size_t>(bytes.size(), chain.writable_bytes()));
    queue.push(memory, chain.head(), static_cast<std::uint32_t>(written));
    (void)queue.must_notify(memory);
    (void)queue.want_kick(memory);
    if (queue.fetch(memory, chain.head(), chain) == status::ok) check(chain, memory, layout.size);
  }
  return 0;
}
