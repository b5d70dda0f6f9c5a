// SPDX-License-Identifier: BSL-1.0
//
// Recordings to files, and to collectors.
#include "output.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/hal/access_ring.hpp>
#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/monitor/recording_writer.hpp>
#include <shoal/net/recording_sender.hpp>
#include <shoal/os/posix/recording_file.hpp>

#include "../common/collector_uri.hpp"
#include "../common/message.hpp"

using common::failure;
using shoal::hal::access_record;

namespace {

std::uint64_t version_of(const output_options& options) {
  return options.events ? shoal::monitor::event_recording : shoal::monitor::device_recording;
}

}  // namespace

class recording_output::target {
 public:
  target() = default;
  target(const target&) = delete;
  target& operator=(const target&) = delete;
  virtual ~target() = default;
  virtual void put(const access_record& record) noexcept = 0;
  virtual void tick() = 0;
  virtual void finish() = 0;
};

class recording_output::file_target final : public target {
 public:
  file_target(const std::string& path, const std::vector<std::string>& sources, clock now,
              std::uint64_t version)
      : path_(path), file_(opened(path)), writer_(file_), now_(now) {
    const std::vector<std::string_view> names(sources.begin(), sources.end());
    if (writer_.begin(names, now(), version) != shoal::status::ok) {
      throw failure{"the name of a device is longer than 64 bytes", {}, common::exit_usage};
    }
  }

  void put(const access_record& record) noexcept override {
    writer_.put(record);
    if (file_.waiting() > 1u << 20) (void)file_.flush();  // a problem is told by the next tick
  }
  void tick() override {
    if (const shoal::result<> flushed = file_.flush(); !flushed) {
      throw failure{"cannot write " + path_, flushed.error(), "free some space; what is there can be read"};
    }
  }
  void finish() override {
    writer_.mark(now_());
    tick();
  }

 private:
  static shoal::posix::recording_file opened(const std::string& path) {
    using shoal::posix::recording_file;
    shoal::result<recording_file> file = recording_file::open(path, shoal::posix::sync_policy::system);
    if (file) return std::move(*file);
    std::string next = "its folder must exist and be writable";
    if (file.error() == shoal::errc::malformed)
      next = "it is no recording, and would be lost; give another name";
    if (file.error() == shoal::errc::busy) next = "another program records to it; give another name";
    throw failure{"cannot write " + path, file.error(), next};
  }

  std::string path_;
  shoal::posix::recording_file file_;
  shoal::monitor::recording_writer<shoal::posix::recording_file> writer_;
  clock now_;
};

/// A thread of its own talks to the collector: whoever puts records never waits.
class recording_output::collector_target final : public target {
 public:
  collector_target(const output_options& options, std::vector<std::string> sources, clock now)
      : collector_target(options, std::move(sources), now,
                         common::parse_collector(options.uri, options.trust)) {}
  ~collector_target() override { context_.stop(); }

  void put(const access_record& record) noexcept override { ring_.put(record); }
  void tick() override {
    const std::uint64_t lost = ring_.lost();
    if (lost == told_) return;
    std::fprintf(stderr,
                 "%llu accesses lost so far: the collector does not keep up; the recording says where\n",
                 static_cast<unsigned long long>(lost));
    told_ = lost;
  }
  void finish() override {
    asio::post(context_, [this] { sender_.stop(); });
    thread_.join();
    tick();
    if (!why_) return;
    const std::error_code problem = sender_.problem() ? sender_.problem() : why_;
    throw failure{"cannot deliver everything to " + uri_ + " (" + std::to_string(sender_.delivered()) +
                      " records are there)",
                  problem, "is a collector there? shoal-record collect --help"};
  }

 private:
  using ring = shoal::hal::access_ring<1u << 16>;

  collector_target(const output_options& options, std::vector<std::string> sources, clock now,
                   const common::collector_uri& to)
      : uri_(options.uri),
        sender_(ring_, hello(options), std::move(sources), to.where, to.dial,
                settings(now, version_of(options))) {
    thread_ = std::jthread{[this] { deliver(); }};
  }

  static shoal::monitor::collect_hello hello(const output_options& options) {
    if (!shoal::monitor::collect_hello::is_name(options.name)) {
      throw failure{"'" + options.name + "' is no name for a recording",
                    "give --name: letters, digits, '-', '_' and '.', 64 at most", common::exit_usage};
    }
    std::random_device chance;
    return {std::uint64_t{chance()} << 32 | chance(), options.name};
  }
  static shoal::net::recording_sender_options settings(clock now, std::uint64_t version) {
    shoal::net::recording_sender_options options;
    options.clock = now;
    options.version = version;
    return options;
  }

  void deliver() {
    asio::co_spawn(context_, sender_.run(),
                   [this](std::exception_ptr, shoal::result<> ended) { why_ = ended.error(); });
    context_.run();
  }

  std::string uri_;
  ring ring_;
  asio::io_context context_{1};
  shoal::net::recording_sender<ring> sender_;
  std::error_code why_;
  std::uint64_t told_ = 0;
  std::jthread thread_;
};

void add_output_options(CLI::App& app, output_options& options) {
  options.name = "recording";
  app.add_option("-o,--output", options.uri,
                 "where the recording goes: cbor:FILE (gone on with if it is there),\n"
                 "tcp://HOST:PORT or tls://HOST:PORT (a collector)")
      ->type_name("URI")
      ->required();
  app.add_option("--name", options.name, "of the recording at a collector; default: recording")
      ->type_name("NAME");
  app.add_option("--trust", options.trust, "believe collectors with these certificates; default: the system's")
      ->type_name("PEM");
}

recording_output::recording_output(const output_options& options, std::vector<std::string> sources, clock now) {
  const std::string& uri = options.uri;
  if (uri.starts_with("cbor:") && uri.size() > 5) {
    target_ = std::make_unique<file_target>(uri.substr(5), sources, now, version_of(options));
  } else if (uri.starts_with("tcp://") || uri.starts_with("tls://")) {
    target_ = std::make_unique<collector_target>(options, std::move(sources), now);
  } else {
    throw failure{"'" + uri + "' is nowhere to record to",
                  "write cbor:FILE, tcp://HOST:PORT or tls://HOST:PORT", common::exit_usage};
  }
}
recording_output::~recording_output() = default;
void recording_output::put(const access_record& record) noexcept {
  target_->put(record);
}
void recording_output::tick() {
  target_->tick();
}
void recording_output::finish() {
  target_->finish();
}
