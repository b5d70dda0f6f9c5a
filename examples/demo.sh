#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# demo.sh: the main job, from nothing. Makes a Debian disk image, turns it into content-addressed blocks, puts them on
# an origin, and starts three devices that have neither disk nor blocks. Each boots a virtual machine whose root is the
# device's own NBD export, and serves every block it has fetched to the next one. Prints BOOT OK three times, and who
# got how much from whom.
#
#   sh examples/demo.sh            set up, build, import, serve, boot
#   sh examples/demo.sh --clean    forget the image and kernel it made, then do the same
#
# What it makes is kept in build/demo and used again: the first run takes a few minutes, the next ones half a minute.
# On Debian 12 it installs the packages it needs (tests/setup.sh lists them); that and debootstrap need root.
set -eu

cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '4,13s/^# \{0,1\}//p' "$0" 2> /dev/null || sed -n '4,13s/^# \{0,1\}//p' examples/demo.sh; exit 0 ;;
  --clean) rm -rf build/demo ;;
  '') ;;
  *) echo "demo.sh: unknown argument '$1'; see --help" >&2; exit 2 ;;
esac

step() { printf '\n== %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

peers=
# shellcheck disable=SC2086 # a list of processes
cleanup() { [ -z "$peers" ] || kill $peers 2> /dev/null || :; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step 'packages'
sh tests/setup.sh demo

step 'build'
cmake --preset release > build.log 2>&1 || { cat build.log; exit 1; }
rm -f build.log
cmake --build --preset release --target shoal-image shoal-peer
bin=build/release/bin
mkdir -p build/demo

step 'a Debian image'
if [ ! -f build/demo/debian.ext4 ]; then
  as_root sh examples/netboot/image.sh build/demo/debian.ext4
  as_root chown "$(id -u):$(id -g)" build/demo/debian.ext4
fi
ls -lsh build/demo/debian.ext4

step 'a Debian kernel and its initrd'
if [ ! -f build/demo/initrd.gz ]; then
  rm -rf build/demo/kernel && mkdir -p build/demo/kernel
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
  (cd build/demo/kernel && apt-get -q download "$package" && dpkg -x "$package"_*.deb . && rm "$package"_*.deb)
  sh examples/netboot/initrd.sh build/demo/kernel build/demo/initrd.gz
fi
kernel=$(ls build/demo/kernel/boot/vmlinuz-*)
echo "$kernel"

step 'import: the image becomes content-addressed blocks'
"$bin/shoal-image" import build/demo/debian.ext4 --store car:build/demo/debian.car
cid=$("$bin/shoal-image" info --quiet --store car:build/demo/debian.car)

# peer NAME ARG...: starts `shoal-peer ARG...` and waits for its first line, an address or a URI
peer() {
  name=$1
  shift
  rm -f "build/demo/$name.out"
  "$bin/shoal-peer" --listen /ip4/127.0.0.1/tcp/0 "$@" > "build/demo/$name.out" 2> "build/demo/$name.log" &
  peers="$peers $!"
  wait_for "$name" '^/ip4'
}
wait_for() {
  tries=0
  until grep -q "$2" "build/demo/$1.out" 2> /dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] && kill -0 $! 2> /dev/null || { cat "build/demo/$1.log" >&2; exit 1; }
    sleep 0.1
  done
}
first_line() { grep -m 1 "$2" "build/demo/$1.out"; }

step 'an origin'
peer origin --provide car:build/demo/debian.car
origin=$(first_line origin '^/ip4')
echo "$origin"

# The first device writes down what it reads, and in which order: the others fetch along that trace.
neighbours=
for device in 1 2 3; do
  step "device $device: Debian with its root on the device's own export"
  case $device in 1) order='--trace' ;; *) order='--prefetch' ;; esac
  # shellcheck disable=SC2086 # a list of options
  peer "device$device" --image "$cid" --bootstrap "$origin" $neighbours $order build/demo/boot_trace.csv --port 0
  wait_for "device$device" '^nbd'
  sh examples/netboot/boot.sh "$kernel" build/demo/initrd.gz "$(first_line "device$device" '^nbd')" |
    tee "build/demo/device$device.boot"
  neighbours="$neighbours --neighbour $(first_line "device$device" '^/ip4')"
done

# shellcheck disable=SC2086 # a list of processes
kill $peers
for process in $peers; do wait "$process"; done
peers=

step 'who got how much from whom'
printf '%-8s  %12s  %16s  %12s\n' device 'from origin' 'from neighbours' 'boot'
for device in 1 2 3; do
  sed -n 's/^received \(.*\) from neighbours, \(.*\) from origins.*/\2|\1/p' "build/demo/device$device.log" |
    while IFS='|' read -r from_origin from_neighbours; do
      printf '%-8s  %12s  %16s  %12s\n' "$device" "$from_origin" "$from_neighbours" \
        "$(sed -n 's/.*BOOT OK after \([0-9.]*\).*/\1 s/p' "build/demo/device$device.boot")"
    done
done
sed -n 's/^[0-9]* reads.*/A boot made &/p' build/demo/device1.log
