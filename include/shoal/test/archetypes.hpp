// SPDX-License-Identifier: BSL-1.0
//
// Archetypes: types that model a concept of block devices and nothing beyond it, to find out what a template
// really asks of its argument.
//
//     static_assert(block_device<offset<test::archetype::block_device>>);
//     static_assert(!can_zero<readonly<test::archetype::device<capability::write | capability::zero>>>);
//
// They hold no bytes: every operation succeeds at once and does nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal::test::archetype {

/// A device that has exactly the capabilities of `Set`.
template <capability Set>
struct device {
  device_info info() const noexcept { return {.size = 1_MiB, .read_only = !has(Set, capability::write)}; }
  task<> read(std::uint64_t, bytes_span) { return done(); }
  task<> write(std::uint64_t, bytes_view, io_flags)
    requires(has(Set, capability::write))
  {
    return done();
  }
  task<> flush()
    requires(has(Set, capability::write))
  {
    return done();
  }
  task<> trim(std::uint64_t, std::uint64_t, io_flags)
    requires(has(Set, capability::trim))
  {
    return done();
  }
  task<> zero(std::uint64_t, std::uint64_t, io_flags)
    requires(has(Set, capability::zero))
  {
    return done();
  }
  task<std::vector<extent>> extents(std::uint64_t, std::uint64_t length)
    requires(has(Set, capability::extents))
  {
    return done(std::vector<extent>{{.length = length}});
  }
  task<> cache(std::uint64_t, std::uint64_t)
    requires(has(Set, capability::cache))
  {
    return done();
  }
  lease try_lend(std::uint64_t, std::size_t) noexcept
    requires(has(Set, capability::lend))
  {
    return {};
  }
  bool try_read(std::uint64_t, bytes_span) noexcept
    requires(has(Set, capability::try_read))
  {
    return false;
  }
  bool try_write(std::uint64_t, bytes_view, io_flags) noexcept
    requires(has(Set, capability::try_write))
  {
    return false;
  }
};

using block_source = device<capability::none>;
using block_device = device<capability::write>;

static_assert(capabilities_of<block_source> == capability::none);
static_assert(capabilities_of<block_device> == capability::write);
static_assert(capabilities_of<device<all_capabilities>> == all_capabilities);

}  // namespace shoal::test::archetype
