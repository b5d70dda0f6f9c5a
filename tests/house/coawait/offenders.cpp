// SPDX-License-Identifier: BSL-1.0
//
// Planted offenders: co_await.py must find each line that says so, and no other. Read by clang-query, never
// compiled.
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace {

struct pair_of_strings {
  std::string first;
  std::string second;
};

struct request {
  int offset;
  int length;
};

asio::awaitable<int> by_value(std::string);
asio::awaitable<int> by_reference(const std::string&);
asio::awaitable<int> aggregate(pair_of_strings);
asio::awaitable<int> plain_aggregate(request);
asio::awaitable<int> view(std::span<const char>);
asio::awaitable<int> function(std::function<int()>);
asio::awaitable<int> nested(asio::awaitable<int>);
template <class Function>
asio::awaitable<int> call(Function) {
  return view({});
}

struct device {
  asio::awaitable<int> read(std::size_t, std::span<char>);
  asio::awaitable<int> name(std::string);
  device& self();
};

[[maybe_unused]] asio::awaitable<void> what_is_allowed(device& disk, std::string name) {
  std::vector<char> sector(512);
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
  int n = co_await disk.read(0, sector);
  n += co_await disk.self().read(sizeof(int) * 2, std::span{sector}.subspan(1));
  n += co_await view({sector.data(), 2});
  n += co_await by_reference(name);
  n += co_await by_value(std::move(name));
  asio::awaitable<int> pending = disk.read(0, sector);
  n += co_await std::move(pending);
  const std::string after =
      std::to_string(co_await disk.read(0, sector)) + std::string("no argument of an awaited call");
}

[[maybe_unused]] asio::awaitable<void> what_is_not(device& disk) {
  int x = 1;
  co_await by_value("converted");                  // offender
  co_await by_reference("converted");              // offender
  co_await by_value(std::string("explicit"));      // offender
  co_await by_reference(std::string("explicit"));  // offender
  co_await aggregate({"a", "b"});                  // offender
  co_await aggregate(pair_of_strings{"a", "b"});   // offender
  co_await plain_aggregate({1, 2});                // offender
  co_await call([x] { return x; });                // offender
  co_await call([] { return 1; });                 // offender
  co_await function([x] { return x; });            // offender
  co_await nested(disk.read(0, {}));               // offender
}

template <class Device>
asio::awaitable<void> as_written(Device& disk) {
  int x = 1;
  co_await disk.read(request{1, 2});      // offender
  co_await disk.read({1, 2});             // offender
  co_await disk.read([x] { return x; });  // offender
  co_await disk.read(x);
}

template <class Device>
asio::awaitable<void> as_instantiated(Device& disk, std::span<char> sector) {
  co_await disk.name("converted when the type is known");  // offender
  co_await disk.read(0, sector);
}

[[maybe_unused]] asio::awaitable<void> instance(device& disk, std::span<char> sector) {
  co_await as_instantiated(disk, sector);
}

}  // namespace
