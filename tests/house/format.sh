#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# format.sh ROOT: shows what clang-format 19 would change. To apply it: format.sh ROOT -i
# ids_attack.c is a module of Linux, and has the style of that.
set -eu
cd "$1"
tool=clang-format-19
if ! command -v $tool > /dev/null; then
  echo "SKIP: $tool is not installed (sh tests/setup.sh test)"
  exit 77
fi
find include tests examples bench test_package \( -name '*.[hc]pp' -o -name '*.[hc]' \) ! -name ids_attack.c -print |
  xargs $tool ${2:---dry-run -Werror}
