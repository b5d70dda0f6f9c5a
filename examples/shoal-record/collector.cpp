// SPDX-License-Identifier: BSL-1.0
//
// Recordings to collectors.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <shoal/hal/access_ring.hpp>
#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/net/recording_sender.hpp>

#include "../common/collector_uri.hpp"
#include "../common/message.hpp"
#include "output.hpp"

using common::failure;
using shoal::hal::access_record;

namespace {

/// A thread of its own talks to the collector: whoever puts records never waits.
class collector_target final : public recording_target {
 public:
  collector_target(const output_options& options, std::vector<std::string> sources, recording_clock now)
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

  collector_target(const output_options& options, std::vector<std::string> sources, recording_clock now,
                   const common::collector_uri& to)
      : uri_(options.uri),
        sender_(ring_, hello(options), std::move(sources), to.where, to.dial,
                settings(now, options.version())) {
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
  static shoal::net::recording_sender_options settings(recording_clock now, std::uint64_t version) {
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

}  // namespace

std::unique_ptr<recording_target> open_collector(const output_options& options,
                                                 std::vector<std::string> sources, recording_clock now) {
  return std::make_unique<collector_target>(options, std::move(sources), now);
}
