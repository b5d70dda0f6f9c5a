// SPDX-License-Identifier: BSL-1.0
//
// info and verify: what an image is, and whether all of it is there.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>

#include <asio/io_context.hpp>

#include <shoal/image/leaf.hpp>
#include <shoal/store/block.hpp>
#include <shoal/task/lease.hpp>

#include "../common/image.hpp"
#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "../common/progress.hpp"
#include "../common/size.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"

namespace {

struct inspect_command {
  std::string cid;
  std::string store;
  bool quiet = false;
  bool json = false;

  int info() const {
    asio::io_context context;
    common::opened_store opened = common::open_store(store);
    const shoal::cid root = common::root_of(opened, cid);
    if (quiet) {
      std::puts(to_text(root).c_str());
      return 0;
    }
    const auto index = common::load_image(context, opened.blocks, store, root);
    std::uint64_t hole_bytes = 0;
    for (std::size_t leaf = 0; leaf < index->leaf_count(); ++leaf) {
      if (index->is_hole(leaf)) hole_bytes += index->end(leaf) - index->begin(leaf);
    }
    const char* const format = json ? "{\"cid\":\"%s\",\"size\":%llu,\"hole_bytes\":%llu,\"leaves\":%zu}\n"
                                    : "cid     %s\nsize    %llu bytes\nholes   %llu bytes\nleaves  %zu\n";
    std::printf(format, to_text(root).c_str(), static_cast<unsigned long long>(index->size()),
                static_cast<unsigned long long>(hole_bytes), index->leaf_count());
    return 0;
  }

  int verify() const {
    const common::interrupt ctrl_c;
    asio::io_context context;
    common::opened_store opened = common::open_store(store);
    const shoal::cid root = common::root_of(opened, cid);
    const auto index = common::load_image(context, opened.blocks, store, root);
    common::progress bar{"verifying", index->size(), !quiet};
    std::unordered_map<shoal::cid, std::uint64_t> seen;  // and how long
    std::size_t bad = 0;
    for (std::size_t leaf = 0; leaf < index->leaf_count(); ++leaf) {
      if (ctrl_c.token().stop_requested()) {
        throw common::failure{"interrupted before the end", {}, common::exit_interrupted};
      }
      const shoal::cid id = index->id(leaf);
      const std::uint64_t length = index->end(leaf) - index->begin(leaf);
      if (const auto [known, added] = seen.emplace(id, length); !added && known->second == length) continue;
      const shoal::result<shoal::block> got = shoal::run(context, opened.blocks.get(id));
      const shoal::result<shoal::lease> content =
          got ? leaf_content(id, got->data, length) : shoal::result<shoal::lease>{got.error()};
      bar.at(index->end(leaf));
      if (content) continue;
      ++bad;
      std::fprintf(stderr, "leaf %s at byte %llu: %s\n", to_text(id).c_str(),
                   static_cast<unsigned long long>(index->begin(leaf)), content.error().message().c_str());
    }
    if (bad != 0) {
      throw common::failure{std::to_string(bad) + " of " + std::to_string(seen.size()) + " blocks of " +
                                to_text(root) + " are damaged or missing in " + store,
                            "import the image again"};
    }
    if (!quiet) {
      std::printf("%s is whole: %s in %zu different leaves\n", to_text(root).c_str(),
                  common::format_size(index->size()).c_str(), seen.size());
    }
    return 0;
  }
};

std::shared_ptr<inspect_command> add_common(CLI::App& sub) {
  auto command = std::make_shared<inspect_command>();
  sub.add_option("CID", command->cid, "the image; default: the only root of the store");
  sub.add_option("--store", command->store, "where its blocks are: car:FILE, flatfs:DIR or ref:FILE")
      ->required();
  return command;
}

}  // namespace

void add_info(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("info", "tell what an image is: CID, size, holes, leaves");
  const auto command = add_common(*sub);
  sub->add_flag("-q,--quiet", command->quiet, "print the CID and nothing else");
  sub->add_flag("--json", command->json, "print one JSON object");
  sub->footer("Example:\n  shoal-image info --store car:disk.car");
  sub->callback([command, &chosen] { chosen = [command] { return command->info(); }; });
}

void add_verify(CLI::App& app, action& chosen) {
  CLI::App* const sub =
      app.add_subcommand("verify", "read every block of an image and check it against its CID");
  const auto command = add_common(*sub);
  sub->add_flag("-q,--quiet", command->quiet, "say nothing unless something is wrong");
  sub->footer(
      "Exits with 1 when a block is damaged or missing, and names each.\n\n"
      "Example:\n  shoal-image verify bafybei... --store flatfs:blocks");
  sub->callback([command, &chosen] { chosen = [command] { return command->verify(); }; });
}
