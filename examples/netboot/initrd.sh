#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# initrd.sh KERNEL_DIR OUT.cpio.gz
#
# Makes the initial RAM file system that attaches an NBD export and boots from it: busybox, nbd-client and the kernel
# modules they need, from KERNEL_DIR, a linux-image package unpacked by `dpkg -x`. The kernel command line
# says what to attach: nbd=HOST:PORT/EXPORT.
set -eu

usage() { sed -n '4,8s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit 0 ;;
esac
[ $# -eq 2 ] || { usage >&2; exit 2; }
kernel=$1
out=$2
version=$(basename "$kernel"/lib/modules/*)

work=$(mktemp -d "$(dirname "$out")/initrd.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/lib/modules" "$root/usr/bin"

cp /bin/busybox "$root/bin/busybox"
for applet in $(busybox --list); do
  [ "$applet" = busybox ] || ln -s /bin/busybox "$root/bin/$applet"
done

# nbd-client and the shared libraries it loads
client=$(PATH=$PATH:/usr/sbin:/sbin command -v nbd-client)
cp -L "$client" "$root/usr/bin/"
ldd "$client" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

# the modules in loading order; what is built into the kernel has no file and needs none
[ -f "$kernel/lib/modules/$version/modules.dep" ] || /sbin/depmod -b "$kernel" "$version"
for module in virtio_pci virtio_net nbd ext4 overlay; do
  /sbin/modprobe -d "$kernel" -S "$version" --show-depends "$module" 2>/dev/null | awk '/^insmod/ { print $2 }'
done | awk '!seen[$0]++' | while read -r module; do
  cp "$module" "$root/lib/modules/"
  basename "$module" >> "$root/lib/modules/order"
done

cat > "$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
fail() { echo "BOOT FAILED: $*"; echo o > /proc/sysrq-trigger; sleep 60; }

while read -r module; do insmod "/lib/modules/$module"; done < /lib/modules/order
for word in $(cat /proc/cmdline); do
  case $word in nbd=*) uri=${word#nbd=} ;; esac
done
[ -n "$uri" ] || fail "the kernel command line has no nbd=HOST:PORT/EXPORT"
export_name=${uri#*/}
address=${uri%%/*}

ip link set lo up
ip link set eth0 up
cat > /tmp/lease.sh <<'LEASE'
#!/bin/busybox sh
[ "$1" = bound ] && ip addr add "$ip/${mask:-24}" dev "$interface" &&
  [ -n "$router" ] && ip route add default via "$router"
exit 0
LEASE
chmod +x /tmp/lease.sh
udhcpc -i eth0 -n -q -t 10 -T 1 -s /tmp/lease.sh > /dev/null 2>&1 || fail "no DHCP lease"

nbd-client "${address%:*}" "${address##*:}" /dev/nbd0 -N "$export_name" -b 512 > /tmp/nbd.log 2>&1 ||
  { cat /tmp/nbd.log; fail "cannot attach nbd://$uri"; }
echo "initrd: attached nbd://$uri, $(blockdev --getsize64 /dev/nbd0) bytes"

mkdir -p /lower /upper /root
mount -t ext4 -o ro,noload /dev/nbd0 /lower || fail "cannot mount /dev/nbd0"
mount -t tmpfs tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work /root || fail "no overlay"
mkdir -p /root/proc /root/sys /root/dev
mount --move /dev /root/dev
umount /proc /sys
exec switch_root /root /sbin/netboot-init
INIT
chmod +x "$root/init"

(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"
mv "$work/initrd" "$out"
