// SPDX-License-Identifier: BSL-1.0
//
// any_device: a block device whose type is chosen at run time, as programs do that open what a URI names.
//
//     any_device disk = read_only ? any_device{readonly{std::move(file)}} : any_device{std::move(file)};
//     any_device same = disk;                                  // a handle: both are one device
//     if (has(disk.capabilities(), capability::trim)) co_await disk.trim(0, 1_MiB, io_flags::none);
//
// Models every concept; capabilities() tells which of them are real, and a call to one that is not fails with
// errc::unsupported. One virtual call an operation: no coroutine frame and no allocation of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// A shared handle to a device of any type. Copies share the device, which lives as long as its last handle.
/// Like the device, all handles belong to one strand. A handle that was moved from is good for nothing but
/// assignment and destruction.
class any_device {
 public:
  /// Takes the device over.
  template <block_source D>
    requires(!std::same_as<D, any_device>)
  explicit any_device(D device) : device_(std::make_shared<model<D>>(std::move(device))) {}

  /// What the device can do. Anything else fails with errc::unsupported, or gives nothing where the call cannot
  /// fail.
  [[nodiscard]] capability capabilities() const noexcept { return device_->capabilities(); }

  /// The device's own, and read_only also when its type has no write.
  [[nodiscard]] device_info info() const noexcept { return device_->info(); }
  task<> read(std::uint64_t offset, bytes_span out) { return device_->read(offset, out); }
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    return device_->write(offset, in, flags);
  }
  task<> flush() { return device_->flush(); }
  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    return device_->trim(offset, length, flags);
  }
  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    return device_->zero(offset, length, flags);
  }
  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    return device_->extents(offset, length);
  }
  task<> cache(std::uint64_t offset, std::uint64_t length) { return device_->cache(offset, length); }
  [[nodiscard]] lease try_lend(std::uint64_t offset, std::size_t n) noexcept {
    return device_->try_lend(offset, n);
  }
  [[nodiscard]] bool try_read(std::uint64_t offset, bytes_span out) noexcept {
    return device_->try_read(offset, out);
  }
  [[nodiscard]] bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept {
    return device_->try_write(offset, in, flags);
  }

 private:
  // What a device without the capability does; model<D> overrides what D has.
  struct erased {
    erased() = default;
    erased(const erased&) = delete;
    erased& operator=(const erased&) = delete;
    virtual ~erased() = default;
    virtual capability capabilities() const noexcept = 0;
    virtual device_info info() const noexcept = 0;
    virtual task<> read(std::uint64_t offset, bytes_span out) = 0;
    virtual task<> write(std::uint64_t offset, bytes_view in, io_flags flags) = 0;
    virtual task<> flush() = 0;
    virtual task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) = 0;
    virtual task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) = 0;
    virtual task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) = 0;
    virtual task<> cache(std::uint64_t offset, std::uint64_t length) = 0;
    virtual lease try_lend(std::uint64_t offset, std::size_t n) noexcept = 0;
    virtual bool try_read(std::uint64_t offset, bytes_span out) noexcept = 0;
    virtual bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept = 0;
  };

  template <class D>
  struct model final : erased {
    explicit model(D d) : device(std::move(d)) {}

    capability capabilities() const noexcept override { return actual_capabilities(device); }
    device_info info() const noexcept override {
      device_info told = device.info();
      if constexpr (!block_device<D>) told.read_only = true;
      return told;
    }
    task<> read(std::uint64_t offset, bytes_span out) override { return device.read(offset, out); }
    task<> write(std::uint64_t offset, bytes_view in, io_flags flags) override {
      if constexpr (block_device<D>) return device.write(offset, in, flags);
      return failed(errc::unsupported);
    }
    task<> flush() override {
      if constexpr (block_device<D>) return device.flush();
      return failed(errc::unsupported);
    }
    task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) override {
      if constexpr (can_trim<D>) return device.trim(offset, length, flags);
      return failed(errc::unsupported);
    }
    task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) override {
      if constexpr (can_zero<D>) return device.zero(offset, length, flags);
      return failed(errc::unsupported);
    }
    task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) override {
      if constexpr (can_extents<D>) return device.extents(offset, length);
      return failed<std::vector<extent>>(errc::unsupported);
    }
    task<> cache(std::uint64_t offset, std::uint64_t length) override {
      if constexpr (can_cache<D>) return device.cache(offset, length);
      return failed(errc::unsupported);
    }
    lease try_lend(std::uint64_t offset, std::size_t n) noexcept override {
      if constexpr (can_lend<D>) return device.try_lend(offset, n);
      return {};
    }
    bool try_read(std::uint64_t offset, bytes_span out) noexcept override {
      if constexpr (can_try_read<D>) return device.try_read(offset, out);
      return false;
    }
    bool try_write(std::uint64_t offset, bytes_view in, io_flags flags) noexcept override {
      if constexpr (can_try_write<D>) return device.try_write(offset, in, flags);
      return false;
    }

    D device;
  };

  std::shared_ptr<erased> device_;
};

static_assert(block_device<any_device> && capabilities_of<any_device> == all_capabilities);

}  // namespace shoal
