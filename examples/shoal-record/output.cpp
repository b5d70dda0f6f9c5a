// SPDX-License-Identifier: BSL-1.0
//
// Recordings to files.
#include "output.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <shoal/monitor/recording_writer.hpp>
#include <shoal/os/posix/recording_file.hpp>

#include "../common/message.hpp"

using common::failure;
using shoal::hal::access_record;

namespace {

class file_target final : public recording_target {
 public:
  file_target(const std::string& path, const std::vector<std::string>& sources, recording_clock now,
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
  recording_clock now_;
};

}  // namespace

recording_output::recording_output(const output_options& options, std::vector<std::string> sources,
                                   recording_clock now) {
  const std::string& uri = options.uri;
  if (uri.starts_with("cbor:") && uri.size() > 5) {
    target_ = std::make_unique<file_target>(uri.substr(5), sources, now, options.version());
  } else if (is_collector(uri)) {
    target_ = open_collector(options, std::move(sources), now);
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
