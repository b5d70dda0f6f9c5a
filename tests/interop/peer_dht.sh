# SPDX-License-Identifier: BSL-1.0
#
# The DHT of the local network with Helia: we find what it provides, it finds what we provide, and we fetch from whom we
# have found.
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/ipfs.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'peers_stop; end_peers; finish' EXIT
need sha256sum
helia_setup

echo "== Helia finds what we provide"
make_image ours 1M 65536
start_peer origin --provide "car:$work/ours.car"
id=${address##*/}
# the first who asks is the first to be told
helia_start "$work/node.log" provide "$address" bafkqaaa
tries=0
until helia findprovs "$address" "$cid" > "$work/found" 2>&1 && grep -q "^PROVIDER $id" "$work/found"; do
  tries=$((tries + 1))
  [ $tries -lt 10 ] || { cat "$work/found" >&2; fail "Helia does not find us"; }
  sleep 1
done
cat "$work/found"

echo "== we find what Helia provides, and fetch it"
helia_start "$work/helia.log" serve --size 4M --leaf 64K --dht --bootstrap "$address"
theirs=$(said "$work/helia.log" CID)
tries=0
until "$bin/shoal-peer" findprovs "$theirs" --listen /ip4/127.0.0.1/tcp/0 --bootstrap "$address" > "$work/found" 2>&1 &&
  grep -q "^$(said "$work/helia.log" PEER) /ip4" "$work/found"; do
  tries=$((tries + 1))
  [ $tries -lt 10 ] || { cat "$work/found" >&2; fail "we do not find Helia"; }
  sleep 1
done
cat "$work/found"
"$bin/shoal-peer" get "$theirs" -o "$work/got" --listen /ip4/127.0.0.1/tcp/0 --bootstrap "$address"
[ "$(sum_of "$work/got")" = "$(said "$work/helia.log" SHA256)" ] || fail "got something else from Helia"
stop_peer "$peer" origin
