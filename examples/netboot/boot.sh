#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# boot.sh KERNEL INITRD nbd://HOST:PORT/EXPORT
#
# Boots a virtual machine whose root is an NBD export, prints its console, and exits 0 when the guest said BOOT OK and
# saw no read error. QEMU without acceleration: it runs anywhere. BOOT_SECONDS (180) bounds it.
set -eu

usage() { sed -n '4,7s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit 0 ;;
esac
[ $# -eq 3 ] || { usage >&2; exit 2; }
kernel=$1
initrd=$2
address=${3#nbd://}
case $address in
  # this machine as the guest sees it on QEMU's user-mode network
  127.* | localhost*) address=10.0.2.2:${address#*:} ;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# no_timer_check: a host that is busy gives the guest's timer no time, and its kernel gives up
timeout "${BOOT_SECONDS:-180}" qemu-system-x86_64 -accel tcg -cpu max -m 768 -machine q35 -nodefaults \
  -nographic -no-reboot -serial stdio -netdev user,id=net0 -device virtio-net-pci,netdev=net0,romfile= \
  -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 quiet no_timer_check nbd=$address" < /dev/null 2>&1 |
  tee "$log" | tr -d '\033\r' | sed -n 's/^.*\(initrd:\)/\1/; /^\(initrd\|root\|packages\|overlay\|BOOT\)/p; /rror/p'

if ! grep -aq 'BOOT OK' "$log" || grep -aqE 'I/O error|Dead connection' "$log"; then
  echo "boot.sh: the guest did not boot; the end of its console:" >&2
  tail -n 30 "$log" >&2
  exit 1
fi
