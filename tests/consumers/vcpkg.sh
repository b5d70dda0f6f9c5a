#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# vcpkg.sh SOURCE WORK: builds the overlay port of packaging/vcpkg, where vcpkg can be had.
set -eu
source=$1
work=$2
tool=${VCPKG_ROOT:+$VCPKG_ROOT/vcpkg}
[ -n "$tool" ] || tool=$(command -v vcpkg || :)
if [ -z "$tool" ] || [ ! -x "$tool" ]; then
  echo 'SKIP: vcpkg is not installed and no package of Debian has it (set VCPKG_ROOT)'
  exit 77
fi
mkdir -p "$work"
"$tool" install shoal --classic --overlay-ports="$source/packaging/vcpkg" --x-install-root="$work/installed" \
  --x-buildtrees-root="$work/buildtrees" --x-packages-root="$work/packages"
