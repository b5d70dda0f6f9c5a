# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder (others say in $peer_programs where the folder ipfs is): peers of other
# implementations of IPFS to try ours against, from tests/interop/ipfs, installed below build/tools. Gives them
#   helia_setup                     installs Helia (JavaScript) from its lock file; ends with "skipped" (77) when npm, the
#                                   network or a Node.js of 22 or later is missing
#   helia PROGRAM ARG...            runs PROGRAM.mjs to its end
#   helia_start LOG PROGRAM ARG...  starts one that stays, waits until it says READY; its process is $peer_pid
#   go_peer_setup                   builds the peer in Go; "skipped" when the Go client or a module is missing
#   go_peer ARG...                  runs it to its end
#   go_peer_start LOG ARG...        as helia_start
#   peers_stop                      ends all that were started; belongs into the script's trap
#   said LOG WORD                   what stands behind WORD in the first line of LOG that begins with it
# What the programs take and print is said at their beginning.

peer_programs=$(CDPATH='' cd -- "${peer_programs:-$(dirname -- "$0")/ipfs}" && pwd)
peer_tools=$(CDPATH='' cd -- "$peer_programs/../../.." && pwd)/build/tools
helia_node=
peer_pid=
peer_pids=

peer_skip() {
  echo "SKIP: $*"
  exit 77
}

# Tests run side by side, and the first one installs: lock NAME ... unlock
peer_lock() {
  mkdir -p "$peer_tools"
  exec 9> "$peer_tools/$1.lock"
  flock 9
}
peer_unlock() { exec 9>&-; }

helia_setup() {
  command -v npm > /dev/null || peer_skip "npm is not here; sh tests/setup.sh interop-ipfs installs it"
  helia_tools=$peer_tools/ipfs
  peer_lock ipfs
  if ! cmp -s "$peer_programs/package-lock.json" "$helia_tools/installed-lock.json"; then
    rm -rf "$helia_tools"
    mkdir -p "$helia_tools"
    cp "$peer_programs/package.json" "$peer_programs/package-lock.json" "$helia_tools"
    (cd "$helia_tools" && npm ci --ignore-scripts --no-audit --no-fund) > "$peer_tools/ipfs.log" 2>&1 < /dev/null ||
      peer_skip "npm cannot install Helia: $(grep 'npm ERR\|npm error' "$peer_tools/ipfs.log" | head -n 1)"
    cp "$peer_programs/package-lock.json" "$helia_tools/installed-lock.json"
  fi
  cp "$peer_programs"/*.mjs "$helia_tools"
  peer_unlock
  # Debian's is too old for Helia; a package of npm has one for x86-64
  for helia_node in "$helia_tools/node_modules/.bin/node" node; do
    if "$helia_node" -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' 2> /dev/null; then return; fi
  done
  peer_skip "there is no Node.js of version 22 or later"
}

helia() {
  program=$1
  shift
  "$helia_node" "$helia_tools/$program.mjs" "$@"
}

helia_start() {
  log=$1
  program=$2
  shift 2
  : > "$log"  # the one before may have left that it is ready
  "$helia_node" "$helia_tools/$program.mjs" "$@" > "$log" 2>&1 &
  peer_ready "$log" $!
}

go_peer_setup() {
  command -v go > /dev/null || peer_skip "go is not here"
  peer_lock go-peer
  (cd "$peer_programs/go" && GOFLAGS=-buildvcs=false go build -p "${SHOAL_JOBS:-1}" -trimpath -o "$peer_tools/go-peer" .) \
    > "$peer_tools/go-peer.log" 2>&1 < /dev/null ||
    peer_skip "the peer in Go cannot be built: $(tail -n 1 "$peer_tools/go-peer.log")"
  peer_unlock
}

go_peer() { "$peer_tools/go-peer" "$@"; }

go_peer_start() {
  log=$1
  shift
  : > "$log"  # the one before may have left that it is ready
  "$peer_tools/go-peer" "$@" > "$log" 2>&1 &
  peer_ready "$log" $!
}

peer_ready() {
  peer_pid=$2
  peer_pids="$peer_pids $peer_pid"
  tries=0
  until grep -q '^READY' "$1"; do
    tries=$((tries + 1))
    if [ $tries -eq 1200 ] || ! kill -0 "$peer_pid" 2> /dev/null; then
      cat "$1" >&2
      echo "FAIL: a peer does not get ready" >&2
      exit 1
    fi
    sleep 0.1
  done
}

peers_stop() {
  # shellcheck disable=SC2086 # a list of processes
  [ -z "$peer_pids" ] || kill -9 $peer_pids 2> /dev/null || :
  peer_pids=
}

said() { sed -n "s/^$2 //p" "$1" | head -n 1; }
