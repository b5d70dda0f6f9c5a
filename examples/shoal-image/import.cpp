// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <shoal/content/chunker/any_chunker.hpp>
#include <shoal/content/unixfs_file.hpp>
#include <shoal/image/import.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/os/posix/file_source.hpp>

#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "../common/progress.hpp"
#include "../common/sinks.hpp"
#include "../common/size.hpp"
#include "commands.hpp"

namespace {

using common::failure;

const std::map<std::string, shoal::unixfs_profile> profiles{
    {"disk-image", shoal::unixfs_disk_image},
    {"unixfs-v1-2025", shoal::unixfs_v1_2025},
    {"unixfs-v0-2015", shoal::unixfs_v0_2015},
};

struct import_command {
  std::string file;
  std::string store;
  std::string profile = "disk-image";
  std::string chunker;
  unsigned threads = 0;
  bool quiet = false;
  bool json = false;

  int run() const {
    const common::interrupt ctrl_c;
    shoal::result<shoal::posix::file_source> source = shoal::posix::file_source::open(file);
    if (!source) throw cannot_open(source.error());
    const shoal::unixfs_profile rules = profiles.at(profile);
    const std::string how = chunker.empty() ? "size-" + std::to_string(rules.chunk_size) : chunker;
    shoal::result<shoal::any_chunker> cutter = shoal::any_chunker::parse(how);
    if (!cutter) {
      throw failure{"'" + how + "' is not a chunker: " + cutter.error().message(),
                    "chunkers: " + std::string{shoal::any_chunker::help()}, common::exit_usage};
    }

    const auto start = std::chrono::steady_clock::now();
    common::progress bar{"importing", source->size(), !quiet && !json};
    const shoal::import_options options{.profile = rules, .threads = threads, .stop = ctrl_c.token()};
    const shoal::openssl::digester digester;
    const shoal::result<shoal::import_summary> done = common::with_sink(store, file, [&](auto& sink) {
      return shoal::import_image(*source, std::move(*cutter), digester, sink, options,
                                 [&](std::uint64_t bytes) { bar.at(bytes); });
    });
    if (!done) throw cannot_import(done.error());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    report(*done, took.count());
    return 0;
  }

 private:
  [[nodiscard]] failure cannot_open(std::error_code why) const {
    const char* next = "give the path of a disk image that you may read";
    if (why == std::errc::is_a_directory) next = "make a disk image of it first, for example with mkfs.ext4 -d";
    if (why == shoal::errc::unsupported) next = "an image is a regular file or a block device";
    return failure{"cannot open " + file, why, next};
  }

  [[nodiscard]] failure cannot_import(std::error_code why) const {
    if (why == shoal::errc::canceled) {
      const std::string left =
          store.starts_with("flatfs:")
              ? "; the whole blocks that " + store + " has got already stay, and serve the next import"
              : "; nothing of " + store + " was kept";
      return failure{"interrupted" + left, {}, common::exit_interrupted};
    }
    const char* next = "nothing half-written was left behind";
    if (why == std::errc::no_space_on_device || why == std::errc::file_too_large) {
      next =
          "free some space, or use ref:FILE, which keeps no second copy; nothing half-written was left behind";
    }
    if (why == shoal::errc::limit_exceeded)
      next = "an image has at most 16777216 leaves; larger ones make fewer: --chunker size-1M";
    if (why == shoal::errc::source_changed)
      next = "the image became shorter while it was read; import it again";
    return failure{"cannot import " + file + " into " + store, why, next};
  }

  void report(const shoal::import_summary& done, double seconds) const {
    const std::string id = to_text(done.root);
    if (json) {
      std::printf(
          "{\"cid\":\"%s\",\"size\":%llu,\"hole_bytes\":%llu,\"leaves\":%llu,\"nodes\":%llu,\"seconds\":%.3f}"
          "\n",
          id.c_str(), static_cast<unsigned long long>(done.size),
          static_cast<unsigned long long>(done.hole_bytes), static_cast<unsigned long long>(done.leaves),
          static_cast<unsigned long long>(done.nodes), seconds);
      return;
    }
    if (!quiet) {
      std::fprintf(stderr, "%s: %s, of which %s holes; %llu leaves and %llu nodes in %.1f s\n", file.c_str(),
                   common::format_size(done.size).c_str(), common::format_size(done.hole_bytes).c_str(),
                   static_cast<unsigned long long>(done.leaves), static_cast<unsigned long long>(done.nodes),
                   seconds);
    }
    std::puts(id.c_str());
  }
};

}  // namespace

void add_import(CLI::App& app, action& chosen) {
  const auto command = std::make_shared<import_command>();
  CLI::App* const sub = app.add_subcommand("import", "cut a disk image into blocks and print its CID");
  sub->add_option("FILE", command->file, "the disk image: a file or a block device")->required();
  sub->add_option("--store", command->store, "where the blocks go: car:FILE, flatfs:DIR or ref:FILE")
      ->required();
  sub->add_option("--profile", command->profile,
                  "disk-image (64 KiB raw leaves, the default),\n"
                  "unixfs-v1-2025 or unixfs-v0-2015 (the CIDs of ipfs add)")
      ->check(CLI::IsMember(profiles));
  sub->add_option("--chunker", command->chunker,
                  "size-N, buzhash, rabin-..., fastcdc-N; default: the profile's");
  sub->add_option("--threads", command->threads, "hashing threads; default: one a core");
  sub->add_flag("-q,--quiet", command->quiet, "print the CID and nothing else");
  sub->add_flag("--json", command->json, "print one JSON object");
  sub->footer(
      "Equal images get equal CIDs, wherever and however often they are imported. Nothing is visible under the "
      "store's\n"
      "name before the import is whole.\n\n"
      "Examples:\n"
      "  shoal-image import disk.img --store car:disk.car\n"
      "  shoal-image import disk.img --store flatfs:blocks --profile unixfs-v1-2025 --quiet\n"
      "  shoal-image import disk.img --store ref:disk.ref --chunker fastcdc-64K");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
