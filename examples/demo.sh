#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# demo.sh: the main job, from nothing. Makes a Debian disk image, turns it into content-addressed blocks, serves it over
# NBD and boots a virtual machine whose root is that export. Prints BOOT OK and what the boot touched.
#
#   sh examples/demo.sh            set up, build, import, serve, boot
#   sh examples/demo.sh --clean    forget the image and kernel it made, then do the same
#
# What it makes is kept in build/demo and used again: the first run takes a few minutes, the next ones half a minute.
# On Debian 12 it installs the packages it needs (tests/setup.sh lists them); that and debootstrap need root.
set -eu

cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '4,11s/^# \{0,1\}//p' "$0" 2> /dev/null || sed -n '4,11s/^# \{0,1\}//p' examples/demo.sh; exit 0 ;;
  --clean) rm -rf build/demo ;;
  '') ;;
  *) echo "demo.sh: unknown argument '$1'; see --help" >&2; exit 2 ;;
esac

step() { printf '\n== %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

server=
cleanup() { [ -z "$server" ] || kill "$server" 2> /dev/null || :; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step 'packages'
sh tests/setup.sh demo

step 'build'
cmake --preset release > build.log 2>&1 || { cat build.log; exit 1; }
rm -f build.log
cmake --build --preset release --target shoal-image shoal-nbd
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

step 'serve'
"$bin/shoal-nbd" --image "$cid" --store car:build/demo/debian.car --port 0 --trace build/demo/boot_trace.csv \
  > build/demo/uri 2> build/demo/server.log &
server=$!
for _ in $(seq 100); do
  [ -s build/demo/uri ] && break
  kill -0 "$server" 2> /dev/null || { cat build/demo/server.log; exit 1; }
  sleep 0.1
done
uri=$(head -n 1 build/demo/uri)
echo "$uri"

step 'boot: Debian with its root on that export'
sh examples/netboot/boot.sh "$kernel" build/demo/initrd.gz "$uri"

kill "$server"
wait "$server" || { cat build/demo/server.log; exit 1; }
server=
step 'what the boot touched'
cat build/demo/server.log
