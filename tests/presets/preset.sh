#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# preset.sh full|smoke PRESET "TOOL ..." TARGET
#
# full: the preset's workflow. smoke: configures it, builds TARGET and runs that target's tests. Skips when a tool is missing.
set -eu
kind=$1
preset=$2
needs=$3
target=$4
for tool in $needs; do
  if ! command -v "$tool" > /dev/null; then
    echo "SKIP: $tool is not installed (sh tests/setup.sh test full)"
    exit 77
  fi
done
if [ "$kind" = full ]; then
  exec cmake --workflow --preset "$preset"
fi
cmake --preset "$preset"
cmake --build --preset "$preset" --target "$target"
ctest --preset "$preset" -R "^$(echo "$target" | sed 's/_/[._]/')([.]|\$)"
