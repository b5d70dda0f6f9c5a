# SPDX-License-Identifier: BSL-1.0
#
# Multicast DNS with Helia, in a network of its own: each finds the other, and we fetch from a neighbour that nobody has
# named.
if [ "${SHOAL_OWN_NETWORK:-}" = "" ]; then
  unshare -n true 2> /dev/null || { echo "SKIP: no network namespace can be made here (root can)"; exit 77; }
  exec unshare -n env SHOAL_OWN_NETWORK=1 sh "$0" "$@"
fi
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/ipfs.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'peers_stop; end_peers; finish' EXIT
need sha256sum ip curl
ip link set lo up multicast on
ip route add 224.0.0.0/4 dev lo
helia_setup

make_image ours 2M 65536
start_peer origin --provide "car:$work/ours.car" --mdns-interface lo
id=${address##*/}

echo "== Helia finds us"
helia_start "$work/helia.log" neighbours --listen /ip4/127.0.0.1/tcp/0
tries=0
until grep -q "^FOUND $id" "$work/helia.log"; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { cat "$work/helia.log" >&2; fail "Helia does not find us"; }
  sleep 0.1
done
grep "^FOUND $id" "$work/helia.log"

echo "== we find Helia"
start_peer watcher --provide "car:$work/ours.car" --mdns-interface lo --http 127.0.0.1:0
url=$(sed -n 's/^http/http/p' "$work/watcher.out")
tries=0
until curl -s "${url}status" | grep -q "$(said "$work/helia.log" PEER)"; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { curl -s "${url}status" >&2; fail "we do not find Helia"; }
  sleep 0.1
done

echo "== a device finds an origin that nobody has named"
"$bin/shoal-peer" get "$cid" -o "$work/got" --listen /ip4/127.0.0.1/tcp/0 --mdns-interface lo --dht off
[ "$(sum_of "$work/got")" = "$(sum_of "$work/ours.img")" ] || fail "got something else"
