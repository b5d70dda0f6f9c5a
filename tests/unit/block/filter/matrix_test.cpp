// SPDX-License-Identifier: BSL-1.0
//
// Every filter against every capability, as one table that is checked while compiling. A filter that forgets to
// hide what it should hide, or to pass what it should pass, does not compile here.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/block/any_device.hpp>
#include <shoal/block/capability.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/block/filter/logged.hpp>
#include <shoal/block/filter/offset.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/block/filter/watched.hpp>
#include <shoal/test/archetypes.hpp>
#include <shoal/test/run.hpp>

namespace {

using namespace shoal::literals;
using shoal::capability;
using shoal::has;
namespace archetype = shoal::test::archetype;

enum class effect {
  passes,      // there when the device has it, with the same arguments
  transforms,  // there when the device has it, but not as it was asked
  hides,       // never there
  adds,        // always there
};
using enum effect;

constexpr std::array columns{capability::write, capability::trim, capability::zero,     capability::extents,
                             capability::cache, capability::lend, capability::try_read, capability::try_write};
using row = std::array<effect, columns.size()>;

struct observer {
  void operator()(const shoal::io_event&) const {}
};

struct guard {
  bool operator()(shoal::io_operation, std::uint64_t, std::uint64_t, shoal::bytes_view) const noexcept {
    return true;
  }
};

// The filters, as types over a device of the given capabilities.
template <capability C>
using window = shoal::offset<archetype::device<C>>;
template <capability C>
using read_only_view = shoal::readonly<archetype::device<C>>;
template <capability C>
using unobserved = shoal::logged<archetype::device<C>>;
template <capability C>
using observed = shoal::logged<archetype::device<C>, observer>;
template <capability C>
using guarded = shoal::watched<archetype::device<C>, guard>;
// An overlay stands on two devices. Each line of the table looks at one, over another that can do nothing.
template <capability C>
using overlay_on_base = shoal::cow<archetype::device<C>, archetype::block_device>;
template <capability C>
using overlay_with_top = shoal::cow<archetype::block_source, archetype::device<C | capability::write>>;
template <capability C>
using erased_twice = shoal::any_device;

//                                       write       trim        zero        extents     cache       lend
//                                       try_read    try_write
// clang-format off
constexpr row offset_row              = {transforms, transforms, transforms, transforms, transforms, transforms, transforms, transforms};
constexpr row readonly_row            = {hides,      hides,      hides,      passes,     passes,     passes,     passes,     hides};
constexpr row logged_unobserved_row   = {passes,     passes,     passes,     passes,     passes,     passes,     passes,     passes};
constexpr row logged_observed_row     = {passes,     passes,     passes,     passes,     passes,     hides,      passes,     passes};
constexpr row watched_row             = {passes,     passes,     passes,     passes,     passes,     passes,     passes,     passes};
constexpr row cow_base_row            = {adds,       hides,      hides,      adds,       passes,     transforms, transforms, hides};
constexpr row cow_top_row             = {adds,       transforms, transforms, adds,       hides,      transforms, transforms, transforms};
constexpr row any_device_row          = {adds,       adds,       adds,       adds,       adds,       adds,       adds,       adds};
// clang-format on

// A device with all capabilities, with all but one, and with that one alone tell whether the filter's own
// depends on the device's.
template <template <capability> class Filter, capability One>
constexpr bool obeys(effect expected) {
  constexpr bool with_all = has(shoal::capabilities_of<Filter<shoal::all_capabilities>>, One);
  constexpr bool with_others = has(shoal::capabilities_of<Filter<without(shoal::all_capabilities, One)>>, One);
  constexpr bool with_one = has(shoal::capabilities_of<Filter<One>>, One);
  constexpr bool with_none = has(shoal::capabilities_of<Filter<capability::none>>, One);
  switch (expected) {
    case passes:
    case transforms: return with_all && with_one && !with_others && !with_none;
    case hides: return !with_all && !with_one && !with_others && !with_none;
    case adds: return with_all && with_one && with_others && with_none;
  }
  return false;
}

template <template <capability> class Filter, row Expected>
constexpr bool holds() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (obeys<Filter, columns[I]>(Expected[I]) && ...);
  }(std::make_index_sequence<columns.size()>{});
}

