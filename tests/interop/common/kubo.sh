# SPDX-License-Identifier: BSL-1.0
#
# Sourced behind ipfs.sh: Kubo, the usual IPFS node, as a peer to try ours against. Gives
#   kubo_setup              finds `ipfs` (SHOAL_KUBO=PATH, or in PATH), or else builds it from its Go module into
#                           build/tools/kubo; ends with "skipped" (77) when none of that works
#   kubo_init DIR PORT [SWARM_KEY]   a repository for one node: on loopback only, no bootstrap peers, DHT of the local
#                           network, no multicast DNS; of the private network of that key file, if there is one
#   kubo DIR ARG...         runs `ipfs ARG...` with that repository
#   kubo_start DIR          starts its daemon and waits until it is ready; peers_stop ends it
# SHOAL_KUBO_VERSION chooses the version to build: v0.42.0 without it.

kubo_program=

kubo_setup() {
  for kubo_program in "${SHOAL_KUBO:-}" "$(command -v ipfs || :)" "$peer_tools/kubo/ipfs"; do
    if [ -n "$kubo_program" ] && [ -x "$kubo_program" ]; then return; fi
  done
  command -v go > /dev/null || peer_skip "neither ipfs nor go is here; SHOAL_KUBO=PATH says where Kubo is"
  peer_lock kubo
  if [ ! -x "$kubo_program" ]; then
    # not `go install MODULE@VERSION`, which asks for a list of versions that not every proxy has
    kubo_module=github.com/ipfs/kubo@${SHOAL_KUBO_VERSION:-v0.42.0}
    (go mod download "$kubo_module" && cd "$(go env GOMODCACHE)/$kubo_module" &&
      GOFLAGS=-buildvcs=false go build -p "${SHOAL_JOBS:-1}" -o "$kubo_program" ./cmd/ipfs) \
      > "$peer_tools/kubo.log" 2>&1 < /dev/null || peer_skip "go cannot build Kubo: $(tail -n 1 "$peer_tools/kubo.log")"
  fi
  peer_unlock
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
  : > "$1/daemon.log" # or what an earlier one said is taken for this one's
  IPFS_PATH=$1 IPFS_TELEMETRY=off LIBP2P_FORCE_PNET=$forced "$kubo_program" daemon > "$1/daemon.log" 2>&1 &
  peer_pid=$!
  peer_pids="$peer_pids $peer_pid"
  tries=0
  until grep -q '^Daemon is ready' "$1/daemon.log"; do
    tries=$((tries + 1))
    if [ $tries -eq 600 ] || ! kill -0 "$peer_pid" 2> /dev/null; then
      cat "$1/daemon.log" >&2
      echo "FAIL: the daemon of Kubo does not get ready" >&2
      exit 1
    fi
    sleep 0.1
  done
}
