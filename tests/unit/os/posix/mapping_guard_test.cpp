// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/posix/mapping_guard.hpp>  // first: shows that the header stands alone

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/os/posix/mapping.hpp>

using shoal::posix::mapping;
using shoal::posix::mapping_guard;

namespace {

constexpr std::size_t large = std::size_t{256} * 1024;  // several pages, of whatever size

/// A file of so many 'x', mapped, that goes with it.
struct mapped_file {
  std::filesystem::path path;
  std::optional<mapping> file;

  explicit mapped_file(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("shoal-" + name + std::to_string(::getpid()))) {
    std::ofstream{path, std::ios::binary} << std::string(large, 'x');
    auto opened = mapping::open(path);
    if (opened) file.emplace(std::move(*opened));
  }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file() { std::filesystem::remove(path); }

  /// That another thread replaces the mapping meanwhile is what this is about.
  [[nodiscard, gnu::no_sanitize_thread]] char at(std::size_t i) const noexcept {
    return static_cast<char>(*static_cast<const volatile std::byte*>(&file->bytes()[i]));
  }
  void cut(std::size_t size) const { std::filesystem::resize_file(path, size); }
};

/// The signal that ends a child in which this is done; 0: none did.
template <class Body>
int signal_of_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a file that becomes shorter gives zeros, and its guard says that it is gone") {
  const mapped_file one{"guard-one"};
  const mapped_file other{"guard-other"};
  REQUIRE(one.file);
  REQUIRE(other.file);
  auto made = mapping_guard::watch(one.file->bytes());
  const auto stays = mapping_guard::watch(other.file->bytes());
  REQUIRE(made);
  REQUIRE(stays);
  const mapping_guard guard{std::move(*made)};
  CHECK(one.at(large - 1) == 'x');
  one.cut(1);
  CHECK(one.at(0) == 'x');
  CHECK_FALSE(guard.is_gone());  // nobody missed anything so far
  errno = 0;
  CHECK(one.at(large - 1) == '\0');
  CHECK(errno == 0);
  CHECK(guard.is_gone());
  CHECK_FALSE(made->is_gone());
  CHECK(one.at(0) == '\0');  // all of it, and for good
  one.cut(large);
  CHECK(one.at(large / 2) == '\0');
  CHECK_FALSE(stays->is_gone());
  CHECK(other.at(large - 1) == 'x');
}

TEST_CASE("threads that miss the same pages at once all go on") {
  for (int round = 0; round < 20; ++round) {
    const mapped_file all{"guard-threads"};
    REQUIRE(all.file);
    const auto guard = mapping_guard::watch(all.file->bytes());
    REQUIRE(guard);
    all.cut(0);
    std::array<std::jthread, 4> threads;
    for (std::size_t i = 0; i < threads.size(); ++i) {
      threads[i] = std::jthread([&all, i] {
        for (std::size_t at = i * large / 4; at < large; at += 4096) static_cast<void>(all.at(at));
      });
    }
    for (std::jthread& each : threads) each.join();
    CHECK(guard->is_gone());
  }
}

TEST_CASE("a place is free again when its guard goes, and the next there is not gone") {
  const mapped_file one{"guard-again"};
  REQUIRE(one.file);
  {
    const auto guard = mapping_guard::watch(one.file->bytes());
    REQUIRE(guard);
    one.cut(0);
    CHECK(one.at(0) == '\0');
    CHECK(guard->is_gone());
  }
  const mapped_file other{"guard-after"};
  std::vector<mapping_guard> all;
  for (;;) {
    auto next = mapping_guard::watch(other.file->bytes());
    if (!next) {
      CHECK(next.error() == shoal::errc::limit_exceeded);
      break;
    }
    CHECK_FALSE(next->is_gone());
    all.push_back(std::move(*next));
  }
  CHECK(all.size() == shoal::posix::max_guarded);
}

TEST_CASE("what nobody guards ends the program as ever") {
  const mapped_file guarded{"guard-with"};
  const mapped_file bare{"guard-without"};
  const auto guard = mapping_guard::watch(guarded.file->bytes());
  REQUIRE(guard);
  const auto as_ever = [](auto&& body) {
    shoal::posix::detail::bus_handler_before = {};  // not what a sanitizer does then
    body();
  };
  bare.cut(0);
  CHECK(signal_of_child([&] { as_ever([&] { static_cast<void>(bare.at(0)); }); }) == SIGBUS);
  CHECK(signal_of_child([&] { as_ever([] { static_cast<void>(::raise(SIGBUS)); }); }) == SIGBUS);
  guarded.cut(0);
  CHECK(signal_of_child([&] { as_ever([&] { static_cast<void>(guarded.at(0)); }); }) == 0);
}

TEST_CASE("who handled the signal before gets what is not of guarded bytes") {
  const mapped_file guarded{"guard-handler"};
  const auto guard = mapping_guard::watch(guarded.file->bytes());
  REQUIRE(guard);
  const auto exit_code = [](int) { std::_Exit(0); };
  CHECK(signal_of_child([&] {
          shoal::posix::detail::bus_handler_before = {};
          shoal::posix::detail::bus_handler_before.sa_handler = exit_code;
          static_cast<void>(::raise(SIGBUS));
          ::kill(::getpid(), SIGKILL);  // the handler did not end it
        }) == 0);
}
