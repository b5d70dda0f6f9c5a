# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder: Kubo, IPFS in Go, as a peer to try ours against. Gives them
#   kubo_setup              finds `ipfs` (SHOAL_KUBO=PATH, or in PATH), or else builds it from its Go module into
#                           build/tools/kubo; ends with "skipped" (77) when none of that works
#   kubo_init DIR PORT [SWARM_KEY]   a repository for one node: on loopback only, no bootstrap peers, DHT of the local
#                           network, no multicast DNS; of the private network of that key file, if there is one
#   kubo DIR ARG...         runs `ipfs ARG...` with that repository
#   kubo_start DIR          starts its daemon and waits until it is ready
#   kubo_stop               ends all that were started; belongs into the script's trap
# SHOAL_KUBO_VERSION chooses the version to build; the default is the latest.

kubo_tools=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)/build/tools/kubo
kubo_program=
kubo_pids=

kubo_skip() {
  echo "SKIP: $*"
  exit 77
}

kubo_setup() {
  for kubo_program in "${SHOAL_KUBO:-}" "$(command -v ipfs || :)" "$kubo_tools/ipfs"; do
    if [ -n "$kubo_program" ] && [ -x "$kubo_program" ]; then return; fi
  done
  command -v go > /dev/null || kubo_skip "neither ipfs nor go is here; SHOAL_KUBO=PATH says where Kubo is"
  mkdir -p "$kubo_tools"
  # tests run side by side, and the first one builds; Kubo itself says which toolchain it needs
  exec 9> "$kubo_tools.lock"
  flock 9
  if [ ! -x "$kubo_tools/ipfs" ]; then
    GOBIN=$kubo_tools GOFLAGS=-buildvcs=false go install -p "${SHOAL_JOBS:-1}" \
      "github.com/ipfs/kubo/cmd/ipfs@${SHOAL_KUBO_VERSION:-latest}" > "$kubo_tools.log" 2>&1 < /dev/null ||
      kubo_skip "go cannot build Kubo: $(tail -n 1 "$kubo_tools.log")"
  fi
  exec 9>&-
}

kubo() {
  repository=$1
  shift
  IPFS_PATH=$repository IPFS_TELEMETRY=off "$kubo_program" "$@"
}

kubo_init() {
  kubo "$1" init --profile test > /dev/null
  [ $# -lt 3 ] || cp "$3" "$1/swarm.key"
  kubo "$1" bootstrap rm --all > /dev/null
  kubo "$1" config --json Addresses.Swarm "[\"/ip4/127.0.0.1/tcp/$2\"]"
  kubo "$1" config --json Discovery.MDNS.Enabled false
  kubo "$1" config --json AutoConf.Enabled false
  kubo "$1" config --json Swarm.Transports.Network.QUIC false
  kubo "$1" config Routing.Type dhtserver
  kubo "$1" config --json Routing.LoopbackAddressesOnLanDHT true
}

kubo_start() {
  if [ -f "$1/swarm.key" ]; then forced=1; else forced=0; fi
  LIBP2P_FORCE_PNET=$forced kubo "$1" daemon > "$1/daemon.log" 2>&1 &
  kubo_pids="$kubo_pids $!"
  tries=0
  until grep -q '^Daemon is ready' "$1/daemon.log"; do
    tries=$((tries + 1))
    if [ $tries -eq 600 ] || ! kill -0 "${kubo_pids##* }" 2> /dev/null; then
      cat "$1/daemon.log" >&2
      echo "FAIL: the daemon of Kubo does not get ready" >&2
      exit 1
    fi
    sleep 0.1
  done
}

kubo_stop() {
  # shellcheck disable=SC2086 # a list of processes
  [ -z "$kubo_pids" ] || kill -9 $kubo_pids 2> /dev/null || :
  kubo_pids=
}
