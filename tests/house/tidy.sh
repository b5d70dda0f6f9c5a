#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# tidy.sh ROOT BUILD_DIR: clang-tidy over every header, by way of a unit that includes them all. .clang-tidy says what it looks for.
set -eu
tool=clang-tidy-19
if ! command -v $tool > /dev/null; then
  echo "SKIP: $tool is not installed (sh tests/setup.sh test full)"
  exit 77
fi
exec $tool -quiet "$1/tests/link/first.cpp" -- -std=c++20 -DASIO_STANDALONE -DASIO_HAS_CO_AWAIT=1 \
  -DDOCTEST_CONFIG_USE_STD_HEADERS "-I$1/include" "-I$2/world"
