#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# pkg_config.sh PREFIX WORK COMPILER VERSION: builds the two programs with what pkg-config says, and runs them.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$1
work=$2
compiler=$3
version=$4
if ! command -v pkg-config > /dev/null; then
  echo 'SKIP: pkg-config is not installed (sh tests/setup.sh test)'
  exit 77
fi
export PKG_CONFIG_PATH="$prefix/share/pkgconfig"
mkdir -p "$work"
for package in shoal-core shoal shoal-openssl shoal-linux; do
  pkg-config --print-errors --exact-version="$version" $package
done
set -x
# shellcheck disable=SC2046 # lists of flags
"$compiler" -std=c++20 $(pkg-config --cflags shoal-core) "$here/project/core.cpp" -o "$work/core"
"$compiler" -std=c++20 $(pkg-config --cflags shoal-linux shoal-openssl) "$here/project/whole.cpp" -o "$work/whole" \
  $(pkg-config --libs shoal-linux shoal-openssl)
"$work/core"
"$work/whole"
