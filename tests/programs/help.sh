# SPDX-License-Identifier: BSL-1.0
#
# help.sh BIN_DIR: --help says what a program does, names every option, and has examples.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/peer.sh"

# teaches OPTION... -- COMMAND...
teaches() {
  options=
  while [ "$1" != -- ]; do options="$options $1"; shift; done
  shift
  exits 0 "$@" --help
  for option in $options; do
    if grep -q -e "$option" out; then ok; else bad "$* --help says nothing about $option"; fi
  done
  if grep -q '^Examples\{0,1\}:' out; then ok; else bad "$* --help has no examples"; fi
  if awk 'length > 120 { exit 1 }' out; then ok; else bad "$* --help has lines of more than 120 characters"; fi
  same "$* --help on standard error" '' "$(cat err)"
}

teaches import info verify cat export diff locate car: flatfs: ref: -- "$image"
teaches FILE --store --profile --chunker --threads --quiet --json car: flatfs: ref: unixfs-v1-2025 fastcdc -- "$image" import
teaches CID --store --quiet --json -- "$image" info
teaches CID --store --quiet -- "$image" verify
teaches CID --store --offset --length -- "$image" cat
teaches CID --store --output -- "$image" export
teaches CID1 CID2 --store --json -- "$image" diff
teaches DISK PATH -- "$image" locate
teaches --file --memory --image --store --export --overlay --readonly --bind --port --unix --trace --rules --record --cache -- "$nbd"
teaches --image --provide --listen --bootstrap --neighbour --mdns --cache --key --allow --swarm-key --prefetch --trace \
  --overlay --bind --port --unix --dht --gateway --http get ping findprovs car: flatfs: ref: -- "$peer_program"
teaches CID --output --quiet --bootstrap --neighbour --mdns --key --allow --swarm-key -- "$peer_program" get
teaches MULTIADDR --count --key --swarm-key -- "$peer_program" ping
teaches CID --num-providers --bootstrap --dht -- "$peer_program" findprovs
teaches --gpio --block --socket --id --queues --overlay --readonly cdev: sim: file: memory: image: -- "$bin/shoal-vhost"
teaches detect info get set watch cdev: sysfs: bcm2835: bcm2711: pl061: qtest: sim: -- "$bin/shoal-gpio"
teaches /dev/gpiochip /sys/class/gpio -- "$bin/shoal-gpio" detect
teaches CHIP -- "$bin/shoal-gpio" info
teaches CHIP LINE --active-low --pull --quiet -- "$bin/shoal-gpio" get
teaches CHIP LINE=LEVEL --active-low --for -- "$bin/shoal-gpio" set
teaches CHIP LINE --active-low --pull --edges --count --for -- "$bin/shoal-gpio" watch
teaches record attach collect show train check replay cbor: tcp: tls: -- "$bin/shoal-record"
teaches SCRIPT --chip --output --name --trust --line --rules cdev: sim: repeat -- "$bin/shoal-record" record
teaches TRACE --bar --memory --port --all --reads --writes --value --rules --no-ports --quiet --output memory_region_ops -- \
  "$bin/shoal-record" attach
teaches FOLDER --bind --port --certificate --key --max-file -- "$bin/shoal-record" collect
teaches RECORDING --json --svg --summary -- "$bin/shoal-record" show
teaches RECORDING --output --rules --length -- "$bin/shoal-record" train
teaches RECORDING --rules --json --quiet forbid window rate sequence stuck chatter note allow i2c: longer disk: tcp: kernel: within \
  deny -- "$bin/shoal-record" check
teaches RECORDING SCRIPT -- "$bin/shoal-record" replay
teaches banner syscall plist modules files sockets tainted baseline check watch serve pid: qmp: -- "$bin/shoal-ids"
for command in banner syscall plist modules tainted; do
  teaches GUEST --machine --profile --system-map --vmlinux --json --cbor -- "$bin/shoal-ids" "$command"
done
for command in files sockets; do teaches GUEST PID --profile --json -- "$bin/shoal-ids" "$command"; done
teaches GUEST --output -- "$bin/shoal-ids" baseline
teaches GUEST --baseline --quiet -- "$bin/shoal-ids" check
teaches GUEST --baseline --every --count --record -- "$bin/shoal-ids" watch
teaches ELF RAM --global --every --count --quiet --json -- "$bin/shoal-ids" unikernel
teaches --guest --listen --certificate --key --trust --http --every --alert tcp: tls: unix: serial: cbor: --json -- \
  "$bin/shoal-ids" serve
for program in "$image" "$nbd" "$peer_program" "$bin/shoal-vhost" "$bin/shoal-gpio" "$bin/shoal-record" "$bin/shoal-ids"; do
  exits 0 "$program" --version
  if grep -Eq '[0-9]+\.[0-9]+\.[0-9]+' out; then ok; else bad "$program --version: $(cat out)"; fi
done

finish
