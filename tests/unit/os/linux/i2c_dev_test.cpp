// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/i2c_dev.hpp>

#include <system_error>

#include <doctest/doctest.h>

using namespace shoal;
using namespace shoal::linux_os;

TEST_CASE("only a node of an I2C bus opens as one") {
  CHECK(i2c_dev::open("/dev/i2c-of-nobody").error() == std::errc::no_such_file_or_directory);
  CHECK(i2c_dev::open("/dev/null").error() == errc::unsupported);
}
