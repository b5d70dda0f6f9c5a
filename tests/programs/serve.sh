# SPDX-License-Identifier: BSL-1.0
#
# serve.sh BIN_DIR: what shoal-nbd serves, seen by libnbd: files, memory, images, overlays, several exports; over TCP, IPv6,
# Unix sockets and inherited ones; and that SIGTERM ends it well.
. "$(dirname "$0")/lib/check.sh"
need openssl python3 nbdinfo nbdcopy
# not every python3 has libnbd's module: nbdsh would take the first one
python=
for each in python3 /usr/bin/python3; do "$each" -c 'import nbd' 2> /dev/null && python=$each && break; done
[ -n "$python" ] || skip 'python3 has no module nbd (python3-libnbd)'

noise 3000000 > disk.img
truncate -s 9M disk.img
cid=$("$image" import disk.img --store car:disk.car --quiet)

# client PYTHON: runs it with h connected to $uri, as nbdsh does
client() {
  check "client of $uri" "$python" -c 'import nbd, sys
h = nbd.NBD()
h.set_strict_mode(0)
h.connect_uri(sys.argv[1])
exec(sys.argv[2])' "$uri" "$1"
}

# a file that may be written
cp disk.img file.img
start_server --file file.img --port 0
case $uri in nbd://localhost:*/) ok ;; *) bad "not a URI: $uri" ;; esac
check nbdinfo nbdinfo "$uri"
check 'nbdcopy from a file' nbdcopy "$uri" copied.img
check 'nbdcopy from a file' cmp disk.img copied.img
client 'h.pwrite(b"w" * 1000, 12345); h.flush(); assert h.pread(1002, 12344)[1:1001] == b"w" * 1000'
stop_server
same 'written' "$(printf 'w%.0s' $(seq 1000))" "$(dd if=file.img bs=1 skip=12345 count=1000 status=none)"

# the same, and nobody may write
cp disk.img file.img
start_server --file file.img --port 0 --readonly
client '
assert h.is_read_only()
try:
    h.pwrite(b"w" * 512, 0)
    assert False
except nbd.Error as e:
    assert e.errno == "EPERM", e'
stop_server
check 'a file served read-only' cmp disk.img file.img

# memory
start_server --memory 1.5M --port 0
client '
assert h.get_size() == 1572864
assert h.pread(512, 1572864 - 512) == bytes(512)
h.pwrite(b"m" * 512, 512)
assert h.pread(512, 512) == b"m" * 512'
stop_server

# an image, from each kind of store
"$image" import disk.img --store ref:disk.ref --quiet > /dev/null
"$image" import disk.img --store flatfs:blocks --quiet > /dev/null
for store in car:disk.car ref:disk.ref flatfs:blocks; do
  start_server --image "$cid" --store "$store" --port 0
  client 'assert h.is_read_only() and h.can_multi_conn()'
  check "$store: nbdcopy" nbdcopy "$uri" copied.img
  check "$store: nbdcopy" cmp disk.img copied.img
  check "$store: holes" sh -c "nbdinfo --map '$uri' | grep -q hole"
  stop_server
done

# a leaf that is damaged: the client gets an error, the log names the block, and the rest is served
cp disk.car bad.car
dd if=disk.img of=leaf bs=65536 skip=5 count=1 status=none
python3 "$here/lib/make_car.py" harm bad.car leaf
start_server --image "$cid" --store car:bad.car --port 0
client '
assert len(h.pread(65536, 4 * 65536)) == 65536
try:
    h.pread(512, 5 * 65536)
    assert False
except nbd.Error as e:
    assert e.errno == "EIO", e
assert len(h.pread(65536, 6 * 65536)) == 65536'
stop_server
says "$(python3 "$here/lib/make_car.py" cid leaf)" car:bad.car

# overlays: each client sees what it wrote and nothing of the others; the image stays as it is
for source in "--image $cid --store car:disk.car" '--file file.img'; do
  # shellcheck disable=SC2086 # options
  start_server $source --overlay --port 0
  client "
import nbd
other = nbd.NBD()
other.connect_uri('$uri')
before = h.pread(8192, 0)
assert not h.is_read_only() and not h.can_multi_conn()
h.pwrite(b'1' * 512, 512)
other.pwrite(b'2' * 512, 1024)
assert h.pread(8192, 0) == before[:512] + b'1' * 512 + before[1024:]
assert other.pread(8192, 0) == before[:1024] + b'2' * 512 + before[1536:]
third = nbd.NBD()
third.connect_uri('$uri')
assert third.pread(8192, 0) == before"
  stop_server
done
check 'an image under overlays' "$image" verify --store car:disk.car
check 'a file under overlays' cmp disk.img file.img

