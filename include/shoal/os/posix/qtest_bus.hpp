// SPDX-License-Identifier: BSL-1.0
//
// qtest_bus: the registers of the devices that QEMU models, for drivers to be tried against somebody else's
// idea of the hardware, without a guest: QEMU's qtest protocol.
//
//     // qemu-system-aarch64 -M virt -S -display none -serial none -qtest unix:/tmp/q,server=on,wait=off
//     result<posix::qtest_bus> bus = posix::qtest_bus::connect("/tmp/q");
//     hal::pl061_chip<posix::qtest_bus&> chip{*bus, hal::bus_address{0x0903'0000}};
//
// An mmio_bus and a port_bus; also moves the lines of QEMU's devices from the outside. After the first failure
// (error()) loads read ones and stores are ignored. Where QEMU has no device its answer is zero. The caller's
// thread waits for each answer. Leaves out starting QEMU.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <shoal/base/error.hpp>
#include <shoal/base/result.hpp>
#include <shoal/hal/bus_address.hpp>
#include <shoal/hal/mmio_bus.hpp>
#include <shoal/os/posix/unique_fd.hpp>

namespace shoal::posix {

/// A connection to one QEMU. Belongs to one thread.
class qtest_bus {
 public:
  /// How many lines of a device are watched.
  static constexpr std::uint32_t watched_lines = 256;
  /// Bytes of a line of the protocol.
  static constexpr std::size_t longest_line = 1024;

