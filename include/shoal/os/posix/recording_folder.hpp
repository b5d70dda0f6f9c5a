// SPDX-License-Identifier: BSL-1.0
//
// recording_folder: where a collector keeps recordings: a file NAME-SESSION.rec for each session of a sender,
// continued when the sender, or the collector, comes back.
//
//     posix::recording_folder folder{"recordings"};
//     posix::recording_folder::place place{folder};    // for one connection: a record_keeper
//
// Blocks while it writes. Leaves out deleting.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/monitor/collect_protocol.hpp>
#include <shoal/os/posix/recording_file.hpp>

namespace shoal::posix {

struct recording_folder_options {
  std::uint64_t max_file = std::uint64_t{1} << 30;  ///< bytes; a session that has more is refused
};

/// One strand. Outlives its places.
class recording_folder {
 public:
  explicit recording_folder(std::filesystem::path path, recording_folder_options options = {})
      : path_(std::move(path)), options_(options) {}

  /// What one connection writes to.
  class place {
   public:
    explicit place(recording_folder& folder) noexcept : folder_(folder) {}
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { leave(); }

    /// Errors of recording_file::open. An earlier connection of the same session writes no more: errc::closed.
    result<std::uint64_t> open(const monitor::collect_hello& hello) {
      leave();
      std::array<char, 20> session{};
      std::snprintf(session.data(), session.size(), "-%016llx", static_cast<unsigned long long>(hello.session));
      path_ = folder_.path_ / (hello.name + session.data() + ".rec");
      if (const auto other = folder_.writers_.find(path_.string()); other != folder_.writers_.end()) {
        other->second->leave();
      }
      result<recording_file> opened = recording_file::open(path_, sync_policy::system);
      if (!opened) return opened.error();
      file_.emplace(std::move(*opened));
      folder_.writers_[path_.string()] = this;
      return file_->found();
    }

    result<> append(bytes_view bytes, std::uint64_t /*records*/) {
      if (!file_) return errc::closed;
      if (bytes.size() > folder_.options_.max_file - std::min(file_->size(), folder_.options_.max_file)) {
        return errc::no_space;
      }
      file_->append(bytes);
      return file_->flush();
    }

    /// Of the session; empty before open().
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

   private:
    void leave() noexcept {
      if (!file_) return;
      file_.reset();
      folder_.writers_.erase(path_.string());
    }

    recording_folder& folder_;
    std::filesystem::path path_;
    std::optional<recording_file> file_;
  };
  static_assert(monitor::record_keeper<place>);

 private:
  std::filesystem::path path_;
  recording_folder_options options_;
  std::map<std::string, place*> writers_;  // of each file that is open
};

}  // namespace shoal::posix
