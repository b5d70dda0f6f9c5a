// SPDX-License-Identifier: BSL-1.0
//
// find_file: where a file is on a disk: on each ext2, ext3 or ext4 file system that starts at the beginning of
// the disk or of a partition and has it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/fs/ext4.hpp>
#include <shoal/fs/partitions.hpp>

#include "message.hpp"

namespace common {

/// Reads a disk, wherever; waits for it.
using disk_reader = std::function<shoal::status(std::uint64_t offset, shoal::bytes_span out)>;

/// Where a file is on a disk. @throws failure
inline shoal::fs::file_place find_file(const disk_reader& read, const std::string& path,
                                       const std::string& disk) {
  using namespace shoal::fs;
  std::vector<shoal::byte_range> contents;
  std::vector<shoal::byte_range> records;
  ext4_error why = ext4_error::not_ext4;
  bool found = false;
  file_place place;
  for (const shoal::byte_range& part : partitions(std::cref(read))) {
    ext4_files files{std::cref(read), part.begin};
    ext4_error error = files.open();
    if (error == ext4_error::none) error = files.find(path, place);
    if (error != ext4_error::none) {
      if (error != ext4_error::not_ext4 && error != ext4_error::unreadable) why = error;
      continue;
    }
    found = true;
    if (files.needs_recovery()) {
      std::fprintf(
          stderr,
          "warning: %s was not unmounted: its journal may hold another place for %s; e2fsck replays it\n",
          disk.c_str(), path.c_str());
    }
    contents.insert(contents.end(), place.contents.ranges().begin(), place.contents.ranges().end());
    records.insert(records.end(), place.records.ranges().begin(), place.records.ranges().end());
  }
  if (!found) {
    throw failure{"cannot find " + path + " on " + disk + ": " + std::string{text_of(why)},
                  "rules take paths on ext2, ext3 and ext4; or give its bytes, as disk:0-511", exit_usage};
  }
  place.contents = shoal::range_set{std::move(contents)};
  place.records = shoal::range_set{std::move(records)};
  return place;
}

}  // namespace common