  /// @param socket   that QEMU listens at
  /// @param patience how long an answer may take
  [[nodiscard]] static result<qtest_bus> connect(const std::filesystem::path& socket,
                                                 std::chrono::milliseconds patience = std::chrono::seconds{
                                                     10}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = socket.string();
    if (name.empty() || name.size() >= sizeof(address.sun_path))
      return std::make_error_code(std::errc::filename_too_long);
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!fd) return last_error();
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      if (errno != EINTR) return last_error();
    }
    return qtest_bus{std::move(fd), patience};
  }

  template <hal::register_word T>
  [[nodiscard]] T load(hal::bus_address address) noexcept {
    return ask<T>("read", static_cast<std::uint64_t>(address));
  }
  template <hal::register_word T>
  void store(hal::bus_address address, T value) noexcept {
    tell<T>("write", static_cast<std::uint64_t>(address), value);
  }
  template <hal::register_word T>
    requires(sizeof(T) <= 4)
  [[nodiscard]] T in(hal::port_address port) noexcept {
    return ask<T>("in", static_cast<std::uint64_t>(port));
  }
  template <hal::register_word T>
    requires(sizeof(T) <= 4)
  void out(hal::port_address port, T value) noexcept {
    tell<T>("out", static_cast<std::uint64_t>(port), value);
  }

  /// Puts a level onto an input of a device; one that the device has not is the end of QEMU.
  /// @param device  its path, as `info qom-tree` shows it: "/machine/unattached/device[7]"
  [[nodiscard]] result<> set_input(std::string_view device, std::uint32_t line, bool level) {
    if (!is_path(device)) return errc::invalid_argument;
    return command("set_irq_in " + std::string{device} + " unnamed-gpio-in " + std::to_string(line) +
                   (level ? " 1" : " 0"));
  }
  /// From now on output() knows the outputs of this device. QEMU does that for one device.
  [[nodiscard]] result<> watch_outputs(std::string_view device) {
    if (!is_path(device)) return errc::invalid_argument;
    return command("irq_intercept_out " + std::string{device});
  }
  /// The level of an output of the device that is watched, as of the last access; low before its first change.
  [[nodiscard]] bool output(std::uint32_t line) const noexcept {
    return line < watched_lines && outputs_[line];
  }

  /// Why accesses are not done any more: errc::malformed or errc::failed when QEMU answers something else,
  /// errc::closed when it has gone, errc::timed_out.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  qtest_bus(unique_fd fd, std::chrono::milliseconds patience) noexcept
      : fd_(std::move(fd)), patience_(patience) {}

  [[nodiscard]] static bool is_path(std::string_view device) noexcept {
    return !device.empty() && device.size() < longest_line / 2 &&
           std::ranges::none_of(device, [](char c) { return c <= ' ' || c == '\x7f'; });
  }

  template <class T>
  [[nodiscard]] static constexpr char suffix() noexcept {
    return sizeof(T) == 1 ? 'b' : sizeof(T) == 2 ? 'w' : sizeof(T) == 4 ? 'l' : 'q';
  }

  template <class T>
  [[nodiscard]] T ask(std::string_view verb, std::uint64_t address) noexcept {
    std::array<char, 64> line;
    char* end = begin<T>(line, verb, address);
    *end++ = '\n';
    std::uint64_t value = 0;
    if (!round_trip({line.data(), end}) || !parse(value)) return static_cast<T>(~T{0});
    return static_cast<T>(value);
  }
  template <class T>
  void tell(std::string_view verb, std::uint64_t address, T value) noexcept {
    std::array<char, 64> line;
    char* end = begin<T>(line, verb, address);
    end = hex(end, line.data() + line.size(), value);
    *end++ = '\n';
    static_cast<void>(round_trip({line.data(), end}));
  }
  template <class T>
  [[nodiscard]] static char* begin(std::array<char, 64>& line, std::string_view verb,
                                   std::uint64_t address) noexcept {
    char* end = std::copy(verb.begin(), verb.end(), line.data());
    *end++ = suffix<T>();
    return hex(end, line.data() + line.size(), address);
  }
  [[nodiscard]] static char* hex(char* begin, char* end, std::uint64_t value) noexcept {
    constexpr std::ptrdiff_t most = 19;
    if (end - begin < most) return begin;  // there always is room, which compilers do not see
    *begin++ = ' ';
    *begin++ = '0';
    *begin++ = 'x';
    return std::to_chars(begin, end, value, 16).ptr;
  }

  [[nodiscard]] result<> command(std::string line) {
    line += '\n';
    if (error_) return error_;
    if (!round_trip(line)) {
      // QEMU refused: a device or a line that it does not have. The connection is as good as before.
      return error_ == errc::failed ? std::exchange(error_, {}) : error_;
    }
    return {};
  }

  // Sends a line and takes lines until one answers it. False: error_ says why.
  [[nodiscard]] bool round_trip(std::string_view question) noexcept {
    if (error_) return false;
    const auto end = std::chrono::steady_clock::now() + patience_;
    while (!question.empty()) {
      const ssize_t n = ::send(fd_.get(), question.data(), question.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(last_error());
      question.remove_prefix(static_cast<std::size_t>(n));
    }
    for (;;) {
      if (!read_line(end)) return false;
      const std::string_view line = answer();
      if (line.starts_with("IRQ ")) {
        note_output(line.substr(4));
      } else if (line == "OK" || line.starts_with("OK ")) {
        return true;
      } else {
        const bool refused = line.starts_with("FAIL") || line.starts_with("ERR");
        return fail(make_error_code(refused ? errc::failed : errc::malformed));
      }
    }
  }

  // Makes answer() the next line.
  [[nodiscard]] bool read_line(std::chrono::steady_clock::time_point end) noexcept {
    begin_ += std::exchange(answer_size_, 0);
    for (;;) {
      const std::string_view waiting{buffer_.data() + begin_, size_ - begin_};
      if (const std::size_t found = waiting.find('\n'); found != waiting.npos) {
        answer_size_ = found + 1;
        return true;
      }
      std::copy(waiting.begin(), waiting.end(), buffer_.begin());
      size_ = waiting.size();
      begin_ = 0;
      if (size_ == buffer_.size()) return fail(make_error_code(errc::malformed));
      if (!receive(end)) return false;
    }
  }
  [[nodiscard]] bool receive(std::chrono::steady_clock::time_point end) noexcept {
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
      if (left <= 0) return fail(make_error_code(errc::timed_out));
      pollfd wanted{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<long long>(left, 1'000'000)));
      if (ready < 0 && errno != EINTR) return fail(last_error());
      if (ready <= 0) continue;
      const ssize_t n = ::recv(fd_.get(), buffer_.data() + size_, buffer_.size() - size_, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(last_error());
      if (n == 0) return fail(make_error_code(errc::closed));
      size_ += static_cast<std::size_t>(n);
      return true;
    }
  }

  // Without its end.
  [[nodiscard]] std::string_view answer() const noexcept { return {buffer_.data() + begin_, answer_size_ - 1}; }

  // "raise 3", "lower 3"
  void note_output(std::string_view change) noexcept {
    const bool raised = change.starts_with("raise ");
    if (!raised && !change.starts_with("lower ")) return;
    std::uint32_t line = watched_lines;
    std::from_chars(change.data() + 6, change.data() + change.size(), line);
    if (line < watched_lines) outputs_[line] = raised;
  }

  // "OK 0x1f"
  [[nodiscard]] bool parse(std::uint64_t& value) noexcept {
    const std::string_view line = answer();
    const char* const end = line.data() + line.size();
    if (!line.starts_with("OK 0x")) return fail(make_error_code(errc::malformed));
    const auto [stop, why] = std::from_chars(line.data() + 5, end, value, 16);
    return (why == std::errc{} && stop == end) || fail(make_error_code(errc::malformed));
  }

  bool fail(std::error_code why) noexcept {
    error_ = why;
    return false;
  }

  unique_fd fd_;
  std::chrono::milliseconds patience_;
  std::array<bool, watched_lines> outputs_{};
  std::array<char, longest_line> buffer_{};
  std::size_t begin_ = 0;  // of what was read and not answered
  std::size_t size_ = 0;
  std::size_t answer_size_ = 0;  // of the line at begin_, with its end
  std::error_code error_;
};
static_assert(hal::mmio_bus<qtest_bus> && hal::port_bus<qtest_bus>);

}  // namespace shoal::posix
