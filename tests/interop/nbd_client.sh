# SPDX-License-Identifier: BSL-1.0
#
# shoal's NBD client against other people's servers: shoal-nbd exports what it finds there, so that whatever is read and
# written goes through the client; then it is compared with what the server itself says.
# shellcheck disable=SC2154 # bin, work and uri are serve.sh's
. "$(dirname "$0")/common/serve.sh"
need nbdkit nbdinfo nbdcopy qemu-io qemu-img cmp dd truncate openssl python3

far=           # the server that runs beside shoal-nbd
far_pid=$work/far.pid
end_far() {
  [ -n "$far" ] || return 0
  kill "$far" 2> /dev/null || :
  # it removes its socket when it ends, and does not end while a client stays
  tries=0
  while kill -0 "$far" 2> /dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 20 ] || kill -9 "$far" 2> /dev/null || :
    sleep 0.1
  done
  far=
}
leave() {
  [ -z "$far" ] || kill -9 "$far" 2> /dev/null || :
  finish
}
trap leave EXIT

says() { grep -q -- "$2" "$work/output" || { cat "$work/output" >&2; fail "$1: no '$2'"; }; }
far_uri() { echo "nbd+unix:///$1?socket=$work/far.sock"; }

# wait_far WHAT: until it listens
wait_far() {
  tries=0
  until [ -s "$far_pid" ] && [ -S "$work/far.sock" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "$1 does not start"
    sleep 0.1
  done
  far=$(cat "$far_pid")
}
# kit ARG...: nbdkit on the Unix socket far.sock
kit() {
  end_far
  rm -f "$work/far.sock" "$far_pid"
  nbdkit -U "$work/far.sock" -P "$far_pid" "$@" || fail "nbdkit $* does not start"
  wait_far nbdkit
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# through [EXPORT [OPTION...]]: shoal-nbd exports an export of the server; its URI is in $uri
through() {
  name=${1:-}
  [ $# -eq 0 ] || shift
  serve --export "=$(far_uri "$name")" "$@"
}
# refused TEXT URI: shoal-nbd does not export it, and says so
refused() {
  status=0
  timeout 60 "$bin/shoal-nbd" --unix "$work/none.sock" --export "=$2" > "$work/output" 2>&1 || status=$?
  [ $status -eq 1 ] || { cat "$work/output" >&2; fail "$2: ended with $status"; }
  says "$2" "$1"
}

# a disk of 12 MiB: 1 MiB data, 4 MiB hole, the rest data
dd if=/dev/urandom of="$work/disk" bs=1M count=12 status=none
dd if=/dev/zero of="$work/disk" bs=1M seek=1 count=4 conv=notrunc status=none
truncate -s 12M "$work/sparse"
dd if="$work/disk" of="$work/sparse" bs=1M count=1 conv=notrunc status=none
dd if="$work/disk" of="$work/sparse" bs=1M skip=5 seek=5 conv=notrunc status=none

# both_ways WHAT: what is written through the client is at the server, and what is there is read through it
both_ways() {
  expect "$1: copy to" nbdcopy --requests=16 "$work/disk" "$uri"
  expect "$1: copy at the server" nbdcopy "$(far_uri "${2:-}")" "$work/there"
  expect "$1: what is there" cmp "$work/disk" "$work/there"
  expect "$1: copy from" nbdcopy --requests=16 --connections=2 "$uri" "$work/here"
  expect "$1: what comes back" cmp "$work/disk" "$work/here"
}
# patterns WHAT: every kind of request
patterns() {
  expect "$1: patterns" qemu-io -f raw "$uri" \
    -c 'write -P 1 0 12M' -c 'write -P 2 64k 704k' -c 'read -P 2 64k 704k' -c 'read -P 1 768k 1M' \
    -c 'write -z 1M 1M' -c 'read -P 0 1M 1M' -c 'write -z -u 2M 1M' -c 'read -P 0 2M 1M' -c 'read -P 1 3M 3M' \
    -c 'write -f -P 3 6M 64k' -c 'discard 8M 1M' -c 'flush' -c 'read -P 3 6M 64k' -c 'read -P 1 10M 1M'
  if grep -i 'error\|fail\|mismatch' "$work/output"; then fail "$1: qemu-io found something wrong"; fi
}

echo "== nbdkit: memory"
kit memory 12M
through
both_ways memory
patterns memory
expect "info" nbdinfo "$uri"
for line in "export-size: 12582912" "can_trim: true" "can_zero: true" "can_flush: true" "can_fast_zero: true" \
  "base:allocation"; do
  says "info" "$line"
done
stop

echo "== nbdkit: extents, and trim"
cp --sparse=always "$work/sparse" "$work/file"
kit file "$work/file"
through
expect "map at the server" nbdinfo --map "$(far_uri '')"
cp "$work/output" "$work/map"
expect "map" nbdinfo --map "$uri"
says "map" "1048576 *4194304 *3 *hole,zero"
cmp "$work/map" "$work/output" || fail "the maps are not the same"
expect "trim" qemu-io -f raw -d unmap "$uri" -c 'discard 6M 2M'
expect "map after trim" nbdinfo --map "$(far_uri '')"
says "map after trim" "6291456 *2097152 *3 *hole,zero"
both_ways file
stop

echo "== nbdkit: servers that lack something"
for options in '--no-sr' '--mask-handshake=0' '--filter=noextents' '--filter=nozero' '--filter=fua' \
  '--filter=fua fuamode=emulate' '--filter=cow'; do
  # shellcheck disable=SC2086 # several words
  set -- $options
  filter=$1
  shift
  kit "$filter" memory 12M "$@"
  through
  case $options in --filter=cow) ;; *) both_ways "$options" ;; esac
  patterns "$options"
  stop
done
kit -r pattern 12M
through
expect "read-only" nbdinfo "$uri"
says "read-only" "is_read_only: true"
expect "read-only: here" nbdcopy "$uri" "$work/here"
expect "read-only: there" nbdcopy "$(far_uri '')" "$work/there"
expect "read-only: the same" cmp "$work/here" "$work/there"
stop
through '' --overlay
expect "overlay" qemu-io -f raw "$uri" -c 'write -P 7 1M 64k' -c 'read -P 7 1M 64k'
stop
expect "nothing was written" nbdcopy "$(far_uri '')" "$work/here"
expect "nothing was written: the same" cmp "$work/here" "$work/there"

echo "== nbdkit: block sizes"
kit --filter=blocksize-policy memory 12M blocksize-minimum=4096 blocksize-preferred=64K blocksize-maximum=1M \
  blocksize-error-policy=error
through
expect "block sizes" nbdinfo "$uri"
says "block sizes" "block_size_minimum: 4096"
says "block sizes" "block_size_preferred: 65536"
both_ways "block sizes"  # in requests of up to 32 MiB, which the client cuts
patterns "block sizes"
stop

echo "== nbdkit: errors"
kit --filter=error memory 12M error-pread=EIO error-pread-rate=100%
through
expect "write" qemu-io -f raw "$uri" -c 'write -P 1 0 64k'
if qemu-io -f raw "$uri" -c 'read 0 64k' > "$work/output" 2>&1; then fail "an error was not told"; fi
says "error" "Input/output error"
stop
kit --filter=error memory 12M error-pwrite=ENOSPC error-pwrite-rate=100%
through
if qemu-io -f raw "$uri" -c 'write -P 1 0 64k' > "$work/output" 2>&1; then fail "an error was not told"; fi
says "error" "No space left on device"
stop

echo "== nbdkit: replies in another order"
kit --filter=delay --threads=16 memory 12M rdelay=20ms wdelay=5ms
through
both_ways delay
stop

echo "== nbdkit: TCP"
end_far
rm -f "$far_pid"
port=$(free_port)
nbdkit -i 127.0.0.1 -p "$port" -P "$far_pid" memory 12M
until [ -s "$far_pid" ]; do sleep 0.1; done
far=$(cat "$far_pid")
serve --export "=nbd://localhost:$port/"
expect "TCP: copy to" nbdcopy --requests=16 "$work/disk" "$uri"
expect "TCP: copy from" nbdcopy --requests=16 "$uri" "$work/here"
expect "TCP: what comes back" cmp "$work/disk" "$work/here"
stop

echo "== nbdkit: what is no export"
kit -o memory 12M
refused 'oldstyle' "$(far_uri '')"
kit --filter=exportname memory 12M exportname-strict=true exportname=one
refused "the server has no export 'two'" "$(far_uri two)"
says 'what it has' nbdinfo
refused 'the server has no TLS' "nbds+unix:///one?socket=$work/far.sock"
end_far
refused 'No such file or directory' "nbd+unix:///?socket=$work/not-there"
refused 'Connection refused' 'nbd://127.0.0.1:1/'

echo "== nbdkit: TLS"
pki=$work/pki
mkdir "$pki"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$pki/ca-key.pem" -out "$pki/ca-cert.pem" -days 2 -subj '/CN=authority' \
  2> /dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$pki/server-key.pem" -out "$pki/server.csr" -subj '/CN=localhost' 2> /dev/null
echo 'subjectAltName=DNS:localhost' > "$pki/names"
openssl x509 -req -in "$pki/server.csr" -CA "$pki/ca-cert.pem" -CAkey "$pki/ca-key.pem" -CAcreateserial -days 2 \
  -extfile "$pki/names" -out "$pki/server-cert.pem" 2> /dev/null
kit --tls=require --tls-certificates="$pki" memory 12M
refused 'the server wants TLS' "$(far_uri '')"
refused 'no agreement on TLS' "nbds+unix:///?socket=$work/far.sock"
serve --export "=nbds+unix:///?socket=$work/far.sock&tls-certificates=$pki"
expect "TLS: copy to" nbdcopy --requests=16 "$work/disk" "$uri"
expect "TLS: copy from" nbdcopy --requests=16 --connections=2 "$uri" "$work/here"
expect "TLS: what comes back" cmp "$work/disk" "$work/here"
stop

echo "== nbdkit: a server that goes away and comes back"
kit -r file "$work/disk"
through '' 2> "$work/news"
expect "before" nbdcopy "$uri" "$work/here"
kit -r file "$work/disk"
expect "after" nbdcopy "$uri" "$work/here"
expect "after: the same" cmp "$work/disk" "$work/here"
grep -q 'connected again' "$work/news" || { cat "$work/news" >&2; fail "it does not say that it connected again"; }
stop
end_far

if command -v qemu-nbd > /dev/null; then
  echo "== qemu-nbd"
  cp --sparse=always "$work/sparse" "$work/raw"
  rm -f "$work/far.sock" "$far_pid"
  qemu-nbd -f raw -t --shared=4 --discard=unmap -k "$work/far.sock" --pid-file "$far_pid" --fork "$work/raw"
  wait_far qemu-nbd
  through
  expect "compare" qemu-img compare -f raw -F raw "$work/disk" "$uri"
  expect "map" nbdinfo --map "$uri"
  says "map" "1048576 *4194304 *3 *hole,zero"
  both_ways qemu-nbd
  patterns qemu-nbd
  stop
  end_far
  expect "convert" qemu-img convert -f raw -O qcow2 "$work/disk" "$work/disk.qcow2"
  rm -f "$work/far.sock" "$far_pid"
  qemu-nbd -f qcow2 -t -r -x image -k "$work/far.sock" --pid-file "$far_pid" --fork "$work/disk.qcow2"
  wait_far qemu-nbd
  through image
  expect "compare with qcow2" qemu-img compare -f raw -F raw "$work/disk" "$uri"
  stop
  refused "the server has no export 'other'" "$(far_uri other)"
  end_far
else
  echo "left out: qemu-nbd is not installed"
fi

if command -v nbd-server > /dev/null; then
  echo "== nbd-server"
  cp "$work/disk" "$work/served"
  port=$(free_port)
  cat > "$work/nbd-server.conf" <<CONF
[generic]
unixsock = $work/far.sock
listenaddr = 127.0.0.1
port = $port
[image]
exportname = $work/served
trim = true
flush = true
fua = true
CONF
  rm -f "$work/far.sock" "$far_pid"
  nbd-server -C "$work/nbd-server.conf" -p "$far_pid" > "$work/output" 2>&1 || { cat "$work/output" >&2; fail "nbd-server"; }
  wait_far nbd-server
  through image
  both_ways nbd-server image
  patterns nbd-server
  stop
  end_far
else
  echo "left out: nbd-server is not installed"
fi
echo "every server gave what it has, and got what was written"
