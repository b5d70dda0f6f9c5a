// SPDX-License-Identifier: BSL-1.0
//
// What recording costs: an access, a driver's work, and a real log of a guest on its way to a file.
//
//     $ recorder_bench                       # stores, and a driver of a LED, on registers in memory
//     $ recorder_bench trace.log             # and QEMU's memory_region trace: bytes, records a second, losses
//
// trace.log is made by `qemu-system-x86_64 ... -trace 'memory_region_ops_*' -msg timestamp=on -D trace.log`.
// Each round measures every variant, in another order each time, beside the bare bus; printed are medians over
// the rounds, and of the differences to the bare bus of the same round. Registers are memory here, the cheapest
// device there is: on real ones the same nanoseconds come on top of a hundred or more.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/access_filter.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/hal/access_ring.hpp>
#include <shoal/hal/access_sink.hpp>
#include <shoal/hal/address_set.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mapped_bus.hpp>
#include <shoal/hal/pl061_chip.hpp>
#include <shoal/hal/recording.hpp>
#include <shoal/monitor/drain.hpp>
#include <shoal/monitor/qemu_trace.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>
#include <shoal/monitor/timeline.hpp>

namespace {

using namespace shoal::hal;
using namespace shoal::monitor;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t base = 0x0903'0000;
using registers = mapped_bus<fixed_range<base, 0x1000>>;
using chosen_set = address_set<0x1000>;
using ring_type = access_ring<>;

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// Nanoseconds for each of `count`.
template <class Work>
double time_of(std::size_t count, Work work) {
  const auto start = steady::now();
  work();
  return std::chrono::duration<double, std::nano>(steady::now() - start).count() / static_cast<double>(count);
}

struct variant {
  const char* name;
  std::function<double()> measure;  // nanoseconds for one access
};

/// The first is the bare one. A round begins with another one each time.
void compare(const char* title, const std::vector<variant>& variants, std::size_t rounds) {
  std::vector<std::vector<double>> times(variants.size());
  std::vector<std::vector<double>> added(variants.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<double> now(variants.size());
    for (std::size_t i = 0; i < variants.size(); ++i) {
      const std::size_t at = (i + round) % variants.size();
      now[at] = variants[at].measure();
    }
    for (std::size_t i = 0; i < variants.size(); ++i) {
      times[i].push_back(now[i]);
      added[i].push_back(now[i] - now[0]);
    }
  }
  std::printf("%-34s %9s %9s\n", title, "ns", "added");
  for (std::size_t i = 0; i < variants.size(); ++i) {
    std::printf("  %-32s %9.3f %9.3f\n", variants[i].name, median(times[i]), median(added[i]));
  }
  std::fflush(stdout);
}

/// Stores all over 64 registers, as the reference measurement does.
template <class Bus>
[[gnu::noinline]] void store_all_over(Bus& bus, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    bus.template store<std::uint32_t>(bus_address{base + i % 64 * 4}, static_cast<std::uint32_t>(i));
  }
}

template <class Bus>
double measure_stores(Bus& bus, std::size_t count) {
  return time_of(count, [&] { store_all_over(bus, count); });
}

void empty(ring_type& ring) {
  std::array<access_record, 256> batch;
  while (ring.take(batch) != 0) {
  }
}

/// Empties a ring, a hundred microseconds after it last did, until it goes.
class taker {
 public:
  explicit taker(ring_type& ring)
      : thread_([this, &ring] {
          while (!stop_.load(std::memory_order_relaxed)) {
            empty(ring);
            ++turns_;
            std::this_thread::sleep_for(std::chrono::microseconds(100));
          }
        }) {}
  taker(const taker&) = delete;
  taker& operator=(const taker&) = delete;
  ~taker() {
    stop_ = true;
    thread_.join();
  }
  /// Waits until all that was put before has been taken.
  void wait() {
    const std::size_t turns = turns_;
    while (turns_ < turns + 2) std::this_thread::yield();
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> turns_{0};
  std::thread thread_;
};

/// Registers, and what recorders of them look at, at other offsets in a page than the stores of the
/// measurements: the processor compares twelve bits of an address to find out whether a load waits for a store.
struct alignas(4096) workbench {
  explicit workbench(ring_type& where) : ring(where) {
    all.insert_all();
    for (const std::uint64_t offset : {0x3f8u, 0x3fcu, 0x41cu}) others.insert(offset);
    for (const std::uint64_t offset : {0x20u, 0x400u, 0x410u}) led.insert(offset);
  }