static_assert(holds<window, offset_row>());
static_assert(holds<read_only_view, readonly_row>());
static_assert(holds<unobserved, logged_unobserved_row>());
static_assert(holds<observed, logged_observed_row>());
static_assert(holds<guarded, watched_row>());
static_assert(holds<overlay_on_base, cow_base_row>());
static_assert(holds<overlay_with_top, cow_top_row>());
static_assert(holds<erased_twice, any_device_row>());

// The table itself has teeth: what is wrong in one place is wrong.
static_assert(!holds<read_only_view, logged_unobserved_row>());
static_assert(!holds<unobserved, readonly_row>());

// What a filter says at run time is what its type says, for every set of capabilities.
template <template <capability> class Filter, class Make>
void tells_the_truth(Make make) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto check = [&]<capability C>(std::integral_constant<capability, C>) {
      const Filter<C> filter = make(archetype::device<C>{});
      CHECK(filter.capabilities() == shoal::capabilities_of<Filter<C>>);
    };
    (check(std::integral_constant<capability, columns[I]>{}), ...);
    (check(std::integral_constant<capability, without(shoal::all_capabilities, columns[I])>{}), ...);
  }(std::make_index_sequence<columns.size()>{});
}

TEST_CASE("a filter tells at run time what its type has") {
  tells_the_truth<window>([](auto device) { return shoal::offset{device, 0, 4096}; });
  tells_the_truth<read_only_view>([](auto device) { return shoal::readonly{device}; });
  tells_the_truth<unobserved>([](auto device) { return shoal::logged{device}; });
  tells_the_truth<observed>([](auto device) { return shoal::logged{device, observer{}}; });
  tells_the_truth<guarded>([](auto device) { return shoal::watched{device, guard{}, {}}; });
  tells_the_truth<overlay_on_base>([](auto device) { return shoal::cow{device, archetype::block_device{}}; });
}

// Has everything, and keeps a list of what it was asked.
struct recorder {
  struct call {
    capability what;
    std::uint64_t offset;
    std::uint64_t length;
    friend bool operator==(const call&, const call&) = default;
  };
  std::shared_ptr<std::vector<call>> calls = std::make_shared<std::vector<call>>();

  shoal::task<> record(capability what, std::uint64_t offset, std::uint64_t length) {
    calls->push_back({what, offset, length});
    return shoal::done();
  }
  shoal::device_info info() const noexcept { return {.size = 1_MiB}; }
  shoal::task<> read(std::uint64_t, shoal::bytes_span) { return shoal::done(); }
  shoal::task<> write(std::uint64_t offset, shoal::bytes_view in, shoal::io_flags) {
    return record(capability::write, offset, in.size());
  }
  shoal::task<> flush() { return shoal::done(); }
  shoal::task<> trim(std::uint64_t offset, std::uint64_t length, shoal::io_flags) {
    return record(capability::trim, offset, length);
  }
  shoal::task<> zero(std::uint64_t offset, std::uint64_t length, shoal::io_flags) {
    return record(capability::zero, offset, length);
  }
  shoal::task<std::vector<shoal::extent>> extents(std::uint64_t offset, std::uint64_t length) {
    calls->push_back({capability::extents, offset, length});
    return shoal::done(std::vector<shoal::extent>{{.length = length}});
  }
  shoal::task<> cache(std::uint64_t offset, std::uint64_t length) {
    return record(capability::cache, offset, length);
  }
  shoal::lease try_lend(std::uint64_t offset, std::size_t n) noexcept {
    calls->push_back({capability::lend, offset, n});
    return {};
  }
  bool try_read(std::uint64_t offset, shoal::bytes_span out) noexcept {
    calls->push_back({capability::try_read, offset, out.size()});
    return true;
  }
  bool try_write(std::uint64_t offset, shoal::bytes_view in, shoal::io_flags) noexcept {
    calls->push_back({capability::try_write, offset, in.size()});
    return true;
  }
};
static_assert(shoal::capabilities_of<recorder> == shoal::all_capabilities);

