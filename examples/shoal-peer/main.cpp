// SPDX-License-Identifier: BSL-1.0
//
// shoal-peer: a member of the IPFS network that serves disk images: it fetches their blocks from whichever
// neighbour answers fastest, exports them over NBD, and serves every block that it holds to others.
//
//     $ shoal-peer --provide car:debian.car --listen /ip4/192.0.2.1/tcp/4001      # an origin
//     /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...
//     $ shoal-peer --image bafybeih... --bootstrap /ip4/192.0.2.1/tcp/4001 --mdns # a device
//     nbd://localhost:10809/
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <shoal/block/any_device.hpp>
#include <shoal/block/filter/cow.hpp>
#include <shoal/image/image_device.hpp>
#include <shoal/image/load_index.hpp>
#include <shoal/image/prefetch_list.hpp>
#include <shoal/net/listener.hpp>
#include <shoal/net/nbd_server.hpp>
#include <shoal/net/prefetcher.hpp>
#include <shoal/store/own_blocks.hpp>
#include <shoal/version.hpp>

#include "../common/boot_trace.hpp"
#include "../common/command_line.hpp"
#include "../common/message.hpp"
#include "../common/nbd_listen.hpp"
#include "../common/node.hpp"
#include "../common/read_file.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"
#include "web.hpp"

namespace {

using common::failure;

constexpr std::uintmax_t max_trace = 256u << 20;

struct serve_options {
  node_options node;
  std::string image;
  std::string provide;
  common::nbd_address nbd;
  bool overlay = false;
  std::string prefetch;
  std::string trace;
  std::string http;
};

/// A peer that runs until it is told to stop.
class service {
 public:
  explicit service(const serve_options& given)
      : given_(given), peer_(context_, given.node), mine_(peer_.cache), server_(context_.get_executor()) {}

  int run() {
    if (given_.image.empty() && given_.provide.empty()) {
      throw failure{"nothing to serve", "give --image CID, or --provide STORE; see --help", common::exit_usage};
    }
    if (given_.image.empty()) refuse_export_options();
    if (!given_.image.empty()) root_ = common::parse_cid(given_.image);
    if (!given_.prefetch.empty()) {
      prefetch_ = common::read_file(given_.prefetch, "trace", max_trace, "--trace FILE writes one");
    }
    if (!given_.provide.empty()) {
      store_.emplace(common::open_store(given_.provide, &peer_.pool));
      peer_.blocks.provide(store_->blocks);
      mine_.add(store_->blocks);
      for (const shoal::cid& root : store_->roots) peer_.provide(root);
    }
    if (!given_.trace.empty()) trace_.emplace(given_.trace);
    peer_.start();
    std::string url;
    if (!given_.http.empty()) {
      web_.emplace(peer_, mine_);
      url = web_->listen(given_.http) + "\n";
    }
    for (const auto& address : peer_.host.addresses()) {
      std::printf("%s\n", to_text(shoal::net::with_peer(address, peer_.host.id())).c_str());
    }
    std::printf("%s", url.c_str());
    std::fflush(stdout);
    asio::signal_set signals{context_, SIGINT, SIGTERM, SIGHUP};
    signals.async_wait([&](std::error_code, int) {
      stop();
      signals.clear();  // who asks twice does not want to wait for clients
    });
    std::exception_ptr thrown;
    if (!given_.image.empty()) {
      asio::co_spawn(context_, export_image(*this), [&](std::exception_ptr e) {
        thrown = e;
        if (e) context_.stop();
      });
    }
    context_.run();
    if (thrown) std::rethrow_exception(thrown);
    if (trace_) trace_->finish(stderr);
    std::fprintf(stderr, "%s\n", peer_.traffic().c_str());
    return stopped_early_ ? common::exit_interrupted : 0;
  }

 private:
  using device = shoal::image_device<exchange_of_node>;

  static asio::awaitable<void> export_image(service& self) {
    const shoal::cid root = *self.root_;
    self.peer_.look_for(root);
    const shoal::openssl::digester digester;
    const shoal::image_limits limits;
    const shoal::result<shoal::image_index> loaded =
        co_await shoal::load_image_index(self.peer_.blocks, digester, root, limits);
    if (self.stopping_) co_return;
    if (!loaded) throw cannot_open(self.peer_, self.given_.image, loaded.error());
    const auto index = std::make_shared<const shoal::image_index>(*loaded);
    self.peer_.provide(root);
    self.start_prefetch(*index);
    // the exchange lives as long as the program: nobody owns it
    const std::shared_ptr<exchange_of_node> blocks{std::shared_ptr<void>{}, &self.peer_.blocks};
    shoal::any_device image{device{index, blocks}};
    if (self.trace_) image = self.trace_->watch(image);
    if (self.given_.overlay) {
      self.server_.add_private_export("", [image] { return shoal::any_device{shoal::cow{image}}; });
    } else {
      self.server_.add_export("", image);
    }
    common::listen_nbd(self.server_, self.context_.get_executor(), self.given_.nbd, {""});
    self.exported_ = true;
  }

