// SPDX-License-Identifier: BSL-1.0
#include <shoal/nbd/errors.hpp>  // first: shows that the header stands alone

#include <cerrno>
#include <system_error>

#include <doctest/doctest.h>

namespace {

using shoal::errc;
using shoal::nbd::error;
using shoal::nbd::to_nbd_error;

TEST_CASE("what shoal finds wrong becomes the error that NBD has for it") {
  CHECK(to_nbd_error({}) == error::ok);
  CHECK(to_nbd_error(errc::read_only) == error::perm);
  CHECK(to_nbd_error(errc::no_space) == error::nospc);
  CHECK(to_nbd_error(errc::out_of_range) == error::inval);
  CHECK(to_nbd_error(errc::unsupported) == error::notsup);
  CHECK(to_nbd_error(errc::shutting_down) == error::shutdown);
  CHECK(to_nbd_error(errc::block_mismatch) == error::io);
}

TEST_CASE("the system's errors are known by condition, in any category") {
  CHECK(to_nbd_error({EDQUOT, std::system_category()}) == error::nospc);
  CHECK(to_nbd_error({EFBIG, std::system_category()}) == error::nospc);
  CHECK(to_nbd_error({EACCES, std::generic_category()}) == error::perm);
  CHECK(to_nbd_error({ENOMEM, std::generic_category()}) == error::nomem);
  CHECK(to_nbd_error({ETIMEDOUT, std::system_category()}) == error::io);
}

TEST_CASE("an error that a server told becomes one that would be told the same way") {
  CHECK_FALSE(from_nbd_error(error::ok));
  for (const error each :
       {error::perm, error::io, error::nomem, error::inval, error::nospc, error::notsup, error::shutdown}) {
    CHECK(to_nbd_error(from_nbd_error(each)) == each);
  }
  CHECK(from_nbd_error(error::overflow) == std::errc::value_too_large);
  CHECK(from_nbd_error(error{77}) == std::errc::io_error);
}

}  // namespace
