// SPDX-License-Identifier: BSL-1.0
#include <shoal/virtio/disk_device.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/task/run.hpp>
#include <shoal/test/pattern_device.hpp>
#include <shoal/test/yielding.hpp>
#include <shoal/virtio/queue_runner.hpp>

#include "driver_model.hpp"

namespace {

using namespace shoal;
using namespace shoal::virtio;
using driver_model::ram;
using disk = disk_device<any_device>;
static_assert(virtio::device<disk>);

constexpr std::uint64_t everything = ~std::uint64_t{0};

struct outcome {
  disk_status status;
  std::vector<std::byte> data;
};

struct fixture {
  asio::io_context context;
  std::shared_ptr<disk> device;
  std::shared_ptr<ram> memory = std::make_shared<ram>();
  driver_model::queue driver{*memory, 16};
  std::shared_ptr<queue_runner<disk, ram>> runner;
  unsigned tasks = 0;
  bool idle = false;

  explicit fixture(any_device d, std::uint64_t accepted = everything, disk_options options = {})
      : device(std::make_shared<disk>(std::move(d), std::move(options))) {
    device->start(accepted & device->features());
    const queue_hooks hooks{.interrupt = [](std::uint16_t) {},
                            .again = [](std::uint16_t) {},
                            .broken = [](std::uint16_t) {},
                            .idle = [this](std::uint16_t) { idle = true; },
                            .start =
                                [this](task<> work) {
                                  ++tasks;
                                  asio::co_spawn(context, ignore_result(std::move(work)), asio::detached);
                                }};
    runner = std::make_shared<queue_runner<disk, ram>>(device, std::uint16_t{0}, hooks);
    REQUIRE(runner->enable(memory, driver.layout(), {}) == status::ok);
  }

  static std::array<std::byte, 16> header(disk_command what, std::uint64_t sector) {
    std::array<std::byte, 16> bytes{};
    store_le(bytes.data(), static_cast<std::uint32_t>(what));
    store_le(bytes.data() + 8, sector);
    return bytes;
  }
  /// Sends a request whose buffers are cut as told, and waits for its answer.
  outcome send(disk_command what, std::uint64_t sector, std::vector<bytes_view> out,
               std::vector<std::size_t> in) {
    const auto head = header(what, sector);
    out.insert(out.begin(), bytes_view{head});
    in.push_back(1);
    const auto at = driver.request(0, out, in);
    *memory->at(at.back()) = std::byte{0xee};
    const std::uint16_t before = driver.used();
    runner->run();
    context.restart();
    context.run();
    REQUIRE(driver.used() == static_cast<std::uint16_t>(before + 1));
    outcome o{static_cast<disk_status>(*memory->at(at.back())), {}};
    std::size_t total = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      total += in[i];
      if (i + 1 < in.size()) o.data.insert(o.data.end(), memory->at(at[i]), memory->at(at[i]) + in[i]);
    }
    CHECK(driver.used_at(before) == driver_model::used_entry{0, static_cast<std::uint32_t>(total)});
    return o;
  }
  std::vector<std::byte> stored(std::uint64_t offset, std::size_t n) {
    const outcome o = send(disk_command::read, offset / 512, {}, {n});
    REQUIRE(o.status == disk_status::ok);
    return o.data;
  }
};

std::vector<std::byte> pattern(std::uint64_t offset, std::size_t n) {
  std::vector<std::byte> bytes(n);
  test::pattern_device::fill(offset, bytes);
  return bytes;
}

any_device memory_disk() {
  return any_device{memory_device{1_MiB}};
}
/// Answers nothing at once, and says that it takes blocks of this size only.
struct coarse {
  test::yielding<memory_device> next{memory_device{1_MiB}, 1};
  std::uint32_t unit = 1;

  [[nodiscard]] device_info info() const noexcept {
    device_info told = next.info();
    told.min_io = unit;
    told.fua = false;
    return told;
  }
  task<> read(std::uint64_t offset, bytes_span out) {
    if (offset % unit != 0 || out.size() % unit != 0) return failed(errc::invalid_argument);
    return next.read(offset, out);
  }
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    if (offset % unit != 0 || in.size() % unit != 0) return failed(errc::invalid_argument);
    return next.write(offset, in, flags);
  }
  task<> flush() { return next.flush(); }
};
any_device slow_disk(std::uint32_t unit = 1) {
  return any_device{coarse{.unit = unit}};
}

TEST_CASE("what a guest writes it reads again, however it cuts its buffers") {
  fixture f{memory_disk()};
  const auto bytes = pattern(0, 4096);
  const bytes_view all{bytes};
  CHECK(f.send(disk_command::write, 7, {all.first(1), all.subspan(1, 1000), all.subspan(1001)}, {}).status ==
        disk_status::ok);
  CHECK(f.send(disk_command::read, 7, {}, {500, 3000, 596}).data == bytes);
  CHECK(f.stored(7 * 512 + 512, 512) == pattern(512, 512));
  CHECK(f.tasks == 0);
}

