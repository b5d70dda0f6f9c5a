# SPDX-License-Identifier: BSL-1.0
#
# A peer of the Go implementation (go-libp2p and boxo, of which Kubo is made) fetches files from us and we from it,
# and in a private network.
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/ipfs.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'peers_stop; end_peers; finish' EXIT
need sha256sum
go_peer_setup

both_ways() {
  size=$(numfmt --from=iec "$1") leaf=$(numfmt --from=iec "$2") key=${3:-}
  echo "== $1 in leaves of $2 ${key:+in a private network}"
  # shellcheck disable=SC2086 # options that may not be there
  go_peer_start "$work/go.log" serve -size "$size" -leaf "$leaf" ${key:+-swarm-key "$key"}
  # shellcheck disable=SC2086
  "$bin/shoal-peer" get "$(said "$work/go.log" CID)" -o "$work/got" --bootstrap "$(said "$work/go.log" MULTIADDR)" \
    ${key:+--swarm-key "$key"}
  [ "$(sum_of "$work/got")" = "$(said "$work/go.log" SHA256)" ] || fail "got something else from Go"
  peers_stop

  make_image ours "$size" "$leaf"
  # shellcheck disable=SC2086
  start_peer origin --provide "car:$work/ours.car" ${key:+--swarm-key "$key"}
  # shellcheck disable=SC2086
  go_peer fetch ${key:+-swarm-key "$key"} "$address" "$cid" | tee "$work/fetched"
  [ "$(said "$work/fetched" SHA256)" = "$(sum_of "$work/ours.img")" ] || fail "Go got something else from us"
  stop_peer "$peer" origin
  cat "$work/origin.err"
}

both_ways 64M 256K
both_ways 64M 1M
make_swarm_key "$work/swarm.key"
both_ways 8M 64K "$work/swarm.key"
