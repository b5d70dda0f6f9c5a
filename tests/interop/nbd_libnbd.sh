# SPDX-License-Identifier: BSL-1.0
#
# libnbd's programs against shoal-nbd: what nbdinfo is told, and copies to and fro.
. "$(dirname "$0")/common/serve.sh"
need nbdinfo nbdcopy cmp dd truncate

says() { grep -q -- "$2" "$work/output" || { cat "$work/output" >&2; fail "$1: no '$2'"; }; }

# a disk of 12 MiB: 1 MiB data, 4 MiB hole, the rest data
dd if=/dev/urandom of="$work/disk" bs=1M count=12 status=none
dd if=/dev/zero of="$work/disk" bs=1M seek=1 count=4 conv=notrunc status=none
truncate -s 12M "$work/sparse"
dd if="$work/disk" of="$work/sparse" bs=1M count=1 conv=notrunc status=none
dd if="$work/disk" of="$work/sparse" bs=1M skip=5 seek=5 conv=notrunc status=none

serve --file "$work/sparse" --export "small=memory:1M"
expect "info" nbdinfo "$uri"
for line in "using structured packets" "export-size: 12582912" "base:allocation" "is_read_only: false" "can_df: true" \
  "can_fast_zero: true" "can_flush: true" "can_fua: true" "can_multi_conn: true" "can_trim: true" "can_zero: true" \
  "block_size_minimum: 1" "block_size_maximum: 33554432"; do
  says "info" "$line"
done
expect "list" nbdinfo --list "$uri"
says "list" 'export="small"'
expect "info of a named export" nbdinfo --size "$(uri_of small)"
says "info of a named export" 1048576
if nbdinfo "$(uri_of none)" > /dev/null 2>&1; then fail "an export that does not exist was found"; fi
expect "map" nbdinfo --map "$uri"
says "map" "1048576 *4194304 *3 *hole,zero"

expect "copy from" nbdcopy "$uri" "$work/copy"
expect "the copy" cmp "$work/disk" "$work/copy"
expect "copy to" nbdcopy --requests=32 --connections=4 "$work/copy" "$uri"
expect "copy synchronously" nbdcopy --synchronous "$uri" "$work/again"
expect "the second copy" cmp "$work/disk" "$work/again"
stop
expect "the file behind it" cmp "$work/disk" "$work/sparse"

serve --file "$work/sparse" --readonly
expect "info of a read-only export" nbdinfo "$uri"
says "info of a read-only export" "is_read_only: true"
if nbdcopy "$work/copy" "$uri" > /dev/null 2>&1; then fail "a read-only export was written to"; fi
stop

serve --memory 5M --port 0
tcp=$(sed -n 2p "$work/printed")
port=${tcp##*:}
port=${port%/}
for host in localhost 127.0.0.1 '[::1]'; do
  case $host in '['*) grep -q ' lo$' /proc/net/if_inet6 2>/dev/null || continue ;; esac
  expect "info over TCP" nbdinfo --size "nbd://$host:$port/"
  says "info over TCP" 5242880
done
stop

# the way in which libnbd starts servers: socket activation
expect "socket activation" nbdinfo --size -- [ "$bin/shoal-nbd" --memory 3M ]
says "socket activation" 3145728
expect "copy by socket activation" nbdcopy -- [ "$bin/shoal-nbd" --file "$work/sparse" ] "$work/third"
expect "the third copy" cmp "$work/disk" "$work/third"
