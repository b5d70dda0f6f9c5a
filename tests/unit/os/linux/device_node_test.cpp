// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/device_node.hpp>

#include <cerrno>
#include <string>
#include <system_error>

#include <doctest/doctest.h>

#include <shoal/os/linux/cdev_gpio.hpp>

using namespace shoal;
using namespace shoal::linux_os;

TEST_CASE("a node that is not there says so, and where to look") {
  const result<cdev_gpio> chip = cdev_gpio::open("/dev/gpiochip-of-nobody7");
  CHECK(chip.error() == std::errc::no_such_file_or_directory);
  CHECK(next_step("/dev/gpiochip7", chip.error()) ==
        "ls /dev/gpiochip* shows what is there; is the driver loaded?");
}

TEST_CASE("a node of another kind is unsupported") {
  CHECK(cdev_gpio::open("/dev/null").error() == errc::unsupported);
  CHECK(next_step("/dev/null", errc::unsupported).starts_with("/dev/null is another kind of device"));
}

TEST_CASE("a next step is given for each error") {
  const std::string group = next_step("/dev/gpiochip0", std::make_error_code(std::errc::permission_denied));
  CHECK(group == "run it as root, or as a member of the group that ls -l /dev/gpiochip0 shows");
  CHECK(next_step("/dev/i2c-1", std::make_error_code(std::errc::device_or_resource_busy)) ==
        "another program or a driver of the kernel uses it");
  CHECK(next_step("/dev/x", std::make_error_code(std::errc::io_error)) == "is /dev/x the right one?");
}

TEST_CASE("what errno says becomes a status") {
  CHECK(status_of(0) == status::ok);
  CHECK(status_of(EBUSY) == status::busy);
  CHECK(status_of(EINVAL) == status::invalid_argument);
  CHECK(status_of(ETIMEDOUT) == status::timed_out);
  CHECK(status_of(EOPNOTSUPP) == status::unsupported);
  CHECK(status_of(524) == status::unsupported);
  CHECK(status_of(ENXIO) == status::failed);
  CHECK(status_of(EREMOTEIO) == status::failed);
}
