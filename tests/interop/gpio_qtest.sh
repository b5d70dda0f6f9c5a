# SPDX-License-Identifier: BSL-1.0
#
# The drivers of hal/ against the devices that QEMU models, without a guest: BCM2835 of raspi3b, PL061 of the arm64 "virt"
# and of versatilepb. The same conformance suite as over our own models (tests/interop/qtest/gpio_test.cpp).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
for tool in qemu-system-aarch64 qemu-system-arm; do
  command -v "$tool" > /dev/null || { echo "SKIP: $tool is not here"; exit 77; }
done
work=$(mktemp -d)
qemu=
finish() {
  if [ -n "$qemu" ]; then kill -9 "$qemu" 2> /dev/null || :; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() { echo "FAIL: $*" >&2; exit 1; }

compiler=${CXX:-g++}
if command -v ccache > /dev/null; then compiler="ccache $compiler"; fi
# shellcheck disable=SC2086 # a program and its first argument
$compiler -std=c++20 -O1 -g -fsanitize=address,undefined -Wall -Wextra -Werror -DDOCTEST_CONFIG_USE_STD_HEADERS \
  -I"$root/include" "$root/tests/interop/qtest/gpio_test.cpp" -o "$work/gpio_test"

# The first device of a type, as QEMU calls it: the tree that its monitor prints, one step of a path a line.
device_path() {
  printf 'info qom-tree\nquit\n' |
    timeout 60 "$@" -S -nodefaults -display none -serial none -monitor stdio 2> /dev/null | tr -d '\r' |
    awk -v type="($type)" '{ match($0, /^ */); depth = RLENGTH / 2; path[depth] = $1 }
      $2 == type { for (i = 1; i <= depth; ++i) printf "%s", path[i]; print ""; exit }'
}

# try TYPE CHIP RAM BASES QEMU MACHINE
try() {
  type=$1
  export CHIP="$2" RAM="$3" BASES="$4"
  shift 4
  DEVICE=/machine$(device_path "$@")
  [ "$DEVICE" != /machine ] || fail "$* has no $type"
  QTEST=$work/qtest
  export DEVICE QTEST
  rm -f "$QTEST"
  echo "== $*: $type at $BASES, $DEVICE"
  "$@" -S -nodefaults -display none -serial none -qtest "unix:$QTEST,server=on,wait=off" -qtest-log /dev/null \
    > "$work/qemu.log" 2>&1 &
  qemu=$!
  tries=0
  until [ -S "$QTEST" ]; do
    kill -0 "$qemu" 2> /dev/null || { cat "$work/qemu.log" >&2; fail "QEMU did not start"; }
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "QEMU does not listen"
    sleep 0.1
  done
  timeout 600 "$work/gpio_test" --no-colors=true || { cat "$work/qemu.log" >&2; fail "the drivers over $*"; }
  kill "$qemu"
  wait "$qemu" || :
  qemu=
}

try bcm2835_gpio bcm2835 0 0x3f200000 qemu-system-aarch64 -M raspi3b
try pl061 pl061 0x40000000 0x09030000 qemu-system-aarch64 -M virt
try pl061 pl061 0 '0x101e4000 0x101e5000 0x101e6000 0x101e7000' qemu-system-arm -M versatilepb
