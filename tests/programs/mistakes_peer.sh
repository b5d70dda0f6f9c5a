# SPDX-License-Identifier: BSL-1.0
#
# mistakes_peer.sh BIN_DIR: what people get wrong with shoal-peer, and Ctrl-C at every stage. Each message says what, to what,
# and what to do next; exit code 1 for what failed, 2 for a command line that cannot work, 130 for what was broken off.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/peer.sh"
need openssl python3 sha256sum

noise 300000 > disk.img
mkdir folder
cid=$("$image" import disk.img --store car:disk.car --quiet)
unknown=bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e
provide='--provide car:disk.car'

# nobody has this one: that takes a minute to find out, in which the rest of the script runs
start_peer origin --provide car:disk.car
origin=$peer
at_origin=$address
timeout 300 "$peer_program" get "$unknown" -o unknown.img --quiet --bootstrap "$at_origin" > unknown.out 2> unknown.err &
unknown_get=$!
timeout 300 "$peer_program" get "$unknown" -o alone.img --quiet > alone.out 2> alone.err &
alone_get=$!

# command lines
mistake 2 'nothing to serve' "$peer_program"
mistake 2 disk.img "$peer_program" disk.img
mistake 2 --no-such-option "$peer_program" --provide car:disk.car --no-such-option
mistake 2 'CID is required' "$peer_program" get
mistake 2 "'nonsense'" "$peer_program" get nonsense -o x
mistake 2 'MULTIADDR is required' "$peer_program" ping
mistake 2 many "$peer_program" ping "$at_origin" -c many
mistake 2 'CID is required' "$peer_program" findprovs
mistake 2 "'nonsense'" "$peer_program" findprovs nonsense
mistake 2 '--dht off' "$peer_program" findprovs "$cid" --dht off
mistake 2 everywhere "$peer_program" --provide car:disk.car --dht everywhere
mistake 2 "'gateway.example'" "$peer_program" --provide car:disk.car --gateway gateway.example
mistake 2 "'nonsense'" "$peer_program" --image nonsense
mistake 2 --overlay "$peer_program" --provide car:disk.car --overlay
mistake 2 --unix "$peer_program" --provide car:disk.car --unix a.sock
mistake 2 70000 "$peer_program" --provide car:disk.car --http 70000
for address in nonsense 127.0.0.1:4001 /ip4/127.0.0.1/udp/4001/quic-v1 /ip4/127.0.0.1; do
  for option in --listen --bootstrap --neighbour; do
    mistake 2 "'$address'" "$peer_program" --provide car:disk.car "$option" "$address"
  done
  mistake 2 "'$address'" "$peer_program" ping "$address"
done
# a variable of a script that is not set must not turn into another way to run
for option in --image --provide --listen --bootstrap --neighbour --mdns-interface --cache --key --allow --swarm-key --unix \
  --bind --prefetch --trace --gateway --http; do
  mistake 2 "$option: is empty" "$peer_program" --provide car:disk.car "$option" ''
done
# shellcheck disable=SC2086 # options
for size in 0 1 x lots 3.9M; do mistake 2 "'$size'" "$peer_program" $provide --cache "$size"; done

# stores and files
mistake 1 car:missing.car "$peer_program" --provide car:missing.car
mistake 1 car:disk.img "$peer_program" --provide car:disk.img
mistake 1 flatfs:folder "$peer_program" --provide flatfs:folder
mistake 2 "'disk.car'" "$peer_program" --provide disk.car
# shellcheck disable=SC2086
{
  mistake 1 folder/missing/key "$peer_program" $provide --key folder/missing/key
  chmod 600 disk.img
  mistake 1 disk.img "$peer_program" $provide --key disk.img
  mistake 1 missing.txt "$peer_program" $provide --allow missing.txt
  printf '# who may come\n\n12D3KooWnobody\n' > allowed
  mistake 1 'allowed, line 3' "$peer_program" $provide --allow allowed
  says 12D3KooWnobody
  mistake 1 missing.key "$peer_program" $provide --swarm-key missing.key
  mistake 1 disk.img "$peer_program" $provide --swarm-key disk.img
  says /key/swarm/psk
  mistake 1 folder "$peer_program" --image "$cid" --trace folder --port 0
  mistake 1 missing.csv "$peer_program" --image "$cid" --prefetch missing.csv --port 0
  mistake 1 folder "$peer_program" --image "$cid" --prefetch folder --port 0
  for option in --key --allow --swarm-key; do mistake 1 ' folder: Is a directory' "$peer_program" $provide "$option" folder; done
  mistake 1 folder/missing/got "$peer_program" get "$cid" -o folder/missing/got --bootstrap "$at_origin"
  mistake 1 folder "$peer_program" get "$cid" -o folder --bootstrap "$at_origin"
}