  static failure cannot_open(const node& peer, const std::string& image, std::error_code why) {
    std::string next = "nobody among " + std::to_string(peer.host.link_count()) + " connected peers sent it";
    if (peer.host.link_count() == 0)
      next = "no peer is connected: name one with --bootstrap, or look with --mdns";
    if (why == shoal::errc::unsupported)
      next = "the CID names something that is not a file, such as a directory";
    if (why == shoal::errc::malformed) next = "its blocks are whole, but contradict each other";
    return failure{"cannot open image " + image, why, next};
  }

  void refuse_export_options() const {
    const char* which = nullptr;
    if (given_.overlay) which = "--overlay";
    if (!given_.prefetch.empty()) which = "--prefetch";
    if (!given_.trace.empty()) which = "--trace";
    if (given_.nbd.port || !given_.nbd.bind.empty()) which = "--port and --bind";
    if (!given_.nbd.unix_path.empty()) which = "--unix";
    if (which == nullptr) return;
    throw failure{std::string{which} + " without an image to export", "give --image CID, too",
                  common::exit_usage};
  }

  void start_prefetch(const shoal::image_index& index) {
    if (given_.prefetch.empty()) return;
    shoal::result<std::vector<shoal::cid>> order = shoal::prefetch_list(prefetch_, index);
    if (!order) {
      throw failure{"cannot use the trace " + given_.prefetch, order.error(),
                    "its lines are offset,length,time,op; --trace FILE writes one"};
    }
    asio::co_spawn(context_,
                   shoal::net::prefetch_in_order(peer_.blocks, std::move(*order), shoal::net::prefetch_depth),
                   asio::detached);
  }

  void stop() {
    stopping_ = true;
    stopped_early_ = !given_.image.empty() && !exported_;
    server_.stop();
    if (server_.client_count() == 0) return context_.stop();
    // clients have their outstanding requests answered, for which peers are needed
    asio::co_spawn(context_, stop_when_drained(*this), asio::detached);
  }

  static asio::awaitable<void> stop_when_drained(service& self) {
    asio::steady_timer pause{self.context_};
    while (self.server_.client_count() != 0) {
      pause.expires_after(std::chrono::milliseconds{20});
      [[maybe_unused]] const auto waited = co_await pause.async_wait(shoal::detail::no_throw);
    }
    self.context_.stop();
  }

  const serve_options& given_;
  asio::io_context context_{1};
  node peer_;
  std::optional<shoal::cid> root_;  // of the image
  std::string prefetch_;            // a trace
  std::optional<common::opened_store> store_;
  std::optional<common::boot_trace> trace_;
  shoal::own_blocks mine_;
  std::optional<web> web_;
  shoal::net::nbd_server server_;
  bool stopping_ = false;
  bool exported_ = false;
  bool stopped_early_ = false;
};

int run_program(int argc, char** argv) {
  serve_options given;
  action chosen = [&] { return service{given}.run(); };
  CLI::App app{"Serves disk images as a member of the IPFS network: what it has goes to its neighbours.",
               "shoal-peer"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.add_option("--image", given.image,
                 "fetch the image of this CID from peers, and export it over NBD, read-only")
      ->type_name("CID");
  app.add_option("--provide", given.provide,
                 "be an origin: serve what is in a store, car:FILE, flatfs:DIR or ref:FILE")
      ->type_name("STORE");
  common::add_nbd_options(app, given.nbd);
  app.add_flag("--overlay", given.overlay,
               "NBD clients may write, each on a private overlay in memory that goes when it leaves");
  app.add_option("--prefetch", given.prefetch, "fetch what an earlier boot read, in its order (see --trace)")
      ->type_name("FILE");
  app.add_option("--trace", given.trace, "write each request of NBD clients as CSV, for --prefetch elsewhere")
      ->type_name("FILE");
  app.add_option("--http", given.http, "show over HTTP: the blocks (a trustless gateway), /status and /metrics")
      ->type_name("[HOST:]PORT");
  given.node.add_to(app);
  refuse_empty_values(app);
  app.footer(
      "Prints its addresses, then the URI of the export once the image is open, and serves until SIGTERM or\n"
      "Ctrl-C. Blocks are kept in memory alone, and every one of them is checked and served to other peers.\n\n"
      "Examples:\n"
      "  shoal-peer --provide car:disk.car --listen /ip4/0.0.0.0/tcp/4001 --key origin.key\n"
      "  shoal-peer --image bafybei... --bootstrap /ip4/192.0.2.1/tcp/4001 --mdns\n"
      "  shoal-peer get bafybei... -o disk.img --bootstrap /ip4/192.0.2.1/tcp/4001\n"
      "'shoal-peer COMMAND --help' tells more about a command.");
  add_get(app, chosen);
  add_ping(app, chosen);
  add_findprovs(app, chosen);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-peer", [&] { return run_program(argc, argv); });
}
