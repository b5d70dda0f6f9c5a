# SPDX-License-Identifier: BSL-1.0
#
# Guests for aarch64: linked for it, taken by the loader, and run under qemu-user by signal_tender, which serves their calls and
# their registers without a KVM.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cxx=aarch64-linux-gnu-g++
qemu="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() { echo "FAIL: $*" >&2; exit 1; }
for tool in $cxx qemu-aarch64-static; do
  command -v "$tool" > /dev/null || { echo "SKIP: $tool is not here"; exit 77; }
done

common="-std=c++20 -Wall -Wextra -Werror -I$here/../include"
freestanding="-ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables
  -mgeneral-regs-only -Os"
# guest NAME SOURCE [OPTION...]
guest() {
  name=$1
  source=$2
  shift 2
  # shellcheck disable=SC2086  # lists of options
  $cxx $common $freestanding "$@" "$here/guest/$source" "$here/freestanding/memory.cpp" -nostdlib -static \
    -Wl,-T,"$here/../include/shoal/hypercall/guest/hvt.ld" -Wl,--build-id=none -Wl,-z,max-page-size=4096 -lgcc -o "$work/$name"
}
guest hello hello.cpp
guest switch switch.cpp -I"$here/guest/by_call"
guest switch_virtio switch.cpp -I"$here/guest/by_virtio"
guest switch_bcm2835 switch.cpp -I"$here/guest/by_bcm2835"
for program in load signal_tender; do
  # shellcheck disable=SC2086
  $cxx $common -O1 "$here/guest/$program.cpp" -o "$work/$program"
done

# shellcheck disable=SC2086
on_arm() { $qemu "$@"; }
on_arm "$work/load" "$work/hello" || fail "hello is not taken"
for name in switch switch_virtio switch_bcm2835; do on_arm "$work/load" "$work/$name" pins || fail "$name is not taken"; done
on_arm "$work/signal_tender" "$work/hello" > "$work/said" || fail "hello ended with $?"
grep -qx 'Hello, World' "$work/said" || fail "hello has not said so"
for name in switch switch_bcm2835; do
  on_arm "$work/signal_tender" "$work/$name" > "$work/said" || fail "$name ended with $?"
  grep -qx 'the LED has changed 10 times' "$work/said" || { cat "$work/said"; fail "the LED of $name has not followed its switch"; }
done
echo "guests for aarch64 are taken, and run"
