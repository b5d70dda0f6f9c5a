// SPDX-License-Identifier: BSL-1.0
//
// shoal-nbd: exports block devices over NBD.
//
//     $ shoal-nbd --image bafybeih... --store car:debian.car
//     nbd://localhost:10809/
//     $ shoal-nbd --file disk.img --unix /tmp/disk.sock --readonly
//     nbd+unix:///?socket=/tmp/disk.sock
//     $ echo 'forbid passwords write disk:/etc/shadow deny' > disk.rules
//     $ shoal-nbd --file disk.img --rules disk.rules --record cbor:disk.rec
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <shoal/block/filter/cow.hpp>
#include <shoal/block/filter/readonly.hpp>
#include <shoal/net/nbd_server.hpp>
#include <shoal/task/io_pool.hpp>
#include <shoal/version.hpp>

#include "../common/boot_trace.hpp"
#include "../common/command_line.hpp"
#include "../common/devices.hpp"
#include "../common/local_devices.hpp"
#include "../common/message.hpp"
#include "../common/nbd_listen.hpp"
#include "../common/size.hpp"
#include "../common/stores.hpp"
#include "../common/watch_post.hpp"

namespace {

using common::failure;

struct options {
  std::string file;
  std::string memory;
  std::string image;
  std::string store;
  std::vector<std::string> exports;
  bool overlay = false;
  bool readonly = false;
  common::nbd_address nbd;
  std::string trace;
  std::string cache;
  std::string rules;
  std::string record;
};

/// A named device, as --export or the plain options ask for it.
struct wanted_export {
  std::string name;
  std::string uri;
};

std::vector<wanted_export> wanted_exports(const options& given) {
  std::vector<wanted_export> wanted;
  const int plain =
      (given.file.empty() ? 0 : 1) + (given.memory.empty() ? 0 : 1) + (given.image.empty() ? 0 : 1);
  if (plain > 1) {
    throw failure{"--file, --memory and --image exclude each other",
                  "export several devices with --export NAME=URI", common::exit_usage};
  }
  if (!given.image.empty() && given.store.empty()) {
    throw failure{"--image needs --store", std::string{common::store_help}, common::exit_usage};
  }
  if (!given.store.empty() && given.image.empty()) {
    throw failure{"--store needs --image CID", "shoal-image info --store " + given.store + " tells the CID",
                  common::exit_usage};
  }
  if (!given.file.empty()) wanted.push_back({"", "file:" + given.file});
  if (!given.memory.empty()) wanted.push_back({"", "memory:" + given.memory});
  if (!given.image.empty()) wanted.push_back({"", "image:" + given.image + "?store=" + given.store});
  for (const std::string& text : given.exports) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals + 1 == text.size()) {
      throw failure{"'--export " + text + "' names no device",
                    "write --export NAME=URI; " + std::string{common::device_help}, common::exit_usage};
    }
    wanted.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  if (wanted.empty()) {
    throw failure{"nothing to export", "give --file, --memory, --image or --export; see --help",
                  common::exit_usage};
  }
  return wanted;
}

class program {
 public:
  explicit program(const options& given) : given_(given), server_(context_.get_executor()) {}

  int run() {
    const std::optional<std::uint64_t> cache = common::parse_size(given_.cache);
    if (!cache && !given_.cache.empty()) {
      throw failure{"--cache: '" + given_.cache + "' is not a size", "sizes look like 64M or 1G",
                    common::exit_usage};
    }
    if (given_.overlay) keep_freed_memory();
    if (!given_.trace.empty()) trace_.emplace(given_.trace);
    const common::device_opener opener{context_, pool_, given_.readonly || given_.overlay, cache};
    const std::vector<wanted_export> wanted = wanted_exports(given_);
    watch(wanted);
    for (const wanted_export& each : wanted) add(each.name, opener.open(each.uri));
    if (post_) post_->start();
    common::listen_nbd(server_, context_.get_executor(), given_.nbd, names_);

    asio::signal_set signals{context_, SIGINT, SIGTERM, SIGHUP};
    signals.async_wait([&](std::error_code, int) {
      server_.stop();
      signals.clear();  // who asks twice does not want to wait for clients
    });
    context_.restart();
    context_.run();
    if (trace_) trace_->finish(stderr);
    if (post_) post_->finish();
    return 0;
  }

 private:
  /// What one client's overlay took is left for the next one, up to 2 GiB: pages fresh from the system cost as
  /// much as serving the writes that fill them.
  static void keep_freed_memory() {
#ifdef M_TRIM_THRESHOLD
    ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
  }

  void watch(const std::vector<wanted_export>& wanted) {
    if (given_.rules.empty() && given_.record.empty()) return;
    std::vector<std::string> sources;
    for (const wanted_export& each : wanted) sources.push_back(each.name.empty() ? "disk" : each.name);
    post_.emplace(common::watch_options{.rules = given_.rules, .record = given_.record, .name = "nbd"},
                  std::move(sources));
    post_->expect(
        [](shoal::monitor::address_space space) { return space == shoal::monitor::address_space::disk; },
        "disks, which rules name as disk:0-511 or disk:/etc/shadow");
  }

