# SPDX-License-Identifier: BSL-1.0
#
# QEMU's programs against shoal-nbd: images compared and converted, and patterns through every kind of request.
. "$(dirname "$0")/common/serve.sh"
need qemu-img qemu-io dd

dd if=/dev/urandom of="$work/disk" bs=1M count=8 status=none
cp "$work/disk" "$work/served"

serve --file "$work/served" --export "scratch=memory:64M"
expect "info" qemu-img info --output=json "$uri"
grep -q '"virtual-size": 8388608' "$work/output" || fail "qemu-img info tells another size"
expect "compare" qemu-img compare -f raw -F raw "$work/disk" "$uri"
expect "convert from" qemu-img convert -f raw -O qcow2 "$uri" "$work/copy.qcow2"
expect "compare the copy" qemu-img compare -F raw "$work/copy.qcow2" "$uri"
expect "convert to" qemu-img convert -n -f qcow2 -O raw "$work/copy.qcow2" "$(uri_of scratch)"
expect "map" qemu-img map -f raw --output=json "$(uri_of scratch)"
grep -q '"zero": true' "$work/output" || fail "qemu-img map sees no zeroes"

expect "patterns" qemu-io -f raw "$(uri_of scratch)" \
  -c 'write -P 1 0 64M' -c 'write -P 2 12345 777777' -c 'read -P 2 12345 777777' -c 'read -P 1 790122 1M' \
  -c 'write -z 1M 4M' -c 'read -P 0 1M 4M' -c 'write -z -u 8M 4M' -c 'read -P 0 8M 4M' -c 'read -P 1 5M 3M' \
  -c 'write -f -P 3 20M 1M' -c 'discard 32M 8M' -c 'flush' -c 'read -P 3 20M 1M' -c 'read -P 1 60M 4M'
if grep -i 'error\|fail\|mismatch' "$work/output"; then fail "qemu-io found something wrong"; fi
many=
for i in 1 2 3 4 5 6 7 8; do many="$many -c 'aio_write -P $i ${i}M 1M' -c 'aio_read ${i}M 512k'"; done
eval "expect 'many at once' qemu-io -f raw '$(uri_of scratch)' $many -c aio_flush -c 'read -P 5 5M 1M'"
if grep -i 'error\|fail\|mismatch' "$work/output"; then fail "qemu-io found something wrong"; fi
if qemu-io -f raw "$(uri_of scratch)" -c 'read 64M 512' 2>&1 | grep -q '^read 512'; then
  fail "a read past the end was answered"
fi
stop
