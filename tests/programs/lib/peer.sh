# SPDX-License-Identifier: BSL-1.0
#
# Sourced behind check.sh by the scripts that try shoal-peer. start_peer gives $peer, the process, and $address; its
# output goes to NAME.out and NAME.err.
peer_program=$bin/shoal-peer
hostile=$bin/hostile_peer
for program in "$peer_program" "$hostile"; do [ -x "$program" ] || skip "$program has not been built"; done

# start_peer NAME ARGUMENTS...: on a port of IPv4 loopback
start_peer() {
  name=$1
  shift
  start_process "$name" "$peer_program" --listen /ip4/127.0.0.1/tcp/0 "$@"
}

# start_hostile NAME KIND
start_hostile() { start_process "$1" "$hostile" "$2"; }

start_process() {
  name=$1
  shift
  : > "$name.out"
  "$@" > "$name.out" 2> "$name.err" &
  peer=$!
  servers="$servers $peer"
  wait_for "$name" '^/'
  address=$said
}

# wait_for NAME PATTERN: until the process says a line that matches; it is in $said
wait_for() {
  said=
  for _ in $(seq 1200); do
    said=$(grep -m 1 -e "$2" "$1.out")
    [ -z "$said" ] || return 0
    kill -0 "$peer" 2> /dev/null || break
    sleep 0.05
  done
  bad "$1 does not say $2"
  sed 's/^/    /' "$1.err"
  return 1
}

# start_device NAME ARGUMENTS...: a peer that exports $cid on the Unix socket NAME.sock; $uri is its export, and $opened
# says how many milliseconds it took to get there
start_device() {
  name=$1
  shift
  begun=$(date +%s%3N)
  start_peer "$name" --image "$cid" --unix "$work/$name.sock" "$@"
  wait_for "$name" '^nbd'
  uri=$said
  opened=$(($(date +%s%3N) - begun))
}

# stop_peer PROCESS NAME: SIGTERM; it exits 0, and has said nothing that people should not see
stop_peer() {
  code=0
  kill "$1" && wait "$1" || code=$?
  same "exit code of $2 after SIGTERM" 0 "$code"
  cp "$2.err" err
  cp "$2.out" out
  decent "$2"
}

# kill_peer PROCESS...: as a power cut does
kill_peer() {
  kill -s KILL "$@"
  for each; do wait "$each" 2> /dev/null; done
}

# sum_of FILE
sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }
