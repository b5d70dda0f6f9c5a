# SPDX-License-Identifier: BSL-1.0
#
# How fast a whole file travels from peer to peer: ours to ours beside Helia to Helia, in one interleaved run.
#
#     sh bench/peers/bulk.sh BIN [--runs 5] [--size 256] [--leaf 262144,1048576] [--keep FILE]
#
# Installs Helia below build/tools as the tests do, or uses the installation in SHOAL_HELIA (a folder that has
# node_modules and the programs of tests/interop/ipfs).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
peer_programs=$here/../../tests/interop/ipfs
. "$here/../../tests/interop/common/ipfs.sh"
if [ -n "${SHOAL_HELIA:-}" ]; then
  helia_tools=$SHOAL_HELIA helia_node=$SHOAL_HELIA/node_modules/.bin/node
else
  helia_setup
fi
exec "${PYTHON:-/usr/bin/python3}" "$here/bulk.py" "$@" --node "$helia_node" --helia "$helia_tools"
