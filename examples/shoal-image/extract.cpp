// SPDX-License-Identifier: BSL-1.0
//
// cat and export: an image's bytes, to a pipe or to a sparse file.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <shoal/image/image_device.hpp>
#include <shoal/os/posix/file_io.hpp>
#include <shoal/os/posix/unique_fd.hpp>

#include "../common/image.hpp"
#include "../common/interrupt.hpp"
#include "../common/message.hpp"
#include "../common/progress.hpp"
#include "../common/size.hpp"
#include "../common/stores.hpp"
#include "commands.hpp"

namespace {

using common::failure;

class image_reader {
 public:
  image_reader(const std::string& cid, const std::string& store)
      : store_(store), opened_(common::open_store(store)), root_(common::root_of(opened_, cid)) {
    auto index = common::load_image(context_, opened_.blocks, store, root_);
    device_.emplace(std::move(index), std::make_shared<shoal::any_store>(opened_.blocks));
  }

  [[nodiscard]] const std::vector<std::filesystem::path>& files() const noexcept { return opened_.files; }
  [[nodiscard]] const shoal::image_index& index() const noexcept { return device_->index(); }

  /// @throws failure
  void read(std::uint64_t offset, shoal::bytes_span out) {
    const shoal::result<> done = shoal::run(context_, device_->read(offset, out));
    if (!done) {
      throw common::cannot_read_image(
          "cannot read byte " + std::to_string(offset) + " of image " + to_text(root_), store_, done.error());
    }
  }

 private:
  asio::io_context context_;
  std::string store_;
  common::opened_store opened_;
  shoal::cid root_;
  std::optional<shoal::image_device<shoal::any_store>> device_;
};

/// Calls `write(offset, bytes)` with the whole of a range, piece by piece, leaving out holes if wanted.
template <class Write>
void copy_range(image_reader& image, std::uint64_t offset, std::uint64_t end, bool skip_holes,
                common::progress& bar, const common::interrupt& ctrl_c, const Write& write) {
  std::vector<std::byte> buffer(1u << 20);
  const shoal::image_index& index = image.index();
  while (offset < end) {
    if (ctrl_c.token().stop_requested()) throw failure{"interrupted", {}, common::exit_interrupted};
    const std::size_t leaf = index.leaf_at(offset);
    if (skip_holes && index.is_hole(leaf)) {
      offset = std::min(end, index.end(leaf));
      continue;
    }
    // no more than a leaf at once: when one is damaged, all that come before it have been written
    const std::uint64_t rest = std::min(end, index.end(leaf)) - offset;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size()));
    const shoal::bytes_span piece = shoal::bytes_span{buffer}.first(size);
    image.read(offset, piece);
    write(offset, shoal::bytes_view{piece});
    offset += size;
    bar.at(offset);
  }
}

struct cat_command {
  std::string cid;
  std::string store;
  std::string offset_text = "0";
  std::string length_text;

  int run() const {
    const common::interrupt ctrl_c;
    image_reader image{cid, store};
    const std::uint64_t size = image.index().size();
    const std::uint64_t offset = size_of(offset_text);
    const std::uint64_t length = length_text.empty() ? size - std::min(size, offset) : size_of(length_text);
    if (!shoal::contains(size, offset, length)) {
      throw failure{"the image ends at byte " + std::to_string(size), "choose --offset and --length inside it",
                    common::exit_usage};
    }
    common::progress bar{"reading", offset + length, false};
    copy_range(image, offset, offset + length, false, bar, ctrl_c, [](std::uint64_t, shoal::bytes_view piece) {
      if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size()) throw output_failed();
    });
    if (std::fflush(stdout) != 0) throw output_failed();
    return 0;
  }

 private:
  static std::uint64_t size_of(const std::string& text) {
    const std::optional<std::uint64_t> size = common::parse_size(text);
    if (!size)
      throw failure{"'" + text + "' is not a size", "sizes look like 4096, 64K or 1.5G", common::exit_usage};
    return *size;
  }

  static failure output_failed() {
    return failure{"cannot write to standard output", std::error_code{errno, std::system_category()}};
  }
};

