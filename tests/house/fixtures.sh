#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# fixtures.sh DIR: says so when the conformance data is not there, for then the unit tests that need it check less.
if [ ! -f "$1/INDEX.md" ]; then
  echo "SKIP: no conformance data in $1: the unit tests that read published vectors pass without them (cmake -D SHOAL_FIXTURES=DIR)"
  exit 77
fi
echo "conformance data: $1"
