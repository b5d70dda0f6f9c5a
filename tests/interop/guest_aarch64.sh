# SPDX-License-Identifier: BSL-1.0
#
# Guests for aarch64: linked for it, taken by the loader, and run under qemu-user by signal_tender, which serves their calls and
# their registers without a KVM; then in the KVM of a Debian kernel for arm64, in a QEMU that emulates EL2 for it.
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
of_guests=$here/../include/shoal/hypercall/guest
freestanding="-ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables
  -mgeneral-regs-only -Os"
# guest NAME SOURCE [OPTION...]
guest() {
  name=$1
  source=$2
  shift 2
  # shellcheck disable=SC2086  # lists of options
  $cxx $common $freestanding "$@" "$here/guest/$source" "$of_guests/memory.c" -nostdlib -static \
    -Wl,-T,"$of_guests/hvt.ld" -Wl,--build-id=none -Wl,-z,max-page-size=4096 -lgcc -o "$work/$name"
}
guest hello hello.cpp
guest switch switch.cpp -I"$here/guest/by_call"
aarch64-linux-gnu-gcc -std=c11 -Wall -Wextra -Werror "-I$here/../include" -ffreestanding -fno-stack-protector -fno-pic \
  -mgeneral-regs-only -Os "$here/guest/hello.c" "$of_guests/memory.c" -nostdlib -static -Wl,-T,"$of_guests/hvt.ld" \
  -Wl,--build-id=none -Wl,-z,max-page-size=4096 -lgcc -o "$work/hello_c"
guest switch_virtio switch.cpp -I"$here/guest/by_virtio"
guest switch_bcm2835 switch.cpp -I"$here/guest/by_bcm2835"
for program in load signal_tender; do
  # shellcheck disable=SC2086
  $cxx $common -O1 "$here/guest/$program.cpp" -o "$work/$program"
done

# shellcheck disable=SC2086
on_arm() { $qemu "$@"; }
for name in hello hello_c; do on_arm "$work/load" "$work/$name" 2048 || fail "$name is not taken"; done
for name in switch switch_virtio switch_bcm2835; do on_arm "$work/load" "$work/$name" 65536 pins || fail "$name is not taken"; done
for name in hello hello_c; do
  on_arm "$work/signal_tender" "$work/$name" > "$work/said" || fail "$name ended with $?"
  grep -qx 'Hello, World' "$work/said" || fail "$name has not said so"
done
for name in switch switch_bcm2835; do
  on_arm "$work/signal_tender" "$work/$name" > "$work/said" || fail "$name ended with $?"
  grep -qx 'the LED has changed 10 times' "$work/said" || { cat "$work/said"; fail "the LED of $name has not followed its switch"; }
done
echo "guests for aarch64 are taken, and run"

echo "== with KVM"
command -v qemu-system-aarch64 > /dev/null || { echo "SKIP: qemu-system-aarch64 is not here"; exit 77; }
kernel=
for file in "$here"/../build/tools/guests/*-linux-image-arm64/boot/vmlinuz-*; do kernel=$file; done
[ -f "$kernel" ] || { echo "SKIP: there is no kernel for arm64 in build/tools/guests: ids_guests.sh fetches one"; exit 77; }
mkdir -p "$work/root/dev"
# shellcheck disable=SC2086
$cxx $common -O1 -static "$here/guest/kvm_tender.cpp" -o "$work/root/init"
cp "$work/hello" "$work/switch" "$work/switch_bcm2835" "$work/root/"
(cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"
timeout 300 qemu-system-aarch64 -accel tcg -machine virt,virtualization=on -cpu max -m 512 -display none -monitor none -no-reboot \
  -serial "file:$work/said" -kernel "$kernel" -initrd "$work/initrd" \
  -append "console=ttyAMA0 quiet panic=-1 -- /hello /switch /switch_bcm2835" || { cat "$work/said"; fail "QEMU ended with $?"; }
tr -d '\r' < "$work/said" > "$work/lines"
for line in 'Hello, World' '/hello ended with 0' '/switch ended with 0' '/switch_bcm2835 ended with 0'; do
  grep -qx "$line" "$work/lines" || { cat "$work/lines"; fail "nobody has said '$line'"; }
done
[ "$(grep -cx 'the LED has changed 10 times' "$work/lines")" -eq 2 ] || { cat "$work/lines"; fail "a LED has not followed its switch"; }
echo "and run in KVM"