TEST_CASE("a device that takes its time answers in tasks") {
  for (const std::uint32_t unit : {1u, 4096u}) {
    CAPTURE(unit);
    fixture f{slow_disk(unit)};
    const auto bytes = pattern(0, 8192);
    const bytes_view all{bytes};
    CHECK(f.send(disk_command::write, 8, {all.first(100), all.subspan(100)}, {}).status == disk_status::ok);
    CHECK(f.send(disk_command::read, 8, {}, {4000, 4192}).data == bytes);
    CHECK(f.send(disk_command::read, 8, {}, {8192}).data == bytes);
    CHECK(f.send(disk_command::flush, 0, {}, {}).status == disk_status::ok);
    CHECK(f.tasks == 4);
  }
}

TEST_CASE("blocks of the device are blocks of the disk") {
  fixture f{slow_disk(4096)};
  CHECK(load_le<std::uint32_t>(f.device->config().data() + 20) == 4096);
  CHECK(f.send(disk_command::read, 1, {}, {4096}).status == disk_status::io_error);
  CHECK(f.send(disk_command::read, 8, {}, {512}).status == disk_status::io_error);
}

TEST_CASE("a disk says what it is") {
  fixture f{memory_disk(), everything, {.id = "a serial number that is too long", .queues = 4}};
  const std::byte* const c = f.device->config().data();
  CHECK(load_le<std::uint64_t>(c) == 2048);
  CHECK(load_le<std::uint32_t>(c + 12) == 126);
  CHECK(load_le<std::uint32_t>(c + 20) == 512);
  CHECK(c[24] == std::byte{3});
  CHECK(load_le<std::uint16_t>(c + 34) == 4);
  CHECK(f.device->queue_count() == 4);
  using namespace disk_feature;
  CHECK(f.device->features() == (segments_max | block_size | topology | multi_queue | flush | discard |
                                 virtio::disk_feature::write_zeroes));
  const outcome id = f.send(disk_command::get_id, 0, {}, {20});
  CHECK(id.status == disk_status::ok);
  CHECK(as_text(id.data) == "a serial number that");
  CHECK(f.send(disk_command::get_id, 0, {}, {19}).status == disk_status::io_error);
}

TEST_CASE("nothing is read or written outside the disk") {
  fixture f{memory_disk()};
  const std::array<std::byte, 512> block{};
  using enum disk_command;
  CHECK(f.send(disk_command::read, 2047, {}, {512}).status == disk_status::ok);
  for (const std::uint64_t sector : {std::uint64_t{2048}, std::uint64_t{1} << 55, ~std::uint64_t{0}}) {
    CHECK(f.send(disk_command::read, sector, {}, {512}).status == disk_status::io_error);
    CHECK(f.send(disk_command::write, sector, {block}, {}).status == disk_status::io_error);
  }
  CHECK(f.send(disk_command::read, 2047, {}, {1024}).status == disk_status::io_error);
  CHECK(f.send(disk_command::read, 0, {}, {511}).status == disk_status::io_error);
  CHECK(f.send(disk_command::write, 0, {bytes_view{block}.first(100)}, {}).status == disk_status::io_error);
  CHECK(f.send(static_cast<disk_command>(99), 0, {}, {512}).status == disk_status::unsupported);
}

TEST_CASE("a read-only disk is only read") {
  fixture f{any_device{test::pattern_device{1_MiB}}};
  CHECK((f.device->features() & disk_feature::read_only) != 0);
  CHECK((f.device->features() & (disk_feature::flush | disk_feature::discard)) == 0);
  const std::array<std::byte, 512> block{};
  CHECK(f.send(disk_command::write, 0, {block}, {}).status == disk_status::io_error);
  CHECK(f.send(disk_command::discard, 0, {block}, {}).status == disk_status::unsupported);
  CHECK(f.send(disk_command::flush, 0, {}, {}).status == disk_status::ok);
  CHECK(f.stored(1024, 512) == pattern(1024, 512));
}

std::array<std::byte, 16> range(std::uint64_t sector, std::uint32_t count, std::uint32_t flags) {
  std::array<std::byte, 16> bytes{};
  store_le(bytes.data(), sector);
  store_le(bytes.data() + 8, count);
  store_le(bytes.data() + 12, flags);
  return bytes;
}

TEST_CASE("ranges are zeroed and discarded") {
  fixture f{memory_disk()};
  const auto bytes = pattern(0, 8192);
  REQUIRE(f.send(disk_command::write, 0, {bytes}, {}).status == disk_status::ok);
  const auto first = range(1, 2, 0);
  const auto second = range(8, 8, disk_range_unmap);
  CHECK(f.send(disk_command::write_zeroes, 0, {first, second}, {}).status == disk_status::ok);
  CHECK(f.stored(0, 512) == pattern(0, 512));
  CHECK(f.stored(512, 1024) == std::vector<std::byte>(1024));
  CHECK(f.stored(1536, 512) == pattern(1536, 512));
  CHECK(f.stored(4096, 4096) == std::vector<std::byte>(4096));
  const auto third = range(0, 1, 0);
  CHECK(f.send(disk_command::discard, 0, {third}, {}).status == disk_status::ok);
  CHECK(f.stored(0, 512) == std::vector<std::byte>(512));
}

