// SPDX-License-Identifier: BSL-1.0
//
// own-device: a block device of one's own, served over NBD. Each sector holds its number, as text.
//
//     $ own-device &
//     $ nbdcopy nbd://localhost:10809 - | head -c 1026 | tail -c 2
//     2
#include <algorithm>
#include <string>

#include <asio/io_context.hpp>

#include <shoal/net/nbd_server.hpp>

using namespace shoal;

struct sector_numbers {
  device_info info() const noexcept {
    return {.size = 1_MiB, .min_io = 512, .read_only = true, .multi_conn = true};
  }

  task<> read(std::uint64_t offset, bytes_span out) {
    for (; !out.empty(); offset += 512, out = out.subspan(512)) {
      std::ranges::fill(out.first(512), std::byte{});
      std::ranges::copy(as_bytes(std::to_string(offset / 512) + '\n'), out.begin());
    }
    return done();
  }
};

int main() {
  asio::io_context context;
  net::nbd_server server{context.get_executor()};
  server.add_export("", any_device{sector_numbers{}});
  auto sockets = net::listen_tcp(context.get_executor(), "", 10809);
  if (!sockets) return 1;
  for (auto& socket : *sockets) server.serve(std::move(socket));
  context.run();
}
