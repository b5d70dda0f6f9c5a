// SPDX-License-Identifier: BSL-1.0
//
// recording_file: a recording of device accesses in a file that can be read whatever happens to its writer: up
// to the last whole record. What a recording_writer writes to.
//
//     result<posix::recording_file> file = posix::recording_file::open("nic.shoal",
//     posix::sync_policy::system); monitor::recording_writer writer{*file}; writer.begin(names, clock);
//     writer.put(record); if (const result<> r = file->flush(); !r) return r.error();      // a few times a
//     second
//
// An existing recording is gone on with: a torn record at its end is cut off, and begin() starts a new part.
// One thread. Leaves out rotation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/cbor/head.hpp>
#include <shoal/monitor/recording_format.hpp>
#include <shoal/monitor/recording_reader.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// When what was flushed is on stable storage.
enum class sync_policy : std::uint8_t {
  system,  ///< when the system likes, or after sync(): survives the program, not the machine
  flush,   ///< after each flush()
};

class recording_file {
 public:
  /// Opens or makes a file. errc::unsupported for what is no regular file, or a recording of another version;
  /// errc::busy when another program writes it; errc::malformed when it has something that is no recording,
  /// which is left alone, and so is a recording that is broken before its end.
  [[nodiscard]] static result<recording_file> open(const std::filesystem::path& path, sync_policy policy) {
    unique_fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666)};
    if (!fd) return last_error();
    struct stat opened{};
    if (::fstat(fd.get(), &opened) != 0) return last_error();
    if (!S_ISREG(opened.st_mode)) return errc::unsupported;
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK ? errc::busy : errc::failed;
    const auto size = static_cast<std::uint64_t>(opened.st_size);
    const result<content> whole = whole_items(fd.get(), size);
    if (!whole) return whole.error();
    if (whole->size != size && ::ftruncate(fd.get(), static_cast<off_t>(whole->size)) != 0) return last_error();
    return recording_file{std::move(fd), *whole, size - whole->size, policy};
  }

  /// Adds whole items; they reach the file with flush().
  void append(bytes_view bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

  /// Writes what waits. After an error it still waits: try again when there is room.
  [[nodiscard]] result<> flush() {
    if (waiting_.empty()) return {};
    if (const result<> r = write_at(fd_.get(), size_, waiting_, policy_ == sync_policy::flush); !r) return r;
    size_ += waiting_.size();
    waiting_.clear();
    return {};
  }

  /// flush(), and waits until everything is on stable storage.
  [[nodiscard]] result<> sync() {
    if (const result<> r = flush(); !r) return r;
    return posix::sync(fd_.get());
  }

  /// Bytes in the file.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The records of accesses that open() found in the file.
  [[nodiscard]] std::uint64_t found() const noexcept { return found_; }
  /// Bytes that wait for flush().
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  /// Bytes of a torn end that open() cut off.
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }

 private:
  struct content {
    std::uint64_t size = 0;  // bytes
    std::uint64_t records = 0;
  };

  recording_file(unique_fd fd, content whole, std::uint64_t torn, sync_policy policy) noexcept
      : fd_(std::move(fd)), size_(whole.size), found_(whole.records), torn_(torn), policy_(policy) {}

  // The whole items at the front of the file. What follows them is a piece of one, or zeros that a crash left.
  static result<content> whole_items(int fd, std::uint64_t size) {
    constexpr std::size_t piece = 1u << 20;
    static_assert(piece > monitor::max_recording_item);
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(piece, size)));
    monitor::recording_reader reader;
    content good;
    while (good.size < size) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - good.size));
      const bytes_span read{bytes_span{buffer}.first(n)};
      if (const result<> r = read_at(fd, good.size, read); !r) return r.error();
      bytes_view rest{read};
      status ended = status::ok;
      while (!rest.empty() && ended == status::ok) {
        const status_or<monitor::recording_item> item = reader.next(rest);
        ended = item.code;
        if (item && item->kind == monitor::recording_kind::access) ++good.records;
      }
      const std::size_t taken = n - rest.size();
      good.size += taken;
      const bool last = n - taken == size - good.size;
      if (ended == status::ok || (ended == status::truncated && !last)) continue;
      if (ended == status::truncated && good.size != 0) return good;
      if (ended == status::truncated && is_start_of_recording(rest)) return good;
      const result<bool> zeros = all_zeros(fd, good.size, size, buffer);
      if (!zeros) return zeros.error();
      if (*zeros) return good;
      const bool other_version = ended == status::unsupported && is_start_of_recording(rest);
      return other_version ? errc::unsupported : errc::malformed;
    }
    return good;
  }

  // A header that was torn begins as one: nobody else's file is cut to nothing.
  static bool is_start_of_recording(bytes_view bytes) noexcept {
    const status_or<cbor::head> first = cbor::take_head(bytes);
    return first && first->type == cbor::major::tag && first->argument == monitor::self_described_cbor;
  }

  static result<bool> all_zeros(int fd, std::uint64_t from, std::uint64_t size, bytes_span buffer) {
    while (from < size) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - from));
      if (const result<> r = read_at(fd, from, buffer.first(n)); !r) return r.error();
      if (std::ranges::any_of(buffer.first(n), [](std::byte b) { return b != std::byte{0}; })) return false;
      from += n;
    }
    return true;
  }

  unique_fd fd_;
  std::uint64_t size_;
  std::uint64_t found_;
  std::uint64_t torn_;
  sync_policy policy_;
  std::vector<std::byte> waiting_;
};

}  // namespace shoal::posix