# addresses
# shellcheck disable=SC2086
{
  mistake 1 "$(echo "$at_origin" | cut -d / -f 1-5)" "$peer_program" $provide --listen "$(echo "$at_origin" | cut -d / -f 1-5)"
  says 'in use'
  mistake 1 /ip4/192.0.2.1/tcp/0 "$peer_program" $provide --listen /ip4/192.0.2.1/tcp/0
  mistake 1 nosuch0 "$peer_program" $provide --mdns-interface nosuch0
}
mistake 1 /ip4/127.0.0.1/tcp/1 "$peer_program" ping /ip4/127.0.0.1/tcp/1
mistake 1 /dns4/nowhere.invalid/tcp/1 "$peer_program" ping /dns4/nowhere.invalid/tcp/1
mistake 1 "$(echo "$at_origin" | cut -d / -f 1-5)/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5" "$peer_program" ping \
  "$(echo "$at_origin" | cut -d / -f 1-5)/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"

# a swarm key that others do not have
for each in one two; do
  { printf '/key/swarm/psk/1.0.0/\n/base16/\n'; noise 32 "$each" | od -An -v -tx1 | tr -d ' \n'; echo; } > "$each.key"
done
start_peer private --provide car:disk.car --swarm-key one.key
mistake 1 "$address" "$peer_program" ping "$address" --swarm-key two.key
mistake 1 "$address" "$peer_program" ping "$address"
exits 0 "$peer_program" ping "$address" -c 1 --swarm-key one.key
stop_peer "$peer" private

# the key: nobody else may read it, and the peer keeps its name
umask 0
start_peer keeper --provide car:disk.car --key peer.key
first=${address##*/}
stop_peer "$peer" keeper
umask 022
same 'who may read the key' 600 "$(stat -c %a peer.key)"
kept=$(sum_of peer.key)
start_peer keeper --provide car:disk.car --key peer.key
same 'the name of a peer with a key' "$first" "${address##*/}"
stop_peer "$peer" keeper
same 'the key file' "$kept" "$(sum_of peer.key)"
chmod 644 peer.key
start_peer keeper --provide car:disk.car --key peer.key
stop_peer "$peer" keeper
says warning peer.key 'chmod 600'

# who is not on the list does not get in, and who is does
echo "$first # the only one" > allowed
start_peer choosy --provide car:disk.car --allow allowed
chmod 600 peer.key
exits 0 "$peer_program" get "$cid" -o got.img --quiet --key peer.key --bootstrap "$address"
check 'what the welcome one got' cmp disk.img got.img
exits 1 "$peer_program" ping "$address" -c 3
stop_peer "$peer" choosy

# interrupted SIGNAL CODE WHAT: ends $peer, and no half file is left
interrupted() {
  kill -s "$1" "$peer"
  code=0
  wait "$peer" || code=$?
  same "exit code of $3 after SIG$1" "$2" "$code"
  : > out
  decent "$3"
  same "files that $3 has left" '' "$(find . -name 'half*')"
}
python3 -c '
import socket, time
mute = socket.create_server(("127.0.0.1", 0))
print("/ip4/127.0.0.1/tcp/%d" % mute.getsockname()[1], flush=True)
time.sleep(600)' > mute.out &
mute=$!
servers="$servers $mute"
for _ in $(seq 100); do [ -s mute.out ] && break; sleep 0.1; done
for signal in INT TERM HUP; do
  # a shell starts what runs behind it deaf to SIGINT; env puts that right
  for command in "get $unknown -o half.img" "get $unknown -o half.img --bootstrap $at_origin" "ping $(cat mute.out)"; do
    # shellcheck disable=SC2086 # words
    env --default-signal=INT "$peer_program" $command 2> err > out &
    peer=$!
    wait_for_handlers "$peer"
    interrupted "$signal" 130 "$command"
  done
  : > waiting.out
  env --default-signal=INT "$peer_program" --image "$unknown" --port 0 --bootstrap "$at_origin" > waiting.out 2> waiting.err &
  peer=$!
  wait_for waiting '^/'
  cp waiting.err err
  interrupted "$signal" 130 'a device without its image'
done

kill_peer "$mute"
code=0
wait "$unknown_get" || code=$?
same 'exit code of get, when nobody has it' 1 "$code"
cp unknown.err err
says "$unknown" '1 connected'
advises
code=0
wait "$alone_get" || code=$?
same 'exit code of get, when nobody is there' 1 "$code"
cp alone.err err
says "$unknown" --bootstrap
advises
check 'no half files' [ ! -e unknown.img ] && [ ! -e alone.img ]
stop_peer "$origin" origin

finish
