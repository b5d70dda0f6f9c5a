// SPDX-License-Identifier: BSL-1.0
//
// shoal-peer get: fetches a file from peers.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <shoal/image/image_device.hpp>
#include <shoal/image/load_index.hpp>
#include <shoal/os/posix/atomic_file.hpp>

#include "../common/message.hpp"
#include "../common/node.hpp"
#include "../common/progress.hpp"
#include "../common/size.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"

namespace {

using common::failure;

struct get_options {
  node_options node;
  std::string cid;
  std::string output;
  bool quiet = false;
};

/// Leaves that are asked for ahead of the one that is written.
constexpr std::size_t leaves_ahead = 256;
constexpr std::size_t bytes_ahead = 32u << 20;

/// Where the file goes: standard output, or a file that is there whole or not at all.
class output_file {
 public:
  explicit output_file(const std::string& path) : path_(path) {
    if (path.empty()) return;
    auto made = shoal::posix::atomic_file::create(path);
    if (!made) throw failure{"cannot write " + path, made.error(), "its directory must exist and be writable"};
    file_.emplace(std::move(*made));
  }

  void write(shoal::bytes_view bytes) {
    if (file_) {
      check(file_->append(bytes));
    } else if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
      throw failure{"cannot write to standard output", std::error_code{errno, std::system_category()}};
    }
  }
  void commit() {
    if (file_) check(file_->commit());
  }

 private:
  void check(const shoal::result<>& written) {
    if (!written) throw failure{"cannot write " + path_, written.error(), "is there space where it goes?"};
  }
  std::string path_;
  std::optional<shoal::posix::atomic_file> file_;
};

failure cannot_fetch(const node& peer, const std::string& what, std::error_code why) {
  std::string next = "nobody among " + std::to_string(peer.host.link_count()) + " connected peers sent it";
  if (peer.host.link_count() == 0)
    next = "no peer is connected: name one with --bootstrap, or look with --mdns";
  if (why == shoal::errc::unsupported) next = "get fetches files; this is a directory or something else";
  if (why == shoal::errc::malformed) next = "its blocks are whole, but contradict each other";
  return failure{"cannot fetch " + what, why, next};
}

asio::awaitable<void> fetch(node& peer, shoal::cid root, const get_options& given) {
  const shoal::openssl::digester digester;
  const shoal::image_limits limits;
  const auto begun = std::chrono::steady_clock::now();
  output_file out{given.output};
  const shoal::result<shoal::image_index> index =
      co_await shoal::load_image_index(peer.blocks, digester, root, limits);
  if (!index) throw cannot_fetch(peer, given.cid, index.error());
  common::progress bar{"fetching", index->size(), !given.quiet};
  std::size_t asked = 0;
  for (std::size_t leaf = 0; leaf < index->leaf_count(); ++leaf) {
    for (; asked < index->leaf_count() && asked - leaf < leaves_ahead &&
           (asked <= leaf || index->begin(asked) - index->begin(leaf) < bytes_ahead);
         ++asked) {
      if (!index->is_hole(asked)) (void)peer.blocks.prefetch(index->id(asked), 1);
    }
    const std::uint64_t length = index->end(leaf) - index->begin(leaf);
    if (index->is_hole(leaf)) {
      for (std::uint64_t left = length; left != 0;) {
        const shoal::lease zeroes = shoal::lease::zeroes(static_cast<std::size_t>(left));
        out.write(zeroes.bytes());
        left -= zeroes.size();
      }
    } else {
      const shoal::cid id = index->id(leaf);
      const shoal::result<shoal::block> got = co_await peer.blocks.get(id);
      if (!got) throw cannot_fetch(peer, to_text(id), got.error());
      const shoal::result<shoal::lease> content = shoal::leaf_content(id, got->data, length);
      if (!content) throw cannot_fetch(peer, to_text(id), content.error());
      out.write(content->bytes());
    }
    bar.at(index->end(leaf));
  }
  out.commit();
  if (given.quiet) co_return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::fprintf(stderr, "%s in %.2f s, %.1f MB/s; %s\n", common::format_size(index->size()).c_str(), seconds,
               static_cast<double>(index->size()) / seconds / 1e6, peer.traffic().c_str());
}

int run_get(const get_options& given) {
  if (given.output.empty() && isatty(STDOUT_FILENO) != 0) {
    throw failure{"the file would go to this terminal", "give -o FILE, or redirect the output",
                  common::exit_usage};
  }
  const shoal::cid root = common::parse_cid(given.cid);
  asio::io_context context{1};
  node peer{context, given.node};
  peer.start();
  peer.look_for(root);
  return run_interruptible(context, fetch(peer, root, given));
}

}  // namespace

void add_get(CLI::App& app, action& chosen) {
  CLI::App* const command = app.add_subcommand("get", "fetch a file from peers");
  const auto given = std::make_shared<get_options>();
  command->add_option("CID", given->cid, "the file")->required();
  command->add_option("-o,--output", given->output, "where it goes; default: standard output")
      ->type_name("FILE");
  command->add_flag("-q,--quiet", given->quiet, "no progress, no summary");
  given->node.add_to(*command);
  command->footer("Example:\n  shoal-peer get bafybei... -o disk.img --bootstrap /ip4/192.0.2.1/tcp/4001");
  refuse_empty_values(*command);
  command->callback([given, &chosen] { chosen = [given] { return run_get(*given); }; });
}
