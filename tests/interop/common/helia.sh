# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder: Helia, IPFS in JavaScript, as a peer to try ours against. Gives them
#   helia_setup                     installs what tests/interop/ipfs/package-lock.json names into build/tools/ipfs; ends
#                                   with "skipped" (77) when npm, the network or a Node.js of 22 or later is missing
#   helia PROGRAM ARG...            runs tests/interop/ipfs/PROGRAM.mjs to its end
#   helia_start LOG PROGRAM ARG...  starts one that stays, waits until it says READY, and leaves its process in $helia_pid
#   helia_stop                      ends all that were started; belongs into the script's trap
#   said LOG WORD                   what stands behind WORD in the first line of LOG that begins with it
# What the programs take and print is said at their beginning.

helia_programs=$(CDPATH='' cd -- "$(dirname -- "$0")/ipfs" && pwd)
helia_tools=$(CDPATH='' cd -- "$helia_programs/../../.." && pwd)/build/tools/ipfs
helia_node=
helia_pids=

helia_skip() {
  echo "SKIP: $*"
  exit 77
}

helia_setup() {
  command -v npm > /dev/null || helia_skip "npm is not here; sh tests/setup.sh interop-ipfs installs it"
  mkdir -p "$helia_tools"
  # tests run side by side, and the first one installs
  exec 9> "$helia_tools.lock"
  flock 9
  if ! cmp -s "$helia_programs/package-lock.json" "$helia_tools/installed-lock.json"; then
    rm -rf "$helia_tools"
    mkdir -p "$helia_tools"
    cp "$helia_programs/package.json" "$helia_programs/package-lock.json" "$helia_tools"
    (cd "$helia_tools" && npm ci --ignore-scripts --no-audit --no-fund) > "$helia_tools.log" 2>&1 < /dev/null ||
      helia_skip "npm cannot install Helia: $(grep -i 'err' "$helia_tools.log" | head -n 1)"
    cp "$helia_programs/package-lock.json" "$helia_tools/installed-lock.json"
  fi
  cp "$helia_programs"/*.mjs "$helia_tools"
  exec 9>&-
  # Debian's is too old for Helia; a package of npm has one for x86-64
  for helia_node in "$helia_tools/node_modules/.bin/node" node; do
    if "$helia_node" -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' 2> /dev/null; then return; fi
  done
  helia_skip "there is no Node.js of version 22 or later"
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
  "$helia_node" "$helia_tools/$program.mjs" "$@" > "$log" 2>&1 &
  helia_pid=$!
  helia_pids="$helia_pids $helia_pid"
  tries=0
  until grep -q '^READY' "$log"; do
    kill -0 "$helia_pid" 2> /dev/null || { cat "$log" >&2; echo "FAIL: $program.mjs ended" >&2; exit 1; }
    tries=$((tries + 1))
    [ $tries -lt 1200 ] || { cat "$log" >&2; echo "FAIL: $program.mjs is never ready" >&2; exit 1; }
    sleep 0.1
  done
}

helia_stop() {
  # shellcheck disable=SC2086 # a list of processes
  [ -z "$helia_pids" ] || kill -9 $helia_pids 2> /dev/null || :
  helia_pids=
}

said() { sed -n "s/^$2 //p" "$1" | head -n 1; }
