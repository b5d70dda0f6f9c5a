# SPDX-License-Identifier: BSL-1.0
#
# fio writes, reads back and checks every block, on each kind of device.
. "$(dirname "$0")/common/serve.sh"
need fio dd
fio --enghelp 2>/dev/null | grep -q nbd || { echo "SKIP: this fio has no nbd engine"; exit 77; }

dd if=/dev/urandom of="$work/disk" bs=1M count=32 status=none
verify() {
  expect "fio on $1" fio --name=job --ioengine=nbd --uri="$2" --rw="$3" --bsrange=512-256k --blockalign=512 \
    --size=24M --io_size=48M --iodepth=32 --verify=crc32c --verify_fatal=1 --do_verify=1 --randrepeat=1
  if grep -i 'verify: \|bad magic' "$work/output"; then fail "fio read something else than it wrote on $1"; fi
}

serve --file "$work/disk" --export "memory=memory:32M"
verify "a file" "$uri" randwrite
verify "a file" "$uri" randrw
verify "memory" "$(uri_of memory)" randwrite
verify "memory" "$(uri_of memory)" write
stop
