# SPDX-License-Identifier: BSL-1.0
#
# watch_disk.sh BIN_DIR: what clients do with a disk is held against rules while they do it, and recorded: ranges and
# files, alerts and refusals; and what people get wrong with such rules.
. "$(dirname "$0")/lib/check.sh"
PATH=$PATH:/usr/sbin:/sbin
need python3 mke2fs openssl
# not every python3 has libnbd's module
python=
for each in python3 /usr/bin/python3; do "$each" -c 'import nbd' 2> /dev/null && python=$each && break; done
[ -n "$python" ] || skip 'python3 has no module nbd (python3-libnbd)'
record=$bin/shoal-record
[ -x "$record" ] || skip "$record has not been built"

mkdir -p tree/etc
echo 'root:*:1:0:99999:7:::' > tree/etc/shadow
echo 'hello' > tree/etc/motd
mke2fs -q -F -b 4096 -t ext4 -d tree fs.img 16M > /dev/null
# the same file system in a partition
truncate -s 18M disk.img
dd if=fs.img of=disk.img bs=1M seek=1 conv=notrunc status=none
python3 - << 'END'
import struct
with open('disk.img', 'r+b') as disk:
    disk.seek(446)
    disk.write(struct.pack('<B3sB3sII', 0, b'', 0x83, b'', 2048, 32768))
    disk.seek(510)
    disk.write(b'\x55\xaa')
END
exits 0 "$image" locate disk.img /etc/shadow
contents=$(sed -n 's/^contents disk:\([0-9]*\)-.*/\1/p' out)
name=$(sed -n 's/^records *disk:\([0-9]*\)-.*/\1/p' out | tail -n 1)
check 'the file is in the partition' [ "$contents" -gt 1048576 ]

# client CODE: Python, with the handle h; disk is what it was before
client() {
  "$python" -c "
import errno, nbd
h = nbd.NBD()
h.connect_uri('$uri')
def refused(do, *how):
    try:
        do(*how)
    except nbd.Error as why:
        assert why.errnum == errno.EPERM, why
        return
    raise AssertionError('it was allowed')
$1
h.shutdown()"
}
# alerts NAMES: which rules have told so far
alerts() { same "$1" "$2" "$(sed -n 's/.* alert \([a-z]*\):.*/\1/p' server.err | tr '\n' ' ' | sed 's/ $//')"; }

cat > disk.rules << 'END'
forbid boot     write disk:0-511        deny
forbid shadow   write disk:/etc/shadow  deny
note   look     read  disk:/etc/motd
forbid after    write disk:/etc/motd    within 1h after look
END
start_server --file disk.img --unix nbd.sock --rules disk.rules --record cbor:disk.rec
check 'what is watched is refused, to the byte, and nothing is written' client "
before = h.pread(4096, 0)
refused(h.pwrite, b'x' * 512, 0)
refused(h.pwrite, b'x' * 2, 511)
refused(h.pwrite, b'x' * 4096, 0)
refused(h.zero, 512, 0)
refused(h.trim, 4096, 0)
assert h.pread(4096, 0) == before
h.pwrite(b'x', 512)
h.pwrite(before[512:513], 512)"
alerts 'five refusals of the boot sector' 'boot boot boot boot boot'
check 'a file is refused, in its contents and in its name' client "
refused(h.pwrite, b'x', $contents + 5)
refused(h.zero, 4096, $contents)
block = h.pread(4096, $name // 4096 * 4096)
h.pwrite(block, $name // 4096 * 4096)  # what was there
at = $name % 4096
refused(h.pwrite, block[:at] + b'XX' + block[at + 2:], $name // 4096 * 4096)
assert h.pread(4096, $name // 4096 * 4096) == block"
alerts 'three of the file' 'boot boot boot boot boot shadow shadow shadow'
motd=$("$image" locate disk.img /etc/motd | sed -n 's/^contents disk:\([0-9]*\)-.*/\1/p')
check 'a write before the read is nothing, one behind it is told and takes place' client "
h.pwrite(b'a', $motd)
h.pread(1, $motd)
h.pwrite(b'b', $motd)
assert h.pread(1, $motd) == b'b'"
alerts 'and one that came after another' 'boot boot boot boot boot shadow shadow shadow after'
check 'an alert names request and reason' grep -q 'alert boot: forbidden: disk disk_write 511+2, denied' server.err
stop_server

exits 0 "$record" show disk.rec
check 'the recording has what was refused' grep -q 'disk disk_write 511+2$' out
check 'and what was read' grep -q "disk disk_read $motd+1\$" out
exits 0 "$record" show disk.rec --summary
check 'nothing is lost' grep -q '^lost *0$' out
exits 0 "$record" show disk.rec --svg disk.svg
printf 'forbid late write disk:0-511\nallow all any disk:*\nforbid never any disk:*\n' > later.rules
exits 1 "$record" check disk.rec --rules later.rules
same 'the same five, later' 5 "$(grep -c 'alert late: forbidden' out)"
same 'and no others' 5 "$(grep -c alert out)"

# overlays: what one client writes to its own is seen as well
start_server --file disk.img --overlay --unix nbd.sock --rules disk.rules
check 'an overlay is watched' client "refused(h.pwrite, b'x', 0); h.pwrite(b'x', 600)"
stop_server

# mistakes
mistake 1 missing.rules "$nbd" --memory 1M --port 0 --rules missing.rules
wrong() {
  printf '%s\n' "$1" > wrong.rules
  shift
  mistake 2 "$@"
}
wrong 'forbid a write dusk:0' dusk:0 "$nbd" --memory 1M --port 0 --rules wrong.rules
says wrong.rules:1:16
wrong 'forbid a in tcp:22' "'a'" "$nbd" --memory 1M --port 0 --rules wrong.rules
wrong 'forbid a write disk:/etc/shadow' /etc/shadow "$nbd" --memory 1M --port 0 --rules wrong.rules
says ext4
wrong 'forbid a write disk:/etc/nobody' /etc/nobody "$nbd" --file disk.img --port 0 --rules wrong.rules
wrong 'forbid a write disk:/etc/shadow' "'a'" \
  "$nbd" --export one=file:disk.img --export two=file:fs.img --port 0 --rules wrong.rules
says source
wrong 'forbid a write disk:/etc/shadow source 7' "'a'" "$nbd" --file disk.img --port 0 --rules wrong.rules
wrong 'forbid a write disk:/etc/shadow' "'a'" "$record" check disk.rec --rules wrong.rules
mistake 2 nowhere "$nbd" --memory 1M --port 0 --record nowhere
mistake 1 nowhere/x.rec "$nbd" --memory 1M --port 0 --record cbor:nowhere/x.rec
mistake 1 disk.img "$image" locate nowhere/disk.img /etc
mistake 2 /etc/none "$image" locate disk.img /etc/none

finish
