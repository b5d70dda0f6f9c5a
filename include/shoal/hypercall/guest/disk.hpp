// SPDX-License-Identifier: BSL-1.0
//
// disk: a block device of a unikernel. It is a block_backend itself. Of the guest. Freestanding.
//
//     disk storage{hypercall_instruction{}, handle, entry};          // entry: of the manifest in the boot info
//     if (const status s = storage.read(0, sector); s != status::ok) return s;
//
// Leaves out splitting what is longer than the tender takes: ours takes what is there, a Solo5 tender too.
#pragma once

#include <cstdint>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hypercall/abi.hpp>
#include <shoal/hypercall/guest/transport.hpp>
#include <shoal/hypercall/manifest.hpp>
#include <shoal/hypercall/vendor_abi.hpp>

namespace shoal::hypercall::guest {

template <transport T>
class disk {
 public:
  /// @param entry  the manifest's, at index `handle`, as the tender filled it in
  disk(T way, std::uint64_t handle, const manifest_entry& entry) noexcept
      : way_(std::move(way)),
        handle_(handle),
        capacity_(entry.capacity()),
        block_size_(entry.block_size()),
        features_(entry.block_features()) {}

  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t block_size() const noexcept { return block_size_; }
  /// block_feature: what the tender does beside reading and writing.
  [[nodiscard]] std::uint32_t features() const noexcept { return features_; }

  /// Whole blocks. Errors: invalid_argument (outside, or not whole blocks), busy, failed.
  status read(std::uint64_t offset, bytes_span out) noexcept {
    return transfer(number::block_read, offset, out.data(), out.size());
  }
  /// As read().
  status write(std::uint64_t offset, bytes_view in) noexcept {
    return transfer(number::block_write, offset, in.data(), in.size());
  }
  /// unsupported, without a call, when the tender does not have it.
  status flush() noexcept { return maintain(vendor::block_flush, block_feature::flush, 0, 0); }
  /// As flush().
  status discard(std::uint64_t offset, std::uint64_t length) noexcept {
    return maintain(vendor::block_discard, block_feature::discard, offset, length);
  }

 private:
  status transfer(std::uint32_t what, std::uint64_t offset, const void* data, std::uint64_t length) noexcept {
    block_call asked{.handle = handle_, .offset = offset, .data = address_of(data), .length = length};
    way_.call(what, &asked);
    return status_of(asked.result);
  }
  status maintain(std::uint32_t what, std::uint32_t feature, std::uint64_t offset,
                  std::uint64_t length) noexcept {
    if ((features_ & feature) == 0) return status::unsupported;
    range_call asked{.handle = handle_, .offset = offset, .length = length};
    way_.call(what, &asked);
    return status_of(asked.result);
  }

  T way_;
  std::uint64_t handle_;
  std::uint64_t capacity_;
  std::uint32_t block_size_;
  std::uint32_t features_;
};

}  // namespace shoal::hypercall::guest
