# SPDX-License-Identifier: BSL-1.0
#
# A Debian guest's own gpio-virtio and virtio_blk against shoal-vhost, by QEMU's vhost-user devices: names, levels and
# edges of GPIO lines; a disk that is written, flushed, discarded and read again; and Debian with its root on a disk whose
# blocks come from a content-addressed image.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
need "$bin/shoal-vhost" "$bin/shoal-image"
guest_setup

servers=
stop_servers() {
  for server in $servers; do kill -TERM "$server" 2> /dev/null || :; done
  for server in $servers; do wait "$server" || fail "shoal-vhost ended with $?"; done
  servers=
}
on_end='stop_servers'
# serve NAME ARG...: starts `shoal-vhost ARG...` at $work/NAME.sock
serve() {
  name=$1
  shift
  "$bin/shoal-vhost" --socket "$work/$name.sock" "$@" > "$work/$name.out" 2> "$work/$name.log" &
  servers="$servers $!"
  tries=0
  until [ -s "$work/$name.out" ]; do
    kill -0 $! 2> /dev/null || { cat "$work/$name.log" >&2; fail "shoal-vhost $* did not start"; }
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "shoal-vhost $* says nothing"
    sleep 0.1
  done
}
said() { grep -q "$1" "$work/said" || { cat "$work/said" >&2; fail "the guest does not say: $1"; }; }

echo "== GPIO lines and a disk"
guest_module virtio_pci
guest_module virtio_blk
guest_module gpio-virtio
guest_compile "$work/vhost_gpio" "$guest_root/tests/interop/guest/vhost_gpio.cpp"
need gpioinfo
guest_program "$work/vhost_gpio" gpioinfo gpioset gpioget
dd if=/dev/urandom of="$work/disk" bs=1M count=32 status=none
cp "$work/disk" "$work/before"
serve gpio --gpio 'sim:8?names=led,button,door&wires=0-1,4-5'
serve disk --block "file:$work/disk" --id 'shoal 0001' --queues 2

cat > "$work/script" <<'GUEST'
set -e
gpioinfo gpiochip0
gpioset gpiochip0 4=1
echo "wired: $(gpioget gpiochip0 5)"
gpioset gpiochip0 4=0
echo "wired: $(gpioget gpiochip0 5)"
cd /sys/bus/virtio/devices
for device in *; do
  case $(cat $device/device) in 0x0029) echo "interrupts: $(cut -c 1 < $device/features)" ;; esac
done
cd /
vhost_gpio /dev/gpiochip0 0 1 10000
echo "serial: $(cat /sys/block/vda/serial)"
echo "sectors: $(cat /sys/block/vda/size)"
echo "queues: $(ls /sys/block/vda/mq | wc -l)"
echo "cache: $(cat /sys/block/vda/queue/write_cache)"
echo "read: $(md5sum < /dev/vda)"
dd if=/dev/urandom of=/tmp/random bs=64k count=64 2> /dev/null
dd if=/tmp/random of=/dev/vda bs=64k seek=100 conv=fsync 2> /dev/null
blkdiscard -o 1048576 -l 4194304 /dev/vda
echo 3 > /proc/sys/vm/drop_caches
echo "written: $(md5sum < /tmp/random)"
echo "back: $(dd if=/dev/vda bs=64k skip=100 count=64 2> /dev/null | md5sum)"
echo "all: $(md5sum < /dev/vda)"
GUEST
guest_run 180 "$work/script" -smp 2 \
  -chardev "socket,id=gpio,path=$work/gpio.sock" -device vhost-user-gpio-pci,chardev=gpio \
  -chardev "socket,id=disk,path=$work/disk.sock" -device vhost-user-blk-pci,chardev=disk,num-queues=2 \
  > "$work/said" || { cat "$work/said" "$work"/*.log; fail "the guest"; }
cat "$work/said"
for name in led button door; do said "\"$name\""; done
said '(8 lines)\|8 lines:'
[ "$(grep '^wired' "$work/said" | tr -d '\n')" = 'wired: 1wired: 0' ] || fail "gpioset and gpioget see different levels"
said '10000 sets and gets, 0 wrong'
# QEMU 7.2 does not pass the feature on, and the guest's driver refuses edges then; a later one may
if grep -q '^interrupts: 0' "$work/said"; then said '^edges: refused'; else said '^edges: 10 of 10'; fi
said '^serial: shoal 0001$'
said '^sectors: 65536$'
said '^queues: 2$'
said '^cache: write back$'
said "^read: $(md5sum < "$work/before")"
written=$(sed -n 's/^written: //p' "$work/said")
said "^back: $written"
stop_servers
# what the guest sees is what is on the disk, and the rest of that is as it was
said "^all: $(md5sum < "$work/disk")"
cmp -n $((1024 * 1024)) "$work/disk" "$work/before" || fail "the first MiB has changed"
cmp -i $((11 * 1024 * 1024)) "$work/disk" "$work/before" || fail "the end has changed"
cat "$work/gpio.log" "$work/disk.log"

echo "== Debian from a content-addressed image"
demo=$guest_root/build/demo
if [ ! -f "$demo/debian.ext4" ]; then
  echo "SKIP: $demo/debian.ext4 is not here; sh examples/demo.sh makes it"
  exit 77
fi
store=$demo/debian.car
if [ ! -f "$store" ]; then
  store=$work/debian.car
  "$bin/shoal-image" import "$demo/debian.ext4" --store "car:$store" --quiet
fi
cid=$("$bin/shoal-image" info --quiet --store "car:$store")
serve root --block "image:$cid?store=car:$store" --overlay
guest_module ext4
cat > "$work/boot" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs dev /dev
while read -r module; do insmod /lib/modules/$module; done < /lib/modules/order
mkdir /root-disk
mount -t ext4 /dev/vda /root-disk > /dev/ttyS1 2>&1
mount --move /dev /root-disk/dev
exec switch_root /root-disk /sbin/netboot-init > /root-disk/dev/ttyS1 2>&1
INIT
chmod +x "$work/boot"
guest_file "$work/boot" /boot
guest_words=rdinit=/boot
# Debian's init ends with the power and not with a status
guest_memory=512
guest_run 240 "$work/script" -chardev "socket,id=root,path=$work/root.sock" \
  -device vhost-user-blk-pci,chardev=root > "$work/said" 2> "$work/silence" || :
cat "$work/said"
said '^root: Debian GNU/Linux 12'
said '^overlay: writable'
said '^BOOT OK'
# the kernel resets its devices before the power goes, whatever still reads then
booted=$(sed -n 's/^BOOT OK after \([0-9.]*\).*/\1/p' "$work/said")
tr -d '[]' < "$work/guest.console" | awk -v booted="$booted" '/I\/O error|EXT4-fs error/ && $1 < booted' > "$work/errors"
[ ! -s "$work/errors" ] || { cat "$work/errors"; fail "the disk has errors"; }
stop_servers