void ask(shoal::any_device& device, capability what, std::uint64_t offset, std::size_t length) {
  std::vector<std::byte> buffer(length);
  const auto none = shoal::io_flags::none;
  using shoal::test::run;
  switch (what) {
    case capability::write: static_cast<void>(run(device.write(offset, buffer, none))); break;
    case capability::trim: static_cast<void>(run(device.trim(offset, length, none))); break;
    case capability::zero: static_cast<void>(run(device.zero(offset, length, none))); break;
    case capability::extents: static_cast<void>(run(device.extents(offset, length))); break;
    case capability::cache: static_cast<void>(run(device.cache(offset, length))); break;
    case capability::lend: static_cast<void>(device.try_lend(offset, length)); break;
    case capability::try_read: static_cast<void>(device.try_read(offset, buffer)); break;
    case capability::try_write: static_cast<void>(device.try_write(offset, buffer, none)); break;
    case capability::none: break;
  }
}

// What passes arrives as it was asked, and what is hidden does not arrive.
void arrives(const row& expected, const recorder& below, shoal::any_device filter) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    CAPTURE(i);
    below.calls->clear();
    ask(filter, columns[i], 4096, 8192);
    if (expected[i] == passes) CHECK(*below.calls == std::vector<recorder::call>{{columns[i], 4096, 8192}});
    if (expected[i] == hides) CHECK(below.calls->empty());
  }
}

TEST_CASE("what a filter passes arrives unchanged, and what it hides does not arrive") {
  const recorder below;
  arrives(readonly_row, below, shoal::any_device{shoal::readonly{below}});
  arrives(logged_unobserved_row, below, shoal::any_device{shoal::logged{below}});
  arrives(logged_observed_row, below, shoal::any_device{shoal::logged{below, observer{}}});
  arrives(watched_row, below, shoal::any_device{shoal::watched{below, guard{}, {}}});
  // beside what is watched, nothing changes
  const shoal::watched_ranges elsewhere{shoal::range_set{{{0, 4096}}}, shoal::range_set{{{12288, 16384}}}};
  arrives(watched_row, below, shoal::any_device{shoal::watched{below, guard{}, elsewhere}});
  arrives(cow_base_row, below, shoal::any_device{shoal::cow{below, archetype::block_device{}}});
}

TEST_CASE("a window asks the device for the same bytes at their place there") {
  const recorder below;
  shoal::any_device window{shoal::offset{below, 65536, 65536}};
  for (const capability what : columns) {
    below.calls->clear();
    ask(window, what, 4096, 8192);
    CHECK(*below.calls == std::vector<recorder::call>{{what, 65536 + 4096, 8192}});
  }
}

TEST_CASE("a filter over an erased device tells what the erased device has") {
  const shoal::any_device plain{archetype::block_source{}};
  const shoal::any_device lender{archetype::device<capability::lend>{}};
  const shoal::any_device full{archetype::device<shoal::all_capabilities>{}};
  CHECK(shoal::offset{plain, 0, 4096}.capabilities() == capability::none);
  CHECK(shoal::readonly{full}.capabilities() ==
        (capability::extents | capability::cache | capability::lend | capability::try_read));
  CHECK(shoal::logged{full, observer{}}.capabilities() == without(shoal::all_capabilities, capability::lend));
  CHECK(shoal::cow{lender, shoal::any_device{archetype::block_device{}}}.capabilities() ==
        (capability::write | capability::extents | capability::lend));
}

}  // namespace
