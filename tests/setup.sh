#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# setup.sh [GROUP...]: installs the Debian packages that shoal's scripts need, if they are missing.
#
#   sh tests/setup.sh test          what tests/run.sh needs
#   sh tests/setup.sh test full     what tests/run.sh --full needs on top
#   sh tests/setup.sh demo          what examples/demo.sh needs
#   sh tests/setup.sh interop-ipfs  npm, for the tests against Helia (tests/run.sh --full), if there is none from elsewhere
#   sh tests/setup.sh --print full  says what it would install, and installs nothing
#
# For Debian 12. Says what it installs; apt-get is run as root, or by sudo, and nothing else is. Elsewhere it says what
# is missing and goes on: a test whose tool is missing is skipped with the reason.
set -eu

usage() { sed -n '4,13s/^# \{0,1\}//p' "$0"; }

build='cmake ninja-build g++ make pkg-config git ca-certificates ccache libasio-dev libssl-dev libcli11-dev doctest-dev
  libbenchmark-dev'
test="$build python3 python3-venv clang-19 clang-tools-19 clang-format-19 libclang-rt-19-dev
  qemu-utils libnbd-bin python3-libnbd nbdkit"
full='g++-aarch64-linux-gnu g++-arm-linux-gnueabihf g++-riscv64-linux-gnu g++-s390x-linux-gnu qemu-user-static qemu-system-arm
  clang-tidy-19 e2fsprogs nbd-client nbd-server fio libcbor-dev curl iproute2 qemu-system-x86 busybox-static cpio kmod xz-utils gpiod'
demo="$build debootstrap e2fsprogs qemu-system-x86 busybox-static nbd-client cpio kmod"

print=false
wanted=
[ $# -gt 0 ] || { usage >&2; exit 2; }
for group in "$@"; do
  case $group in
    -h | --help) usage; exit 0 ;;
    --print) print=true ;;
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    full) wanted="$wanted $full" ;;
    demo) wanted="$wanted $demo" ;;
    # that of others comes with their Node.js, and does not get along with Debian's
    interop-ipfs) command -v npm > /dev/null || wanted="$wanted npm" ;;
    *) echo "setup.sh: no such group '$group'; see --help" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
  echo "setup.sh: this is no Debian; what is expected here:" $wanted
  exit 0
fi

# "install ok installed" package by package: a package that is only known is not there
have=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii *//p' | tr '\n' ' ') "
missing=
for package in $wanted; do
  case "$have $missing " in
    *" $package "*) ;;
    *) missing="$missing $package" ;;
  esac
done
if [ -z "$missing" ]; then
  echo "packages: all there"
  exit 0
fi
echo "packages to install:$missing"
! $print || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo > /dev/null; then
  as_root=sudo
else
  echo "setup.sh: installing needs root and there is no sudo; as root: apt-get install$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
for attempt in 1 2 3; do
  if $as_root apt-get -q update < /dev/null &&
    $as_root apt-get -q -y --no-install-recommends install $missing < /dev/null; then
    exit 0
  fi
  [ "$attempt" = 3 ] || { echo "setup.sh: apt-get failed; trying again" >&2; sleep 5; }
done
echo "setup.sh: apt-get could not install:$missing" >&2
exit 1