struct export_command {
  std::string cid;
  std::string store;
  std::string output;

  int run() const {
    const common::interrupt ctrl_c;
    image_reader image{cid, store};
    check_output(image.files());
    const std::string part = output + ".part";
    // O_EXCL: whatever has that name is not ours to overwrite
    const shoal::posix::unique_fd file{::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (!file) throw cannot_create(part, shoal::posix::last_error());
    try {
      write_to(image, file.get(), ctrl_c);
      if (::rename(part.c_str(), output.c_str()) != 0) throw output_failed(shoal::posix::last_error());
    } catch (...) {
      ::unlink(part.c_str());
      throw;
    }
    std::fprintf(stderr, "%s: %s\n", output.c_str(), common::format_size(image.index().size()).c_str());
    return 0;
  }

 private:
  /// The output takes the place of what had its name: only of a file, and of none that the image is read from.
  void check_output(const std::vector<std::filesystem::path>& read_from) const {
    std::error_code ignored;
    const std::filesystem::file_status status = std::filesystem::status(output, ignored);
    if (std::filesystem::is_directory(status)) {
      throw failure{output + " is a directory", "give the name of a file, such as " + output + "/disk.img"};
    }
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      throw failure{output + " is not a regular file",
                    "write to it with: shoal-image cat --store " + store + " > " + output};
    }
    for (const std::filesystem::path& file : read_from) {
      if (std::filesystem::equivalent(output, file, ignored)) {
        throw failure{"the image is read from " + output + " itself", "choose another --output",
                      common::exit_usage};
      }
    }
  }

  static failure cannot_create(const std::string& part, std::error_code why) {
    const char* next = "its directory must exist and be writable";
    if (why == std::errc::file_exists)
      next = "another export is writing it, or was killed while it did; remove it and try again";
    return failure{"cannot create " + part, why, next};
  }

  void write_to(image_reader& image, int file, const common::interrupt& ctrl_c) const {
    const std::uint64_t size = image.index().size();
    if (::ftruncate(file, static_cast<off_t>(size)) != 0) throw output_failed(shoal::posix::last_error());
    common::progress bar{"exporting", size};
    copy_range(image, 0, size, true, bar, ctrl_c, [&](std::uint64_t offset, shoal::bytes_view piece) {
      const shoal::result<> written = shoal::posix::write_at(file, offset, piece, false);
      if (!written) throw output_failed(written.error());
    });
    if (const shoal::result<> synced = shoal::posix::sync(file); !synced) throw output_failed(synced.error());
  }

  [[nodiscard]] failure output_failed(std::error_code why) const {
    return failure{"cannot write " + output, why, "nothing half-written was left behind"};
  }
};

}  // namespace

void add_cat(CLI::App& app, action& chosen) {
  const auto command = std::make_shared<cat_command>();
  CLI::App* const sub = app.add_subcommand("cat", "write an image, or a part of it, to standard output");
  sub->add_option("CID", command->cid, "the image; default: the only root of the store");
  sub->add_option("--store", command->store, "where its blocks are: car:FILE, flatfs:DIR or ref:FILE")
      ->required();
  sub->add_option("--offset", command->offset_text, "first byte; default 0");
  sub->add_option("--length", command->length_text, "how many bytes, such as 64K; default: to the end");
  sub->footer("Example:\n  shoal-image cat --store car:disk.car --offset 1K --length 1K | hexdump -C");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}

void add_export(CLI::App& app, action& chosen) {
  const auto command = std::make_shared<export_command>();
  CLI::App* const sub = app.add_subcommand("export", "write an image to a sparse file");
  sub->add_option("CID", command->cid, "the image; default: the only root of the store");
  sub->add_option("--store", command->store, "where its blocks are: car:FILE, flatfs:DIR or ref:FILE")
      ->required();
  sub->add_option("-o,--output", command->output, "the file to write; it appears when it is whole")->required();
  sub->footer("Example:\n  shoal-image export --store car:disk.car --output disk.img");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
