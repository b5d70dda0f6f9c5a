// SPDX-License-Identifier: BSL-1.0
//
// Profiles and baselines in files.
#pragma once

#include <string>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/os/posix/atomic_file.hpp>
#include <shoal/os/posix/mapping.hpp>

#include "../common/message.hpp"

/// What T::decode makes of a file. @param what  it is, for messages  @throws failure
template <class T>
T load_saved(const std::string& path, const std::string& what) {
  const shoal::result<shoal::posix::mapping> file = shoal::posix::mapping::open(path);
  if (!file) {
    throw common::failure{"cannot read the " + what + " " + path, file.error(),
                          "name a file that shoal-ids wrote"};
  }
  shoal::result<T> read = T::decode(file->bytes());
  if (!read) {
    throw common::failure{path + " is no " + what + " of a kernel", read.error(),
                          "name a file that shoal-ids wrote, or remove it"};
  }
  return std::move(*read);
}

/// Writes a file whole or not at all. @throws failure
inline void save(const std::string& path, shoal::bytes_view bytes, const std::string& what) {
  shoal::result<shoal::posix::atomic_file> file = shoal::posix::atomic_file::create(path);
  shoal::result<> done = file ? file->append(bytes) : shoal::result<>{file.error()};
  if (done) done = file->commit();
  if (!done) {
    throw common::failure{"cannot write the " + what + " " + path, done.error(),
                          "its folder must exist and be writable"};
  }
}
