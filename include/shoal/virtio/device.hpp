// SPDX-License-Identifier: BSL-1.0
//
// The contract of a virtio device, without the way to it: what it is, and what it answers to a request.
//
//     answer handle(std::uint16_t queue, const descriptor_chain& chain) {
//       return answer::now(scatter(chain.writable(), 0, random_bytes()));
//     }
//
// For devices (gpio_device, disk_device) and for what carries them to a guest: mmio_registers, vhost-user. A
// device sees no queue: queue_runner pops, asks and pushes.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/descriptor_chain.hpp>
#include <shoal/virtio/feature.hpp>

namespace shoal::virtio {

/// What a device says to a request.
class answer {
 public:
  /// It is done. @param written  bytes at the front of the writable buffers
  [[nodiscard]] static answer now(std::size_t written) noexcept {
    answer a;
    a.written_ = static_cast<std::uint32_t>(written);
    return a;
  }
  /// It is done when the work ends, which gives the number of bytes written. The buffers stay where they are
  /// until then.
  [[nodiscard]] static answer later(task<std::uint32_t> work) noexcept {
    answer a;
    a.work_.emplace(std::move(work));
    return a;
  }
  /// The device keeps it and gives it back by next_return(). The buffers are not valid any longer.
  [[nodiscard]] static answer kept() noexcept {
    answer a;
    a.kept_ = true;
    return a;
  }

  [[nodiscard]] bool is_kept() const noexcept { return kept_; }
  [[nodiscard]] bool is_later() const noexcept { return work_.has_value(); }
  [[nodiscard]] std::uint32_t written() const noexcept { return written_; }
  /// @pre is_later()
  [[nodiscard]] task<std::uint32_t> take_work() noexcept { return *std::move(work_); }

 private:
  std::optional<task<std::uint32_t>> work_;
  std::uint32_t written_ = 0;
  bool kept_ = false;
};

/// A request that a device had kept, and what to write to it.
struct kept_return {
  std::uint16_t queue = 0;
  std::uint16_t head = 0;
  std::array<std::byte, 8> bytes{};
  std::uint8_t size = 0;  ///< of bytes
};

/// `id`, `features` (its own bits, without those of feature::transport), `queue_count` and `config` (as the
/// driver reads it; drivers cannot write it) do not change while a driver is there. `start(accepted)`: a driver
/// has made its choice of the features. `handle(queue, chain)`: a request. `next_return(kept)`: one that was
/// kept is due; false when there is none. `reset()`: the driver has gone, and nothing that was kept is given
/// back. Belongs to one strand.
template <class D>
concept device = requires(D& device, const D& constant, std::uint64_t accepted, std::uint16_t queue,
                          const descriptor_chain& chain, kept_return& kept) {
  { constant.id() } noexcept -> std::same_as<device_id>;
  { constant.features() } noexcept -> std::same_as<std::uint64_t>;
  { constant.queue_count() } noexcept -> std::same_as<std::uint16_t>;
  { constant.config() } noexcept -> std::same_as<bytes_view>;
  { device.start(accepted) } noexcept -> std::same_as<void>;
  { device.handle(queue, chain) } -> std::same_as<answer>;
  { device.next_return(kept) } noexcept -> std::same_as<bool>;
  { device.reset() } noexcept -> std::same_as<void>;
};

}  // namespace shoal::virtio
