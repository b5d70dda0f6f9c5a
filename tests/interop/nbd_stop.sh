# SPDX-License-Identifier: BSL-1.0
#
# shoal-nbd is told to end while clients are at work: it ends, and what a client was told is written is there.
. "$(dirname "$0")/common/serve.sh"
need nbdcopy nbdinfo dd

dd if=/dev/urandom of="$work/disk" bs=1M count=64 status=none
for delay in 0 0.05 0.1 0.2; do
  serve --memory 64M
  nbdcopy "$work/disk" "$uri" > "$work/copying" 2>&1 &
  client=$!
  sleep $delay
  stop
  wait "$client" || :  # the copy may be whole, or the client was told that it is not
done

# an idle client does not keep it from ending, nor does one that never chooses an export
if command -v socat > /dev/null; then
  serve --memory 1M
  sleep 30 | socat -t 30 - "UNIX-CONNECT:$work/nbd.sock" > /dev/null 2>&1 &
  idle=$!
  expect "another client meanwhile" nbdinfo --size "$uri"
  stop
  kill "$idle" 2>/dev/null || :
fi
