#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# cmake.sh HOW SOURCE PREFIX WORK COMPILER: configures project/ so that it finds shoal in the way HOW, builds and runs it.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
how=$1
source=$2
prefix=$3
work=$4
compiler=$5

rm -rf "$work"
set -- -D HOW="$how" -D SHOAL_SOURCE="$source" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_CXX_COMPILER="$compiler"
if [ "$how" = find_package_core ]; then
  # shoal::core asks for nothing else, and so must its package
  set -- "$@" -D CMAKE_DISABLE_FIND_PACKAGE_asio=ON -D CMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
fi
cmake -S "$here/project" -B "$work" -G Ninja "$@"
cmake --build "$work"
for program in core whole; do
  [ ! -x "$work/$program" ] || "$work/$program"
done
