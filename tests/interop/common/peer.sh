# SPDX-License-Identifier: BSL-1.0
#
# Sourced behind serve.sh, by the scripts that try shoal-peer. Gives them
#   make_image NAME SIZE LEAF   random content in $work/NAME.img, its blocks in car:$work/NAME.car; sets $cid
#   make_swarm_key FILE         the key of a private network
#   start_peer NAME ARG...      starts `shoal-peer ARG...` on a port of IPv4 loopback; its address is in $address, its
#                               process in $peer, what it prints in $work/NAME.out and $work/NAME.err
#   uri_of_peer NAME            waits until the peer has its image open and gives the URI of the export
#   stop_peer PROCESS NAME      ends it with SIGTERM, and fails unless it exits with 0
#   end_peers                   kills all that are left; belongs into the script's trap
#   sum_of FILE                 its SHA-256

peers_here=

make_image() {
  head -c "$2" /dev/urandom > "$work/$1.img"
  cid=$("$bin/shoal-image" import "$work/$1.img" --store "car:$work/$1.car" --chunker "size-$3" --quiet)
}

make_swarm_key() {
  {
    printf '/key/swarm/psk/1.0.0/\n/base16/\n'
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
    echo
  } > "$1"
}

start_peer() {
  name=$1
  shift
  rm -f "$work/$name.out"
  "$bin/shoal-peer" --listen /ip4/127.0.0.1/tcp/0 "$@" > "$work/$name.out" 2> "$work/$name.err" &
  peer=$!
  peers_here="$peers_here $peer"
  tries=0
  until [ -s "$work/$name.out" ]; do
    kill -0 "$peer" 2> /dev/null || { cat "$work/$name.err" >&2; fail "shoal-peer $* did not start"; }
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "shoal-peer $* says nothing"
    sleep 0.1
  done
  address=$(head -n 1 "$work/$name.out")
}

uri_of_peer() {
  tries=0
  until grep '^nbd' "$work/$1.out"; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { cat "$work/$1.err" >&2; fail "$1 does not get its image"; }
    sleep 0.1
  done
}

stop_peer() {
  kill -TERM "$1"
  status=0
  wait "$1" || status=$?
  [ $status -eq 0 ] || { cat "$work/$2.err" >&2; fail "$2 ended with $status"; }
}

end_peers() {
  # shellcheck disable=SC2086 # a list of processes
  [ -z "$peers_here" ] || kill -9 $peers_here 2> /dev/null || :
}

sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }
