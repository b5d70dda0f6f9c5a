// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/nbd_client.hpp>  // first: shows that the header stands alone

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/block/memory.hpp>
#include <shoal/task/run.hpp>
#include <shoal/test/block_device_conformance.hpp>

#include "nbd_client.hpp"

namespace nbd_client_test {

using namespace shoal;
using net::nbd_client_news;
using client_device = net::nbd_client;

net::nbd_route route_of(const served& server) {
  nbd::uri where;
  where.socket = server.path().string();
  return net::route_to(where);
}

/// A client on the strand of its server, for tests that run each task on a context of their own.
class elsewhere {
 public:
  explicit elsewhere(any_device disk) : server_(std::make_unique<served>()) {
    server_->server.add_export("disk", std::move(disk));
    server_->start();
    const nbd::export_wish wish{.name = "disk"};
    result<client_device> opened = test::run(on(client_device::open(route_of(*server_), wish, {})));
    REQUIRE(opened);
    device_ = std::make_unique<client_device>(std::move(*opened));
  }

  [[nodiscard]] capability capabilities() const noexcept { return device_->capabilities(); }
  [[nodiscard]] device_info info() const noexcept { return device_->info(); }
  task<> read(std::uint64_t offset, bytes_span out) { return on(device_->read(offset, out)); }
  task<> write(std::uint64_t offset, bytes_view in, io_flags flags) {
    return on(device_->write(offset, in, flags));
  }
  task<> flush() { return on(device_->flush()); }
  task<> trim(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    return on(device_->trim(offset, length, flags));
  }
  task<> zero(std::uint64_t offset, std::uint64_t length, io_flags flags) {
    return on(device_->zero(offset, length, flags));
  }
  task<std::vector<extent>> extents(std::uint64_t offset, std::uint64_t length) {
    return on(device_->extents(offset, length));
  }
  task<> cache(std::uint64_t offset, std::uint64_t length) { return on(device_->cache(offset, length)); }

 private:
  template <class T>
  task<T> on(task<T> work) {
    std::optional<result<T>> outcome;
    asio::awaitable<void> driven = shoal::detail::drive(std::move(work), outcome);
    co_await asio::co_spawn(server_->context, std::move(driven), asio::use_awaitable);
    co_return std::move(*outcome);
  }

  std::unique_ptr<served> server_;
  std::unique_ptr<client_device> device_;
};

TEST_CASE("the export of our own server is a block device") {
  test::conforms_to_block_device([] { return elsewhere{any_device{memory_device{256_KiB}}}; });
}

TEST_CASE("what an export has not, its client has not either") {
  served s;
  s.server.add_export("sealed", any_device{readonly{memory_device{4096}}});
  s.start();
  asio::io_context context;
  const nbd::export_wish wish{.name = "sealed"};
  result<client_device> sealed = run(context, client_device::open(route_of(s), wish, {}));
  REQUIRE(sealed);
  CHECK(sealed->info().read_only);
  CHECK(sealed->info().size == 4096);
  CHECK(sealed->capabilities() == (capability::write | capability::extents));
  const std::vector<std::byte> bytes(16);
  CHECK(run(context, sealed->write(0, bytes, io_flags::none)).error() == errc::read_only);
  CHECK(run(context, sealed->flush()).error() == errc::read_only);
  CHECK(run(context, sealed->trim(0, 16, io_flags::none)).error() == errc::unsupported);
  CHECK(run(context, sealed->zero(0, 16, io_flags::none)).error() == errc::unsupported);
  CHECK(run(context, sealed->cache(0, 16)).error() == errc::unsupported);
  context.restart();
  context.run();  // ends: nothing is under way with an idle connection
}

TEST_CASE("there is no device without a server, or without that export") {
  served s;
  s.start();
  asio::io_context context;
  const nbd::export_wish wish{.name = "none"};
  CHECK(run(context, client_device::open(route_of(s), wish, {})).error() == errc::not_found);
  nbd::uri nowhere;
  nowhere.socket = s.path().string() + ".not";
  CHECK(run(context, client_device::open(net::route_to(nowhere), wish, {})).error() ==
        std::errc::no_such_file_or_directory);
  nowhere.socket = std::string(200, 'x');
  CHECK(run(context, client_device::open(net::route_to(nowhere), wish, {})).error() ==
        std::errc::filename_too_long);
}

/// What happens to a connection with a server that goes away: a read from it before, and one after it came
/// back.
struct restart {
  std::vector<nbd_client_news::kind> news;
  result<> after;
};
restart restart_server(bool write, bool flush) {
  restart out;
  const any_device disk{memory_device{64_KiB}};
  const auto listen = [&disk](served& s, const std::filesystem::path& path) {
    s.server.add_export("", disk);
    auto socket = net::listen_unix(s.context.get_executor(), path);
    REQUIRE(socket);
    s.server.serve(std::move(*socket));
  };
  asio::io_context context;
  temporary_folder folder;
  const std::filesystem::path path = folder / "nbd";
  nbd::uri where;
  where.socket = path.string();
  net::nbd_client_options options;
  options.observe = [&out](const nbd_client_news& n) { out.news.push_back(n.what); };
  {
    served first;
    listen(first, path);
    first.start();
    result<client_device> opened = run(context, client_device::open(net::route_to(where), {}, options));
    REQUIRE(opened);
    client_device device = std::move(*opened);
    std::vector<std::byte> bytes(512);
    CHECK(run(context, device.read(0, bytes)));
    if (write) CHECK(run(context, device.write(0, bytes, io_flags::none)));
    if (flush) CHECK(run(context, device.flush()));
    first.stop();
    served second;
    listen(second, path);
    second.start();
    out.after = run(context, device.read(0, bytes));
  }
  return out;
}

TEST_CASE("a lost connection is made anew unless what was written may be lost with it") {
  using enum nbd_client_news::kind;
  const restart reader = restart_server(false, false);
  CHECK(reader.after);
  CHECK(reader.news == std::vector{lost, regained});
  const restart careful = restart_server(true, true);
  CHECK(careful.after);
  const restart careless = restart_server(true, false);
  CHECK(careless.after.error() == errc::closed);
  CHECK(careless.news == std::vector{over});
}

}  // namespace nbd_client_test
