// SPDX-License-Identifier: BSL-1.0
//
// How a recorder hands records to a collector, so that each arrives once though connections break: both ends as
// state machines. What moves the bytes: net/recording_sender.hpp and net/recording_collector.hpp.
//
//     hello  (sender)     ["shoal-collect", 1, session, name]     ; session: 8 bytes by chance, name: for the
//     file have   (collector)  uint                                    ; records of this session that are kept
//     then   (sender)     a recording (monitor/recording_format.hpp) of the records behind these
//     have   (collector)  uint, whenever more have been kept
//
// Every connection begins so. The sender holds one batch until the collector has kept it, and takes no more
// from its ring meanwhile: what the ring cannot hold then, it counts. Leaves out who may send: TLS, and the
// network.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/cbor/sequence.hpp>
#include <shoal/cbor/writer.hpp>
#include <shoal/hal/access_record.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/monitor/recording_writer.hpp>

namespace shoal::monitor {

inline constexpr std::string_view collect_magic = "shoal-collect";
inline constexpr std::uint64_t collect_version = 1;
inline constexpr std::size_t max_collect_name = 64;
/// Records that a sender holds at most until they are kept.
inline constexpr std::size_t max_collect_batch = 4096;

/// What a sender says of itself. The name has letters, digits, '-', '_' and '.', and does not start with '.'.
struct collect_hello {
  std::uint64_t session = 0;
  std::string name;

  [[nodiscard]] static bool is_name(std::string_view text) noexcept {
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.';
    };
    return !text.empty() && text.size() <= max_collect_name && text[0] != '.' &&
           std::ranges::all_of(text, fits);
  }
};

namespace detail {

struct collect_output {
  std::vector<std::byte> bytes;
  void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

}  // namespace detail

/// The recorder's end. Outlives its connections.
class collect_sender {
 public:
  /// @param sources  names of the devices, as recording_writer::begin() takes them, and `version`
  collect_sender(collect_hello hello, std::vector<std::string> sources,
                 std::uint64_t version = device_recording)
      : hello_(std::move(hello)), sources_(std::move(sources)), version_(version) {}

  /// A connection was made. What is to be sent first.
  [[nodiscard]] std::vector<std::byte> connect() {
    heard_.clear();
    welcome_ = false;
    greeted_ = false;
    detail::collect_output out;
    cbor::writer writer{out};
    writer.array(4);
    writer.text(collect_magic);
    writer.unsigned_integer(collect_version);
    writer.unsigned_integer(hello_.session);
    writer.text(hello_.name);
    return std::move(out.bytes);
  }

  /// Takes what the collector said. malformed when it is none.
  result<> receive(bytes_view bytes) {
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    bytes_view rest{heard_};
    while (!rest.empty()) {
      const status_or<cbor::head> have = cbor::take_head(rest);
      if (have.code == status::truncated) break;
      if (!have || have->type != cbor::major::unsigned_integer) return errc::malformed;
      if (!keep(have->argument)) return errc::malformed;
    }
    heard_.erase(heard_.begin(), heard_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    return {};
  }

  /// The collector has said how much it has: batches can be sent.
  [[nodiscard]] bool is_welcome() const noexcept { return welcome_; }
  /// Nothing is held: the next batch can be taken.
  [[nodiscard]] bool is_empty() const noexcept { return batch_.empty(); }

  /// Holds these until they are kept. @pre is_empty(), and at most max_collect_batch
  void hold(std::span<const hal::access_record> records) { batch_.assign(records.begin(), records.end()); }

  /// All that is held, as it is to be sent; once for each batch and connection. @pre is_welcome()
  [[nodiscard]] result<std::vector<std::byte>> encode(clock_point now) {
    if (!greeted_) {
      const std::vector<std::string_view> names(sources_.begin(), sources_.end());
      const status begun = writer_.begin(names, now, version_);
      if (begun != status::ok) return make_error_code(begun);
      greeted_ = true;
    }
    for (const hal::access_record& each : batch_) writer_.put(each);
    writer_.mark(now);
    return std::exchange(out_.bytes, {});
  }

  /// How many records the collector has kept, as far as is known.
  [[nodiscard]] std::uint64_t kept() const noexcept { return first_; }
  /// How many are held.
  [[nodiscard]] std::size_t held() const noexcept { return batch_.size(); }

 private:
  /// The collector has so many records of this session.
  bool keep(std::uint64_t have) {
    if (have < first_ && !welcome_) {
      // another collector, or one that lost its files: it is told of the gap
      if (!gap_) {
        hal::access_record gap;
        gap.what = hal::access::lost;
        if (!batch_.empty()) gap.cycles = batch_.front().cycles;
        batch_.insert(batch_.begin(), gap);
        gap_ = true;
      }
      batch_.front().value += first_ - have;
      first_ = have;
    }
    welcome_ = true;
    if (have < first_ || have - first_ > batch_.size()) return false;
    if (have != first_) gap_ = false;
    batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(have - first_));
    first_ = have;
    return true;
  }