  std::array<std::byte, 4096> page{};
  std::array<std::byte, 0x500> gap{};
  ring_type& ring;
  registers bus{{}, page.data()};
  chosen_set all{bus_address{base}};
  chosen_set others{bus_address{base}};
  recording<registers, chosen_set&, null_sink> nothing{bus, all, null_sink{}};
  recording<registers, chosen_set&, ring_type&> set_miss{bus, others, ring};
  recording<registers, address_range, ring_type&> range_miss{bus, address_range{base + 0x400, 12}, ring};
  recording<registers, all_of<access_kinds, address_range>, ring_type&> kind_miss{
      bus, all_of{reads, address_range{base, 0x1000}}, ring};
  recording<registers, bar_window<>, ring_type&> bar_miss{bus, bar_window{bus_address{0xfebc'0000}, 0x1000},
                                                          ring};
  recording<registers, chosen_set&, ring_type&> recorded{bus, all, ring};
  grouping<ring_type&> group{ring};
  recording<registers, chosen_set&, grouping<ring_type&>&> grouped{bus, all, group};
  chosen_set led{bus_address{base}};
  recording<registers, chosen_set&, ring_type&> led_hits{bus, led, ring};
};

void measure_accesses(workbench& at) {
  constexpr std::size_t many = 400'000;
  constexpr std::size_t fitting = 16'000;
  constexpr std::size_t rounds = 201;
  ring_type& ring = at.ring;
  registers& bus = at.bus;

  compare("a store",
          {{"bare", [&] { return measure_stores(bus, many); }},
           {"empty sink", [&] { return measure_stores(at.nothing, many); }},
           {"miss: set of three", [&] { return measure_stores(at.set_miss, many); }},
           {"miss: range", [&] { return measure_stores(at.range_miss, many); }},
           {"miss: reads in a range", [&] { return measure_stores(at.kind_miss, many); }},
           {"miss: BAR elsewhere", [&] { return measure_stores(at.bar_miss, many); }}},
          rounds);

  const auto emptied = [&](auto& watched) {
    empty(ring);
    return measure_stores(watched, fitting);
  };
  compare("a store that is recorded",
          {{"bare", [&] { return measure_stores(bus, fitting); }},
           {"recorded, ring emptied afterwards", [&] { return emptied(at.recorded); }},
           {"recorded, grouping sink", [&] { return emptied(at.grouped); }}},
          rounds);
  const std::size_t lost = ring.lost();
  std::printf("  lost: %zu\n", lost);

  taker meanwhile{ring};
  const auto taken = [&] {
    meanwhile.wait();
    return measure_stores(at.recorded, fitting);
  };
  compare("and taken by another thread",
          {{"bare", [&] { return measure_stores(bus, fitting); }}, {"recorded", taken}}, rounds);
  std::printf("  lost: %zu\n", ring.lost() - lost);
}

/// The papers' work: open the GPIO, drive a LED, close it.
template <class Bus>
[[gnu::noinline]] void drive_led(Bus& bus, std::size_t times) noexcept {
  for (std::size_t i = 0; i < times; ++i) {
    pl061_chip chip{bus, fixed_address<base>{}};
    static_cast<void>(chip.request(3, {.direction = gpio_direction::output}));
    for (int blink = 0; blink < 5; ++blink) {
      static_cast<void>(chip.write(3, true));
      static_cast<void>(chip.write(3, false));
    }
    static_cast<void>(chip.release(3));
  }
}

struct counting_sink {
  std::size_t* count;
  void put(const access_record&) const noexcept { ++*count; }
};

void measure_driver(workbench& at) {
  constexpr std::size_t rounds = 401;
  std::size_t accesses = 0;
  recording counted{at.bus, every_access{}, counting_sink{&accesses}};
  drive_led(counted, 1);
  std::printf("open, light and darken a LED five times, close: %zu accesses\n", accesses);
  const std::size_t times = 16'000 / accesses;
  const auto measure = [&](auto& watched) {
    empty(at.ring);
    return time_of(times * accesses, [&] { drive_led(watched, times); });
  };
  compare("an access of the driver",
          {{"bare", [&] { return measure(at.bus); }},
           {"recorder off", [&] { return measure(at.nothing); }},
           {"three addresses, none of the LED", [&] { return measure(at.set_miss); }},
           {"three addresses, of the LED", [&] { return measure(at.led_hits); }},
           {"all 1,024 addresses", [&] { return measure(at.recorded); }}},
          rounds);
}

struct byte_output {
  std::vector<std::byte> bytes;
  void append(shoal::bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};
using file_writer = recording_writer<byte_output>;

struct guest_log {
  std::vector<access_record> records;  // cycles in nanoseconds since the first
  std::vector<std::string> names;
  std::size_t text_bytes = 0;
};

guest_log read_log(const char* path) {
  guest_log log;
  std::map<std::string, std::uint16_t, std::less<>> sources;
  std::ifstream file(path);
  std::string line;
  std::uint64_t first = 0;
  while (std::getline(file, line)) {
    const auto access = parse_qemu_trace(line);
    if (!access) continue;
    const auto [at, fresh] =
        sources.try_emplace(std::string{access->region}, static_cast<std::uint16_t>(sources.size()));
    if (fresh) log.names.push_back(at->first);
    if (log.records.empty()) first = access->time;
    access_record record = access->record;
    record.cycles = access->time - first;
    record.source = at->second;
    log.records.push_back(record);
    log.text_bytes += line.size() + 1;
  }
  if (log.records.empty()) throw std::runtime_error(std::string{path} + ": no memory_region trace in it");
  return log;
}

std::vector<std::string_view> names_of(const guest_log& log) {
  return {log.names.begin(), log.names.end()};
}

void begin(file_writer& writer, const guest_log& log) {
  if (writer.begin(names_of(log), {}) != shoal::status::ok) throw std::runtime_error("too many devices");
}

/// How many accesses are in a recording, and how many it says that it lacks.
std::pair<std::uint64_t, std::uint64_t> count(shoal::bytes_view bytes) {
  std::pair<std::uint64_t, std::uint64_t> found{0, 0};
  recording_reader reader;
  while (!bytes.empty()) {
    const auto item = reader.next(bytes);
    if (!item) throw std::runtime_error("the recording is not one");
    if (item->kind != recording_kind::access) continue;
    const bool lost = item->access.what == access::lost;
    (lost ? found.second : found.first) += lost ? item->access.value : 1 + item->access.repeats;
  }
  return found;
}

/// Through ring and codec, on one thread.
double through(const guest_log& log, byte_output& out, bool grouped) {
  const auto room = std::make_unique<ring_type>();
  ring_type& ring = *room;
  out.bytes.clear();
  const auto writer = std::make_unique<file_writer>(out);
  begin(*writer, log);
  drain moving{ring, *writer};
  grouping group{ring};
  const double each = time_of(log.records.size(), [&] {
    std::size_t waiting = 0;
    for (const access_record& record : log.records) {
      grouped ? group.put(record) : ring.put(record);
      if (++waiting % 8192 == 0) moving.run();
    }
    group.flush();
    moving.run();
  });
  moving.finish(clock_point{});
  return each;
}

void measure_size(const guest_log& log, const char* name, bool grouped) {
  byte_output out;
  out.bytes.reserve(64 * log.records.size());
  std::vector<double> times;
  for (int round = 0; round < 51; ++round) times.push_back(through(log, out, grouped));
  const auto [kept, told] = count(out.bytes);
  const double each = static_cast<double>(out.bytes.size()) / static_cast<double>(log.records.size());
  std::vector<double> reading;
  for (int round = 0; round < 51; ++round) {
    reading.push_back(time_of(log.records.size(), [&] { static_cast<void>(count(out.bytes)); }));
  }
  std::printf("  %-32s %8zu %8.2f %9.1f %9.1f %8llu %6llu\n", name, out.bytes.size(), each, 1e3 / median(times),
              1e3 / median(reading), static_cast<unsigned long long>(kept),
              static_cast<unsigned long long>(told));
  if (kept + told != log.records.size()) throw std::runtime_error("accesses are missing");
}

/// The guest's log put at full speed, or as fast as `pace` times the guest, by one thread and taken by another,
/// who rests for a while after each batch.
template <std::size_t Capacity = 16384>
void measure_loss(const guest_log& log, const char* name, double pace, std::chrono::microseconds rest) {
  const auto ring = std::make_unique<access_ring<Capacity>>();
  byte_output out;
  const auto writer = std::make_unique<file_writer>(out);
  begin(*writer, log);
  drain moving{*ring, *writer};
  std::atomic<bool> done{false};
  const auto start = steady::now();
  std::thread guest([&] {
    for (const access_record& record : log.records) {
      if (pace > 0) {
        const auto when = start + std::chrono::nanoseconds(
                                      static_cast<std::int64_t>(static_cast<double>(record.cycles) / pace));
        while (steady::now() < when) {
        }
      }
      ring->put(record);
    }
    done = true;
  });
  while (!done.load()) {
    if (moving.run(256) == 0 || rest.count() != 0) std::this_thread::sleep_for(rest);
  }
  guest.join();
  moving.finish(clock_point{});
  const std::chrono::duration<double> took = steady::now() - start;
  const auto [kept, told] = count(out.bytes);
  std::printf("  %-40s %8.3f %9llu %9llu %9zu %s\n", name, took.count(), static_cast<unsigned long long>(kept),
              static_cast<unsigned long long>(told), ring->lost(),
              kept + told == log.records.size() && told == ring->lost() ? "to the access" : "WRONG");
}

void measure_log(const char* path) {
  guest_log log = read_log(path);
  const double seconds = static_cast<double>(log.records.back().cycles) / 1e9;
  std::printf("%s: %zu accesses of %zu devices in %.1f s, %.1f bytes of text each\n", path, log.records.size(),
              log.names.size(), seconds,
              static_cast<double>(log.text_bytes) / static_cast<double>(log.records.size()));
  std::printf("  %-32s %8s %8s %9s %9s %8s %6s\n", "through ring and codec", "bytes", "each", "M/s", "read M/s",
              "accesses", "lost");
  guest_log in_microseconds = log;
  for (access_record& record : in_microseconds.records) record.cycles /= 1000;
  measure_size(in_microseconds, "time in microseconds, as traced", false);
  measure_size(in_microseconds, "the same, grouped", true);
  measure_size(log, "time in nanoseconds", false);
  // A counter of 2 GHz, whose low digits the trace does not have.
  std::minstd_rand random{1};
  guest_log in_cycles = log;
  for (access_record& record : in_cycles.records) record.cycles = 2 * record.cycles + random() % 2000;
  measure_size(in_cycles, "time in cycles of 2 GHz", false);
  measure_size(in_cycles, "the same, grouped", true);

  std::printf("  %-40s %8s %9s %9s %9s\n", "put by one thread, taken by another", "seconds", "recorded",
              "told lost", "lost");
  measure_loss(log, "as fast as the guest was", 1, {});
  measure_loss(log, "10 times as fast", 10, {});
  measure_loss(log, "100 times as fast", 100, {});
  measure_loss<131072>(log, "at once, into a ring of 131,072", 0, {});
  measure_loss(log, "at once", 0, {});
  measure_loss(log, "at once, taker rests 1 ms each 256", 0, std::chrono::milliseconds(1));
  measure_loss(log, "100 times as fast, taker rests 10 ms", 100, std::chrono::milliseconds(10));
}

}  // namespace

int main(int argc, char** argv) try {
  const auto ring = std::make_unique<ring_type>();
  const auto at = std::make_unique<workbench>(*ring);
  measure_accesses(*at);
  measure_driver(*at);
  if (argc > 1) measure_log(argv[1]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "recorder_bench: %s\n", error.what());
  return 1;
}