# several exports, and one of them by default
start_server --export "root=image:$cid?store=car:disk.car" --export scratch=memory:1M --export file=file:file.img --port 0
same 'URIs' 3 "$(wc -l < uris)"
nbdinfo --list "${uri%/*}/" > list 2>&1
for name in root scratch file; do
  check "nbdinfo --list tells $name" grep -q "export=\"$name\"" list
  check "the URI of $name" sh -c "grep '/$name\$' uris | xargs nbdinfo --size"
done
same 'size of root' 9437184 "$(nbdinfo --size "${uri%/*}/root")"
same 'size of scratch' 1048576 "$(nbdinfo --size "${uri%/*}/scratch")"
if nbdinfo "${uri%/*}/nonsense" > out 2>&1; then bad 'an export that is not there'; else ok; fi
stop_server

# names that a URI has to escape
start_server --export 'two words/ä?#%=memory:1M' --port 0
same 'size of an export with an odd name' 1048576 "$(nbdinfo --size "$uri")"
stop_server

# a Unix socket; its file goes at the end, and one that nobody serves is no hindrance
start_server --memory 1M --unix "$work/a socket"
check 'the URI of a Unix socket' nbdinfo --size "$uri"
check 'socket' [ -S 'a socket' ]
same 'URIs' 1 "$(wc -l < uris)"
stop_server
check 'the socket file has gone' [ ! -e 'a socket' ]
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("stale")'
start_server --memory 1M --unix "$work/stale" --port 0
same 'URIs' 2 "$(wc -l < uris)"
check 'a stale socket is replaced' nbdinfo --size "nbd+unix:///?socket=$work/stale"
check 'and TCP is served too' nbdinfo --size "$(sed -n 2p uris)"
stop_server
check 'the socket file has gone' [ ! -e stale ]

# addresses
for address in 127.0.0.1 ::1; do
  python3 -c "import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
socket.socket(family).bind((sys.argv[1], 0))" "$address" 2> /dev/null || { echo "left out: $address, for this machine has not got it"; continue; }
  start_server --memory 1M --bind "$address" --port 0
  case $address in *:*) expected="nbd://[$address]:*/" ;; *) expected="nbd://$address:*/" ;; esac
  # shellcheck disable=SC2254 # a pattern
  case $uri in nbd://"$address":*/ | nbd://"[$address]":*/) ok ;; *) bad "not $expected: $uri" ;; esac
  check "$address" nbdinfo --size "$uri"
  stop_server
done

# a socket from the service manager: fd 3, and LISTEN_FDS
: > uris
python3 - "$nbd" > port 2> server.err << 'END' &
import os, socket, sys
listening = socket.create_server(("127.0.0.1", 0))
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
print(listening.getsockname()[1], flush=True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], ["shoal-nbd", "--memory", "1M"])
END
server=$!
servers=$server
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
uri=nbd://127.0.0.1:$(head -n 1 port)/
client 'assert h.get_size() == 1 << 20'
stop_server

# the trace: each request a line, and a sum at the end
start_server --image "$cid" --store car:disk.car --port 0 --trace trace.csv
client 'h.pread(1024, 4096); h.pread(512, 1 << 20)'
stop_server
says '2 reads' '64 KiB'
same 'head of the trace' offset,length,time,op "$(head -n 1 trace.csv | tr -d '\r')"
check 'the trace has the reads' python3 -c '
import csv
reads = [(int(r["offset"]), int(r["length"])) for r in csv.DictReader(open("trace.csv")) if r["op"] == "Read"]
assert reads == [(4096, 1024), (1 << 20, 512)], reads'

# SIGTERM and Ctrl-C: what was asked is finished, then the program ends with 0, clients or not
for signal in TERM INT; do
  cp disk.img file.img
  start_server --file file.img --port 0
  before=$failures
  client "
import os, signal
requests = [h.aio_pwrite(b'd' * (1 << 20), i << 20) for i in range(8)]
os.kill($server, signal.SIG$signal)
try:
    while h.aio_in_flight() > 0:
        h.poll(-1)
except nbd.Error:
    pass
def done(request):
    try:
        return h.aio_command_completed(request)
    except nbd.Error as e:
        assert e.errno in ('ESHUTDOWN', 'ENOTCONN'), e
        return False
told = [i for i, request in enumerate(requests) if done(request)]
with open('file.img', 'rb') as file:
    for i in told:
        file.seek(i << 20)
        assert file.read(1 << 20) == b'd' * (1 << 20), i"
  # a client that failed may not have got so far
  [ "$failures" = "$before" ] || kill -s "$signal" "$server" 2> /dev/null
  code=0
  wait "$server" || code=$?
  servers=
  same "exit code after SIG$signal with a client" 0 "$code"
done

finish