  /// Puts the filters on that the options ask for, and exports what comes out.
  void add(const std::string& name, shoal::any_device device) {
    if (name.size() > shoal::nbd::max_string) {
      throw failure{"the name of an export is too long", "NBD takes at most 4096 bytes", common::exit_usage};
    }
    const auto source = static_cast<std::uint16_t>(names_.size());
    if (post_) post_->add_disk(source, common::reader_of(context_, device));
    if (trace_) device = trace_->watch(std::move(device));
    if (given_.readonly) device = shoal::any_device{shoal::readonly{std::move(device)}};
    try {
      if (given_.overlay && !given_.readonly) {
        server_.add_private_export(
            name, [this, device, source] { return watched(shoal::any_device{shoal::cow{device}}, source); });
      } else {
        server_.add_export(name, watched(std::move(device), source));
      }
    } catch (const std::invalid_argument&) {
      throw failure{"two exports are named '" + name + "'", "give each a name of its own", common::exit_usage};
    }
    names_.push_back(name);
  }

  [[nodiscard]] shoal::any_device watched(shoal::any_device device, std::uint16_t source) {
    return post_ ? post_->watch(std::move(device), source) : device;
  }

  const options& given_;
  asio::io_context context_{1};
  shoal::io_pool pool_;
  std::optional<common::boot_trace> trace_;
  std::optional<common::watch_post> post_;
  shoal::net::nbd_server server_;
  std::vector<std::string> names_;
};

int run_program(int argc, char** argv) {
  options given;
  CLI::App app{"Exports block devices over NBD: files, memory, and content-addressed images.", "shoal-nbd"};
  app.set_version_flag("--version", SHOAL_VERSION_STRING);
  app.add_option("--file", given.file, "export a file or block device")->type_name("PATH");
  app.add_option("--memory", given.memory, "export so much memory, zeroed; 64M, 2G")->type_name("SIZE");
  app.add_option("--image", given.image, "export the image of this CID, read-only; needs --store")
      ->type_name("CID");
  app.add_option("--store", given.store, "where the image's blocks are: car:FILE, flatfs:DIR or ref:FILE")
      ->type_name("URI");
  app.add_option("--export", given.exports,
                 "export a device under a name; may be given again.\n"
                 "URI: file:PATH, memory:SIZE, image:CID?store=STORE,\n"
                 "nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH")
      ->type_name("NAME=URI")
      ->allow_extra_args(false);
  app.add_flag("--overlay", given.overlay,
               "clients may write, each on a private overlay in memory that goes when it leaves");
  app.add_flag("--readonly", given.readonly, "nobody may write");
  common::add_nbd_options(app, given.nbd);
  app.add_option("--trace", given.trace,
                 "write each request as CSV: offset,length,time,op; a summary at the end")
      ->type_name("FILE");
  app.add_option("--rules", given.rules,
                 "tell of requests that break these rules, and refuse those with 'deny';\n"
                 "'shoal-record check --help' says how they are written")
      ->type_name("FILE");
  app.add_option("--record", given.record,
                 "record what clients ask for: cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT")
      ->type_name("URI");
  app.add_option("--cache", given.cache,
                 "memory for verified blocks of an image;\n"
                 "default: room for all, at most half of the free memory")
      ->type_name("SIZE");
  app.footer(
      "Prints the URI of each export, then serves until SIGTERM or Ctrl-C, when it finishes what was asked and "
      "exits\n"
      "with 0; the second one does not wait. Under a service manager it takes the sockets it is given "
      "(LISTEN_FDS).\n\n"
      "Examples:\n"
      "  shoal-nbd --file disk.img\n"
      "  shoal-nbd --image bafybei... --store car:disk.car --overlay\n"
      "  shoal-nbd --export root=image:bafybei...?store=ref:disk.ref --export scratch=memory:1G --port 0\n"
      "  shoal-nbd --export =nbd://storage/disk --overlay\n"
      "  shoal-nbd --memory 64M --unix /tmp/nbd.sock & nbdinfo 'nbd+unix:///?socket=/tmp/nbd.sock'");
  // an unset variable of a script must not turn into another way to serve
  const CLI::Validator not_empty{
      [](const std::string& value) { return value.empty() ? std::string{"is empty"} : std::string{}; }, ""};
  for (CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return o->get_items_expected_max() > 0; }))
    option->check(not_empty);
  if (const std::optional<int> done = common::parse_command_line(app, argc, argv)) return *done;
  return program{given}.run();
}

}  // namespace

int main(int argc, char** argv) {
  return common::guarded("shoal-nbd", [&] { return run_program(argc, argv); });
}
