# SPDX-License-Identifier: BSL-1.0
#
# peer_faults.sh BIN_DIR: readers of devices whose peers die, lie, promise and do not deliver, or send a byte a second.
# Each reads everything, rightly, and without an error. What it costs in time is printed.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/peer.sh"
need openssl python3 sha256sum
python=
for each in python3 /usr/bin/python3; do "$each" -c 'import nbd' 2> /dev/null && python=$each && break; done
[ -n "$python" ] || skip 'python3 has no module nbd (python3-libnbd)'

noise 16777216 > disk.img
sum=$(sum_of disk.img)
cid=$("$image" import disk.img --store car:disk.car --chunker size-65536 --quiet)
start_peer origin --provide car:disk.car
origin=$peer
at_origin=$address

# reads WHAT URI [PROCESS...]: a reader reads all, while the processes are killed
reads() {
  what=$1
  shift
  if "$python" "$here/lib/read_nbd.py" "$@" > result 2> err; then
    read -r found longest all < result
    same "$what" "$sum" "$found"
    printf '%-48s opened in %5d ms, read in %5d ms, the longest request took %5d ms\n' "$what" "$opened" "$all" "$longest"
  else
    bad "$what: the reader has an error"
    sed 's/^/    /' err
  fi
}

# devices that lie, promise, or trickle, and an origin that is asked last
for kind in corrupt silent trickle; do
  start_hostile "$kind" "$kind"
  eval "$kind=$peer at_$kind=$address"
  start_device "beside_$kind" --neighbour "$address" --bootstrap "$at_origin"
  reads "a neighbour is $kind" "$uri"
  stop_peer "$peer" "beside_$kind"
done
# shellcheck disable=SC2154 # eval has set them
start_device beside_all --neighbour "$at_corrupt" --neighbour "$at_silent" --neighbour "$at_trickle" --bootstrap "$at_origin"
reads 'all neighbours are hostile' "$uri"
stop_peer "$peer" beside_all
# shellcheck disable=SC2154
kill_peer "$corrupt" "$silent" "$trickle"

# a third of the peers dies
start_device first --bootstrap "$at_origin"
first=$peer
at_first=$address
reads 'alone with the origin' "$uri"
start_device second --bootstrap "$at_origin" --neighbour "$at_first"
second=$peer
at_second=$address
reads 'with a neighbour that has everything' "$uri"
start_device third --bootstrap "$at_origin" --neighbour "$at_first" --neighbour "$at_second"
third=$peer
reads 'one of three peers is killed half-way' "$uri" "$first"
wait "$first" 2> /dev/null

# the origin dies
start_device fourth --bootstrap "$at_origin" --neighbour "$at_second"
fourth=$peer
reads 'the origin is killed half-way' "$uri" "$origin"
wait "$origin" 2> /dev/null
start_device fifth --bootstrap "$at_origin" --neighbour "$at_second" --neighbour "$at_first"
fifth=$peer
reads 'the origin and a neighbour have been dead all along' "$uri"
for name in second third fourth fifth; do
  eval "stop_peer \$$name $name"
done

finish
