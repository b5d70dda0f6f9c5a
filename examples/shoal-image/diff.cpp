// SPDX-License-Identifier: BSL-1.0
//
// diff: how much two versions of an image share, which is what a device that has one need not fetch for the
// other.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <asio/io_context.hpp>

#include "../common/image.hpp"
#include "../common/message.hpp"
#include "../common/size.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"

namespace {

struct share {
  std::uint64_t bytes = 0;         ///< of different leaves, holes left out
  std::uint64_t common_bytes = 0;  ///< of those, in the other image too
  std::size_t leaves = 0;
  std::size_t common_leaves = 0;
};

using leaf_sizes = std::unordered_map<shoal::cid, std::uint64_t>;

leaf_sizes leaves_of(const shoal::image_index& index) {
  leaf_sizes sizes;
  for (std::size_t leaf = 0; leaf < index.leaf_count(); ++leaf) {
    if (!index.is_hole(leaf)) sizes.emplace(index.id(leaf), index.end(leaf) - index.begin(leaf));
  }
  return sizes;
}

share share_of(const leaf_sizes& mine, const leaf_sizes& other) {
  share found;
  for (const auto& [id, size] : mine) {
    const bool both = other.contains(id);
    found.bytes += size;
    found.leaves += 1;
    found.common_bytes += both ? size : 0;
    found.common_leaves += both ? 1 : 0;
  }
  return found;
}

double percent(const share& of) {
  return of.bytes == 0 ? 100.0 : 100.0 * static_cast<double>(of.common_bytes) / static_cast<double>(of.bytes);
}

struct diff_command {
  std::string first;
  std::string second;
  std::vector<std::string> stores;
  bool json = false;

  int run() const {
    asio::io_context context;
    if (stores.size() > 2) {
      throw common::failure{"two images are in at most two stores", "give --store once or twice",
                            common::exit_usage};
    }
    common::opened_store a = common::open_store(stores.front());
    common::opened_store b = common::open_store(stores.back());
    const shoal::cid root_a = common::root_of(a, first);
    const shoal::cid root_b = common::root_of(b, second);
    const leaf_sizes leaves_a = leaves_of(*common::load_image(context, a.blocks, a.uri, root_a));
    const leaf_sizes leaves_b = leaves_of(*common::load_image(context, b.blocks, b.uri, root_b));
    print(root_a, share_of(leaves_a, leaves_b));
    print(root_b, share_of(leaves_b, leaves_a));
    return 0;
  }

 private:
  void print(const shoal::cid& root, const share& of) const {
    if (json) {
      std::printf(
          "{\"cid\":\"%s\",\"bytes\":%llu,\"common_bytes\":%llu,\"leaves\":%zu,\"common_leaves\":%zu}\n",
          to_text(root).c_str(), static_cast<unsigned long long>(of.bytes),
          static_cast<unsigned long long>(of.common_bytes), of.leaves, of.common_leaves);
      return;
    }
    std::printf("%s: %s of %s in common (%.1f %%), %zu of %zu leaves\n", to_text(root).c_str(),
                common::format_size(of.common_bytes).c_str(), common::format_size(of.bytes).c_str(),
                percent(of), of.common_leaves, of.leaves);
  }
};

}  // namespace

void add_diff(CLI::App& app, action& chosen) {
  const auto command = std::make_shared<diff_command>();
  CLI::App* const sub = app.add_subcommand("diff", "tell how much two versions of an image share");
  sub->add_option("CID1", command->first, "one image; default: the only root of the first store");
  sub->add_option("CID2", command->second, "the other; default: the only root of the last store");
  sub->add_option("--store", command->stores, "where their blocks are; once for both, or once for each")
      ->required()
      ->allow_extra_args(false);
  sub->add_flag("--json", command->json, "print one JSON object for each image");
  sub->footer(
      "Counts different leaves; holes are left out.\n\n"
      "Examples:\n"
      "  shoal-image diff --store car:monday.car --store car:tuesday.car\n"
      "  shoal-image diff bafybei...1 bafybei...2 --store flatfs:blocks");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