TEST_CASE("ranges that are wrong change nothing") {
  fixture f{memory_disk()};
  const auto refused = [&](disk_command what, const std::array<std::byte, 16>& r, disk_status expected) {
    CHECK(f.send(what, 0, {r}, {}).status == expected);
  };
  refused(disk_command::write_zeroes, range(2048, 1, 0), disk_status::io_error);
  refused(disk_command::write_zeroes, range(~std::uint64_t{0}, 2, 0), disk_status::io_error);
  refused(disk_command::discard, range(0, 0xffff'ffff, 0), disk_status::io_error);
  refused(disk_command::write_zeroes, range(0, 1, 2), disk_status::unsupported);
  refused(disk_command::discard, range(0, 1, disk_range_unmap), disk_status::unsupported);
  const std::array<std::byte, 17> odd{};
  CHECK(f.send(disk_command::discard, 0, {odd}, {}).status == disk_status::io_error);
  CHECK(f.send(disk_command::discard, 0, {}, {}).status == disk_status::io_error);
  const std::vector<std::byte> many(17 * 16);
  CHECK(f.send(disk_command::discard, 0, {many}, {}).status == disk_status::io_error);
}

TEST_CASE("what was not agreed upon is not done") {
  fixture f{memory_disk(), 0};
  const auto r = range(0, 1, 0);
  CHECK(f.send(disk_command::discard, 0, {r}, {}).status == disk_status::unsupported);
  CHECK(f.send(disk_command::write_zeroes, 0, {r}, {}).status == disk_status::unsupported);
}

TEST_CASE("without flushes a write is on stable storage when it ends") {
  struct noting {
    memory_device next{1_MiB};
    bool fua;
    std::shared_ptr<std::string> log;
    [[nodiscard]] device_info info() const noexcept { return {.size = 1_MiB, .fua = fua}; }
    task<> read(std::uint64_t offset, bytes_span out) { return next.read(offset, out); }
    task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
      *log += has(flags, io_flags::fua) ? 'F' : 'w';
      return next.write(offset, in, flags);
    }
    task<> flush() {
      *log += 'f';
      return done();
    }
  };
  const std::array<std::byte, 512> block{};
  for (const bool fua : {true, false}) {
    for (const bool flushes : {true, false}) {
      const auto log = std::make_shared<std::string>();
      fixture f{any_device{noting{.fua = fua, .log = log}}, flushes ? everything : 0};
      f.send(disk_command::write, 0, {block}, {});
      CHECK(*log == (flushes ? "w" : fua ? "F" : "wf"));
    }
  }
}

TEST_CASE("requests without header or status do no harm") {
  fixture f{memory_disk()};
  const auto head = fixture::header(disk_command::read, 0);
  const std::array<bytes_view, 1> whole{bytes_view{head}};
  f.driver.request(0, whole, {});  // nowhere to answer
  f.runner->run();
  CHECK(f.driver.used_at(0).written == 0);
  const std::array<bytes_view, 1> part{bytes_view{head}.first(15)};
  const std::array room{std::size_t{513}};
  const auto at = f.driver.request(0, part, room);
  f.runner->run();
  CHECK(f.driver.used() == 2);
  CHECK(*f.memory->at(at[0] + 512) == std::byte{1});
}

TEST_CASE("a queue that stops gives back what is under way, and then says that it is idle") {
  fixture f{slow_disk()};
  const auto head = fixture::header(disk_command::read, 0);
  const std::array<bytes_view, 1> out{bytes_view{head}};
  const std::array in{std::size_t{4096}, std::size_t{1}};
  for (std::uint16_t i = 0; i < 5; ++i) f.driver.request(static_cast<std::uint16_t>(3 * i), out, in);
  f.runner->run();
  CHECK_FALSE(f.runner->is_idle());
  f.runner->stop();
  f.driver.request(0, out, in);
  f.runner->run();
  CHECK_FALSE(f.idle);
  f.context.run();
  CHECK(f.idle);
  CHECK(f.driver.used() == 5);
  CHECK(f.runner->next() == 5);
}

TEST_CASE("a queue that is abandoned gives nothing back, and its memory lives until the last request ends") {
  fixture f{slow_disk()};
  const auto head = fixture::header(disk_command::read, 0);
  const std::array<bytes_view, 1> out{bytes_view{head}};
  const std::array in{std::size_t{4096}, std::size_t{1}};
  f.driver.request(0, out, in);
  f.runner->run();
  f.runner->abandon();
  (void)f.runner->move_to(std::make_shared<ram>(), f.driver.layout());
  const std::weak_ptr<ram> memory = f.memory;
  f.memory.reset();
  CHECK_FALSE(memory.expired());
  f.context.run();
  CHECK(memory.expired());
  CHECK(f.idle);
}

}  // namespace
