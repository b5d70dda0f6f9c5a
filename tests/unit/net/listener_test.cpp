// SPDX-License-Identifier: BSL-1.0
#include <shoal/net/listener.hpp>  // first: shows that the header stands alone

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>

#include "../temporary_folder.hpp"

namespace listener_test {

namespace fs = std::filesystem;
using shoal::net::inherited_sockets;
using shoal::net::listen_tcp;
using shoal::net::listen_unix;

using folder = temporary_folder;

bool answers(asio::io_context& context, const fs::path& path) {
  asio::local::stream_protocol::socket socket{context};
  std::error_code failed;
  socket.connect(asio::local::stream_protocol::endpoint{path.string()}, failed);
  return !failed;
}

TEST_CASE("port 0 is any free port, the same on IPv4 and IPv6") {
  asio::io_context context;
  const auto sockets = listen_tcp(context.get_executor(), "", 0);
  REQUIRE(sockets);
  REQUIRE_FALSE(sockets->empty());
  for (const auto& each : *sockets) {
    CHECK(each.port == sockets->front().port);
    CHECK(each.port != 0);
    CHECK(each.address.ends_with(":" + std::to_string(each.port)));
  }
}

TEST_CASE("a port that is served is in use") {
  asio::io_context context;
  const auto first = listen_tcp(context.get_executor(), "127.0.0.1", 0);
  REQUIRE(first);
  CHECK(first->front().address == "127.0.0.1:" + std::to_string(first->front().port));
  CHECK(listen_tcp(context.get_executor(), "127.0.0.1", first->front().port).error() ==
        std::errc::address_in_use);
}

TEST_CASE("a host that nobody knows is unreachable") {
  asio::io_context context;
  CHECK(listen_tcp(context.get_executor(), "no such host", 0).error() == std::errc::host_unreachable);
}

TEST_CASE("a Unix socket answers, and its file goes with it") {
  const folder here;
  asio::io_context context;
  {
    const auto socket = listen_unix(context.get_executor(), here.path / "s");
    REQUIRE(socket);
    CHECK(socket->address == (here.path / "s").string());
    CHECK(answers(context, here.path / "s"));
  }
  CHECK_FALSE(fs::exists(fs::symlink_status(here.path / "s")));
}

TEST_CASE("a socket that nobody serves any more is replaced, one that is served is not") {
  const folder here;
  asio::io_context context;
  {
    asio::local::stream_protocol::acceptor dead{
        context, asio::local::stream_protocol::endpoint{(here.path / "s").string()}};
  }
  const auto socket = listen_unix(context.get_executor(), here.path / "s");
  REQUIRE(socket);
  CHECK(listen_unix(context.get_executor(), here.path / "s").error() == std::errc::address_in_use);
  CHECK(answers(context, here.path / "s"));
}

TEST_CASE("a file that is no socket is never replaced") {
  const folder here;
  asio::io_context context;
  std::ofstream{here.path / "precious"} << "data";
  CHECK(listen_unix(context.get_executor(), here.path / "precious").error() == std::errc::address_in_use);
  CHECK(fs::file_size(here.path / "precious") == 4);
}

TEST_CASE("a path that is too long, or nowhere, says so") {
  const folder here;
  asio::io_context context;
  CHECK(listen_unix(context.get_executor(), here.path / std::string(120, 'x')).error() ==
        std::errc::filename_too_long);
  CHECK(listen_unix(context.get_executor(), here.path / "no" / "s").error() ==
        std::errc::no_such_file_or_directory);
}

TEST_CASE("sockets of a service manager are for the process that they are meant for") {
  asio::io_context context;
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  const auto none = inherited_sockets(context.get_executor());
  REQUIRE(none);
  CHECK(none->empty());
  CHECK(std::getenv("LISTEN_FDS") == nullptr);
  CHECK(std::getenv("LISTEN_PID") == nullptr);
}

}  // namespace listener_test
