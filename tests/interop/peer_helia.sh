# SPDX-License-Identifier: BSL-1.0
#
# Helia fetches files from us and we from it, with small and large leaves, and in a private network.
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/ipfs.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'peers_stop; end_peers; finish' EXIT
need sha256sum
helia_setup

both_ways() {
  size=$1 leaf=$2
  shift 2
  echo "== $size in leaves of $leaf $*"
  helia_start "$work/helia.log" serve --size "$size" --leaf "$leaf" "$@"
  "$bin/shoal-peer" get "$(said "$work/helia.log" CID)" -o "$work/got" --bootstrap "$(said "$work/helia.log" MULTIADDR)" "$@"
  [ "$(sum_of "$work/got")" = "$(said "$work/helia.log" SHA256)" ] || fail "got something else from Helia"
  peers_stop

  make_image ours "$size" "$(numfmt --from=iec "$leaf")"
  start_peer origin --provide "car:$work/ours.car" "$@"
  helia fetch "$address" "$cid" "$@" | tee "$work/fetched"
  [ "$(said "$work/fetched" SHA256)" = "$(sum_of "$work/ours.img")" ] || fail "Helia got something else from us"
  stop_peer "$peer" origin
  cat "$work/origin.err"
}

both_ways 256M 256K
both_ways 256M 1M
make_swarm_key "$work/swarm.key"
both_ways 8M 64K --swarm-key "$work/swarm.key"

echo "== a stranger is kept out of a private network"
start_peer origin --provide "car:$work/ours.car" --swarm-key "$work/swarm.key"
if helia fetch "$address" "$cid" --timeout 10 > "$work/stranger" 2>&1; then fail "Helia got in without the key"; fi
stop_peer "$peer" origin
