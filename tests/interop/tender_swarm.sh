# SPDX-License-Identifier: BSL-1.0
#
# All together: a unikernel in KVM whose disk comes from two peers of a swarm, with a switch and a LED on a simulated chip.
# Every access to all three is recorded and held against rules while it runs; one peer is killed when the disk is read
# half-way, and the guest does not notice. Under a rule that forbids the LED it does not get far. What is recorded is drawn
# to PICTURE (SVG), if that is given: sh tender_swarm.sh BIN_DIR [PICTURE]
. "$(dirname "$0")/common/serve.sh"
. "$(dirname "$0")/common/peer.sh"
trap 'end_peers; finish' EXIT
for file in shoal-tender shoal-record guest_checksum; do
  [ -x "$bin/$file" ] || { echo "SKIP: $bin/$file is not here"; exit 77; }
done
need cksum
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
  echo "SKIP: /dev/kvm is not here, or not for us"
  exit 77
fi
# where this is built with AddressSanitizer: to look for leaks takes system calls that a sandbox does not have
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

# led: how often the guest has set its LED so far
led() { "$bin/shoal-record" show "$work/pins.rec" 2> /dev/null | grep -c 'set.*25' || :; }

size=$((1536 * 1024))  # in pieces of 64 KiB: 24
make_image disk $size 65536
start_peer origin --provide "car:$work/disk.car" --dht off
origin=$peer
from_origin=$address
start_peer other --provide "car:$work/disk.car" --dht off
cat > "$work/rules" <<'RULES'
forbid  strangers  any    line:0-16
forbid  spectators any    line:18-24
rate    led        write  line:25   limit 1000 per 1s
forbid  changes    write  disk:*
RULES

echo "== a guest boots from the swarm"
swarm="swarm:$cid?bootstrap=$from_origin&bootstrap=$address&dht=off&listen=/ip4/127.0.0.1/tcp/0"
"$bin/shoal-tender" --block:disk="$swarm" --gpio:pins='sim:32?press=17/300ms' --record "cbor:$work/pins.rec" \
  --rules "$work/rules" --max-time 800 "$bin/guest_checksum" \
  > "$work/printed" 2> "$work/said" &
guest=$!
tries=0
until [ "$(led)" -ge 12 ]; do
  kill -0 $guest 2> /dev/null || { cat "$work/said" >&2; fail "the guest has ended before its disk was read half-way"; }
  tries=$((tries + 1))
  [ $tries -lt 6000 ] || fail "the guest does not get on"
  sleep 0.1
done

echo "== the origin is killed"
kill -9 "$origin"
status=0
wait $guest || status=$?
cat "$work/printed" "$work/said"
[ $status -eq 0 ] || fail "the guest ended with $status"
[ "$(cat "$work/printed")" = "$(cksum < "$work/disk.img")" ] || fail "the guest has read something else"

echo "== every access was recorded, and is as it should be"
[ "$(led)" -eq 24 ] || fail "the LED was set $(led) times"
[ "$("$bin/shoal-record" show "$work/pins.rec" | grep -c 'get.*17')" -eq 24 ] || fail "the switch was not read each time"
[ "$("$bin/shoal-record" show "$work/pins.rec" | grep -c 'disk_read')" -eq 24 ] || fail "the disk's reads are not all there"
if grep ' alert ' "$work/said"; then fail "a rule has seen something"; fi
"$bin/shoal-record" check "$work/pins.rec" --rules "$work/rules"
echo 'forbid led write line:25' > "$work/strict"
if "$bin/shoal-record" check "$work/pins.rec" --rules "$work/strict" > "$work/alerts" 2>&1; then fail "a rule has seen nothing"; fi

echo "== and is denied where a rule forbids it"
printf '%s\n' 'note begun read disk:0-511' 'forbid led write line:25 within 1h after begun deny' > "$work/deny"
status=0
"$bin/shoal-tender" --block:disk="$swarm" --gpio:pins='sim:32?press=17/300ms' --rules "$work/deny" --max-time 800 \
  "$bin/guest_checksum" > "$work/printed" 2> "$work/said" || status=$?
cat "$work/said"
[ $status -eq 3 ] || fail "a guest that may not set its LED ended with $status"
[ "$(grep -c 'alert led: forbidden: pins line_set 25 = .*, denied' "$work/said")" -eq 1 ] || fail "no alert was told"
if [ $# -ge 2 ]; then "$bin/shoal-record" show "$work/pins.rec" --svg "$2" > /dev/null; fi