  collect_hello hello_;
  std::vector<std::string> sources_;
  std::uint64_t version_;
  std::vector<hal::access_record> batch_;
  std::uint64_t first_ = 0;  // the number of the first record in batch_
  bool gap_ = false;         // the first one in batch_ tells of one
  bool welcome_ = false;
  bool greeted_ = false;  // this connection has had the header of its recording
  std::vector<std::byte> heard_;
  detail::collect_output out_;
  recording_writer<detail::collect_output> writer_{out_};
};

/// Where a collector keeps records: `open(hello)`: how many of the session there are, and makes a place for
/// more. `append(bytes, records)`: keeps whole items of a recording, which have so many records.
template <class K>
concept record_keeper =
    requires(K& keeper, const collect_hello& hello, bytes_view bytes, std::uint64_t records) {
      { keeper.open(hello) } -> std::same_as<result<std::uint64_t>>;
      { keeper.append(bytes, records) } -> std::same_as<result<>>;
    };

/// The collector's end of one connection. What it keeps is checked first.
class collect_receiver {
 public:
  /// Takes what the sender said; what it is to be told is take_output(). malformed, unsupported and
  /// limit_exceeded for what no sender says, and errors of the keeper. After one it is of no more use.
  template <record_keeper Keeper>
  result<> receive(bytes_view bytes, Keeper& keeper) {
    heard_.insert(heard_.end(), bytes.begin(), bytes.end());
    bytes_view rest{heard_};
    if (!opened_) {
      const status_or<collect_hello> hello = take_hello(rest);
      if (hello.code == status::truncated && heard_.size() < max_hello) return {};
      if (!hello) return make_error_code(hello.code == status::truncated ? status::malformed : hello.code);
      const result<std::uint64_t> have = keeper.open(*hello);
      if (!have) return have.error();
      opened_ = true;
      kept_ = *have;
      say_kept();
    }
    const bytes_view items = rest;
    std::uint64_t records = 0;
    status read = status::ok;
    while (!rest.empty()) {
      const status_or<recording_item> item = reader_.next(rest);
      read = item.code;
      if (read != status::ok) break;
      if (item->kind == recording_kind::access) ++records;
    }
    if (read == status::truncated) read = rest.size() > max_recording_item ? status::malformed : status::ok;
    const bytes_view whole = items.first(items.size() - rest.size());
    if (!whole.empty()) {
      const result<> appended = keeper.append(whole, records);
      if (!appended) return appended;
      kept_ += records;
      if (records != 0) say_kept();
    }
    heard_.erase(heard_.begin(), heard_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    return make_error_code(read);
  }

  [[nodiscard]] std::vector<std::byte> take_output() { return std::exchange(out_.bytes, {}); }
  /// How many records of the session there are.
  [[nodiscard]] std::uint64_t kept() const noexcept { return kept_; }

 private:
  static constexpr std::size_t max_hello = 128;

  static status_or<collect_hello> take_hello(bytes_view& rest) {
    // a browser, say, need not be waited for
    constexpr std::byte array_of_four{0x84};
    if (!rest.empty() && rest.front() != array_of_four) return status::malformed;
    bytes_view behind = rest;
    const status_or<bytes_view> whole = cbor::take_item(behind);
    if (!whole) return whole.code;
    cbor::reader reader{*whole};
    const auto array = reader.expect(cbor::kind::array);
    if (!array || array->argument() != 4) return status::malformed;
    const auto magic = reader.expect(cbor::kind::text);
    if (!magic || as_text(magic->bytes) != collect_magic) return status::malformed;
    const auto version = reader.expect(cbor::kind::unsigned_integer);
    if (!version) return version.code;
    if (version->argument() != collect_version) return status::unsupported;
    const auto session = reader.expect(cbor::kind::unsigned_integer);
    if (!session) return session.code;
    const auto name = reader.expect(cbor::kind::text);
    if (!name) return name.code;
    if (!collect_hello::is_name(as_text(name->bytes))) return status::malformed;
    rest = behind;
    return collect_hello{session->argument(), std::string{as_text(name->bytes)}};
  }

  void say_kept() { cbor::writer{out_}.unsigned_integer(kept_); }

  bool opened_ = false;
  std::uint64_t kept_ = 0;
  std::vector<std::byte> heard_;
  recording_reader reader_;
  detail::collect_output out_;
};

}  // namespace shoal::monitor
