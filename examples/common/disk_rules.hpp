// SPDX-License-Identifier: BSL-1.0
//
// Rules about files of a disk: where those files are. On every ext2, ext3 or ext4 file system that starts at
// the beginning of the disk or of a partition.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/range_set.hpp>
#include <shoal/base/status.hpp>
#include <shoal/block/any_device.hpp>
#include <shoal/fs/ext4.hpp>
#include <shoal/monitor/protected_bytes.hpp>
#include <shoal/monitor/rule.hpp>
#include <shoal/task/run.hpp>

#include "find_file.hpp"
#include "message.hpp"

namespace common {

/// Reads in what the disk has for its smallest unit.
/// @param read  reads whole units: a result<>
template <class Read>
disk_reader whole_units(shoal::device_info info, Read read) {
  return [info, read](std::uint64_t offset, shoal::bytes_span out) {
    if (!shoal::contains(info.size, offset, out.size())) return shoal::status::out_of_range;
    const std::uint64_t unit = info.min_io;
    const std::uint64_t begin = offset / unit * unit;
    const std::uint64_t end = std::min((offset + out.size() + unit - 1) / unit * unit, info.size);
    std::vector<std::byte> whole(static_cast<std::size_t>(end - begin));
    if (!read(begin, shoal::bytes_span{whole})) return shoal::status::failed;
    std::memcpy(out.data(), whole.data() + (offset - begin), out.size());
    return shoal::status::ok;
  };
}

/// Of a disk whose context nobody runs yet. Refers to both.
inline disk_reader reader_of(asio::io_context& context, shoal::any_device& disk) {
  return whole_units(disk.info(), [&context, &disk](std::uint64_t offset, shoal::bytes_span out) {
    return static_cast<bool>(shoal::run(context, disk.read(offset, out)));
  });
}

/// Of all rules about files of this disk. @throws failure
inline void place_files(std::vector<shoal::monitor::rule>& rules, std::uint16_t source, const std::string& name,
                        const disk_reader& read) {
  using namespace shoal::monitor;
  for (rule& each : rules) {
    if (each.file.empty() || (each.at.source >= 0 && each.at.source != source)) continue;
    if (each.target != nullptr) {
      throw failure{"the rule '" + each.name + "' is about a file, and there are several disks",
                    "say which it is on with 'source N', from 0", exit_usage};
    }
    const shoal::fs::file_place place = find_file(read, each.file, "'" + name + "'");
    auto target = std::make_shared<protected_bytes>();
    target->contents = place.contents;
    for (const shoal::byte_range& range : place.records.ranges()) {
      kept_bytes& kept = target->records.emplace_back();
      kept.offset = range.begin;
      kept.bytes.resize(static_cast<std::size_t>(range.end - range.begin));
      if (read(kept.offset, kept.bytes) != shoal::status::ok) {
        throw failure{"cannot read '" + name + "'", "the rule '" + each.name + "' needs what is there"};
      }
    }
    each.target = std::move(target);
  }
}

/// A rule about a file that no disk has. @throws failure
inline void refuse_unplaced_files(const std::vector<shoal::monitor::rule>& rules) {
  for (const shoal::monitor::rule& each : rules) {
    if (each.file.empty() || each.target != nullptr) continue;
    throw failure{"the rule '" + each.name + "' is about a file of a disk that is not there",
                  "check its 'source N': disks are counted from 0", exit_usage};
  }
}

}  // namespace common
