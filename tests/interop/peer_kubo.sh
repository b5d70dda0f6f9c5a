# SPDX-License-Identifier: BSL-1.0
#
# Kubo, the usual IPFS node: it fetches files from us and we from it, also in a private network, through the DHT and over
# the trustless gateway; its `ipfs add` gives the CIDs that our import gives, and each reads the other's folder of blocks.
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/ipfs.sh"
. "$(dirname "$0")/common/kubo.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'peers_stop; end_peers; finish' EXIT
need sha256sum curl
kubo_setup
kubo "$work/none" version

node=$work/node

# A daemon on a free port, with the repository $node: its address is in $theirs
start_node() {
  kubo_init "$node" 0 ${1:+"$1"}
  kubo_start "$node"
  theirs=$(kubo "$node" id -f '<addrs>\n' | grep '^/ip4/127.0.0.1/tcp' | head -n 1)
}
end_node() {
  peers_stop
  rm -rf "$node"
}

same() { [ "$1" = "$2" ] || fail "$3: $1 is not $2"; }

# SIZE LEAF [SWARM_KEY]
both_ways() {
  key=${3:-}
  echo "== $1 in leaves of $2 ${key:+in a private network}"
  start_node "$key"
  head -c "$(numfmt --from=iec "$1")" /dev/urandom > "$work/theirs.img"
  added=$(kubo "$node" add -Q --cid-version 1 --raw-leaves --chunker "size-$(numfmt --from=iec "$2")" "$work/theirs.img")
  # shellcheck disable=SC2086 # an option that may not be there
  "$bin/shoal-peer" get "$added" -o "$work/got" --listen /ip4/127.0.0.1/tcp/0 --bootstrap "$theirs" ${key:+--swarm-key "$key"}
  same "$(sum_of "$work/got")" "$(sum_of "$work/theirs.img")" "got something else from Kubo"

  make_image ours "$(numfmt --from=iec "$1")" "$(numfmt --from=iec "$2")"
  # shellcheck disable=SC2086
  start_peer origin --provide "car:$work/ours.car" ${key:+--swarm-key "$key"}
  kubo "$node" swarm connect "$address"
  kubo "$node" get --progress=false -o "$work/fetched" "$cid"
  same "$(sum_of "$work/fetched")" "$(sum_of "$work/ours.img")" "Kubo got something else from us"
  kubo "$node" dag stat --progress=false "$cid"
  stop_peer "$peer" origin
  cat "$work/origin.err"
  end_node
}

both_ways 256M 256K
both_ways 256M 1M
make_swarm_key "$work/swarm.key"
both_ways 8M 64K "$work/swarm.key"

echo "== the DHT"
start_node
make_image ours 1M 65536
start_peer origin --provide "car:$work/ours.car" --bootstrap "$theirs"
tries=0
until kubo "$node" routing findprovs --timeout 10s "$cid" > "$work/found" && grep -q "${address##*/}" "$work/found"; do
  tries=$((tries + 1))
  [ $tries -lt 30 ] || fail "Kubo does not find what we provide"
  sleep 1
done
echo "Kubo finds us: $(cat "$work/found")"
added=$(echo "held by Kubo" | kubo "$node" add -Q)
kubo "$node" routing provide "$added"
tries=0
until "$bin/shoal-peer" findprovs "$added" --listen /ip4/127.0.0.1/tcp/0 --bootstrap "$address" > "$work/found" 2>&1 &&
  grep -q "^${theirs##*/} " "$work/found"; do
  tries=$((tries + 1))
  [ $tries -lt 30 ] || { cat "$work/found" >&2; fail "we do not find what Kubo provides"; }
  sleep 1
done
echo "we find Kubo: $(cat "$work/found")"
stop_peer "$peer" origin

echo "== the trustless gateway, each the other's"
gateway=$(cat "$node/gateway")
head -c 3000000 /dev/urandom > "$work/theirs.img"
added=$(kubo "$node" add -Q --cid-version 1 --raw-leaves "$work/theirs.img")
"$bin/shoal-peer" get "$added" -o "$work/got" --listen /ip4/127.0.0.1/tcp/0 --dht off --gateway "$gateway"
same "$(sum_of "$work/got")" "$(sum_of "$work/theirs.img")" "got something else from Kubo's gateway"
start_peer origin --provide "car:$work/ours.car" --http 127.0.0.1:0 --dht off
curl -sf "$(sed -n 's/^http/http/p' "$work/origin.out")ipfs/$cid?format=car" | kubo "$node" dag import --stats
kubo "$node" cat "$cid" > "$work/fetched"
same "$(sum_of "$work/fetched")" "$(sum_of "$work/ours.img")" "Kubo got something else from our gateway"
stop_peer "$peer" origin

echo "== the same CIDs, and each other's folder of blocks"
for profile in unixfs-v1-2025 unixfs-v0-2015; do
  kubo "$node" config profile apply "$profile" > /dev/null
  head -c 20000000 /dev/urandom > "$work/disk.img"
  added=$(kubo "$node" add -Q "$work/disk.img")
  same "$("$bin/shoal-image" import "$work/disk.img" --store "flatfs:$work/$profile" --profile "$profile" --quiet)" "$added" \
    "the CID of $profile"
  "$bin/shoal-image" cat "$added" --store "flatfs:$node/blocks" | cmp - "$work/disk.img"
  kubo "$node" pin rm "$added" > /dev/null
  kubo "$node" repo gc --quiet > /dev/null
  kubo "$node" shutdown
  wait "$peer_pid" || :
  cp -r "$work/$profile/." "$node/blocks/"
  kubo_start "$node"
  kubo "$node" cat --offline "$added" | cmp - "$work/disk.img"
  echo "$profile $added"
done
end_node
