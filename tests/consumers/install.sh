#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# install.sh SOURCE BUILD PREFIX: installs into an empty PREFIX; every file of include/ must arrive, and nothing else there.
set -eu
source=$1
prefix=$3
rm -rf "$prefix"
cmake --install "$2" --prefix "$prefix"
(cd "$source/include" && find . -type f | sort) > "$prefix/headers.source"
(cd "$prefix/include" && find . -type f | sort) > "$prefix/headers.installed"
diff "$prefix/headers.source" "$prefix/headers.installed"
rm "$prefix/headers.source" "$prefix/headers.installed"
