# SPDX-License-Identifier: BSL-1.0
#
# 'shoal-ids serve' beside a Debian guest that runs: clients over a Unix socket and over HTTP see what the command line sees; a probe
# in the kernel is an alert, each told once, and its end; a guest that boots again in the memory that it has, with the kernels in it
# that ran before, is another one; a guest that is switched off is away, and found when it is back.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
ids=$bin/shoal-ids
need "$ids" mkfifo python3
guest_setup

guest_obey "$work/script" 'mount -t tracefs tracefs /sys/kernel/tracing'
mkfifo "$work/orders.in" "$work/orders.out"
boot() {
  rm -f "$work/guest.out"
  guest_run 300 "$work/script" -action reboot=reset -serial "pipe:$work/orders" -qmp "unix:$work/qmp,server=on,wait=off" > "$work/said" &
  running=$!
}
exec 5<> "$work/orders.in" 6<> "$work/orders.out"
cat <&6 > /dev/null &
emptying=$!
server=
others=
stop() {
  for each in $server $others $emptying; do kill "$each" 2> /dev/null || :; done
  echo 'exit 0' >&5
  wait "$running" || :
}
boot
on_end=stop

# until SECONDS FILE TEXT [COUNT]: the file has so many lines with the text
until_there() {
  for _ in $(seq "$(($1 * 10))"); do
    if [ -f "$2" ] && [ "$(grep -c -e "$3" "$2")" -ge "${4:-1}" ]; then return; fi
    sleep 0.1
  done
  fail "no '$3' in $2: $(tail -n 20 "$2" "$work/serve.err" "$work/guest.console")"
}
# say LINE: what the service answers
say() {
  python3 - "$work/sock" "$1" << 'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\nquit\n")
while True:
    got = s.recv(65536)
    if not got:
        break
    sys.stdout.buffer.write(got)
END
}

until_there 240 "$work/guest.out" '^== ready'
"$ids" serve --guest "web=qmp:$work/qmp" --listen "unix:$work/sock" --http 127.0.0.1:0 --every 300ms \
  --alert - --alert "cbor:$work/alerts.cbor" --record "cbor:$work/found.rec" > "$work/alerts" 2> "$work/serve.err" &
server=$!
until_there 30 "$work/serve.err" '^http://'
printf 'output 0\nset 0 1\n' > "$work/pins"
"$bin/shoal-record" record --chip sim:8 --output "cbor:$work/pins.rec" "$work/pins"
url=$(grep '^http://' "$work/serve.err")
for _ in $(seq 100); do
  if say guests | grep -q '^web  0 alerts in [1-9]'; then break; fi
  sleep 0.1
done

say 'banner web' > "$work/banner"
[ "$(head -n 1 "$work/banner")" = "$("$ids" banner "qmp:$work/qmp")" ] || fail "another banner: $(cat "$work/banner")"
[ "$(tail -n 1 "$work/banner")" = ok ] || fail "no ok: $(cat "$work/banner")"
processes() { awk '$1 == 1 || $4 == "sh" || $4 == "busybox" { print $1, $2, $3, $4 }'; }
say 'plist web' | processes > "$work/served"
"$ids" plist "qmp:$work/qmp" | processes > "$work/seen"
[ -s "$work/seen" ] || fail "no processes: $("$ids" plist "qmp:$work/qmp")"
cmp "$work/served" "$work/seen" || fail "another list: $(cat "$work/served")"
say 'check web' | grep -q '^all is as it was' || fail "a clean guest: $(say 'check web')"
say 'syscall web --json' | grep -q '"number":1,"address":"0x[0-9a-f]*","function":"__x64_sys_write","well":true' || fail 'no system calls'
python3 - "$url" << 'END' || fail 'HTTP'
import json, sys, urllib.request
def get(path):
    return json.load(urllib.request.urlopen(sys.argv[1] + path, timeout=60))
guest = get("api/guests")["guests"][0]
assert guest["guest"] == "web" and guest["state"] == "here" and guest["banner"].startswith("Linux version"), guest
processes = get("api/processes?guest=web")["processes"]
assert any(p["pid"] == 1 and p["uid"] == 0 for p in processes), processes
assert any(p["kernel_thread"] for p in processes), processes
END
[ ! -s "$work/alerts" ] || fail "alerts of a clean guest: $(cat "$work/alerts")"
echo 'in order: banner, processes, system calls, a check, JSON'

# a probe
echo 'echo p:mine do_nanosleep > /sys/kernel/tracing/kprobe_events; echo 1 > /sys/kernel/tracing/events/kprobes/mine/enable' >&5
until_there 60 "$work/alerts" 'web ALERT code-changed'
sleep 2
[ "$(grep -c ALERT "$work/alerts")" = "$(cut -d ' ' -f 2- "$work/alerts" | sort -u | grep -c ALERT)" ] || fail "an alert is told twice: $(cat "$work/alerts")"
say 'check web' | tail -n 1 | grep -q '^alert$' || fail 'the check does not see the probe'
say 'guests' | tail -n 1 | grep -q '^alert$' || fail 'guests are said to be well'
echo 'echo 0 > /sys/kernel/tracing/events/kprobes/mine/enable; echo > /sys/kernel/tracing/kprobe_events' >&5
until_there 60 "$work/alerts" 'web END code-changed' "$(grep -c 'ALERT code-changed' "$work/alerts")"
grep -aq code-changed "$work/alerts.cbor" || fail 'no alert in the file'
echo "in order: a probe is told, and its end"
probed=$(grep -c 'ALERT code-changed\|ALERT constant-changed' "$work/alerts")

# again and again in the memory that it has: all that is of the kernels before is still there
for booted in 1 2 3; do
  # once while others have QEMU's monitor, and wait for it
  if [ "$booted" = 2 ]; then
    python3 - "$work/qmp" << 'END' &
import socket, sys, time
held = []
try:
    while True:
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].setblocking(False)
        held[-1].connect(sys.argv[1])
except BlockingIOError:
    time.sleep(1000)
END
    others=$!
  fi
  echo 'reboot -f' >&5
  until_there 90 "$work/guest.out" '^== ready' "$((booted + 1))"
  until_there 60 "$work/alerts" 'web END away' "$booted"
  for each in $others; do kill "$each"; done
  others=
  echo "for i in \$(seq $booted); do sleep 100000 & done" >&5
  until_there 20 "$work/guest.out" '^== 0' "$((booted + 2))"
  for _ in $(seq 100); do
    say 'plist web' > "$work/served"
    if [ "$(grep -c ' sleep$' "$work/served")" = "$booted" ]; then break; fi
    sleep 0.1
  done
  # the processes of a kernel that is gone stay as they were
  [ "$(grep -c ' sleep$' "$work/served")" = "$booted" ] || fail "the processes of another boot: $(cat "$work/served")"
  [ "$("$ids" plist "qmp:$work/qmp" | grep -c ' sleep$')" = "$booted" ] || fail 'the command line sees another boot'
  # nor do they come back
  [ "$(grep -c 'web END away' "$work/alerts")" = "$booted" ] || fail "a kernel that is gone was taken for the next: $(cat "$work/alerts")"
done
told=$(grep -c 'ALERT code-changed\|ALERT constant-changed' "$work/alerts")
[ "$told" -lt "$((probed + 100))" ] || fail "what a boot writes over is told $told times"
echo "in order: a guest that boots again, three times; $((told - probed)) alerts of what is written over"

# off and on again
aways=$(grep -c 'web ALERT away' "$work/alerts")
echo 'exit 0' >&5
wait "$running" || fail 'the guest did not end well'
until_there 60 "$work/alerts" 'web ALERT away' "$((aways + 1))"
say 'plist web' | grep -q '^error: web is not there' || fail 'who is away has processes'
boot
until_there 240 "$work/guest.out" '^== ready'
until_there 60 "$work/alerts" 'web END away' "$((aways + 1))"
say 'banner web' | tail -n 1 | grep -q '^ok$' || fail "not found again: $(say 'banner web')"
kill "$server"
wait "$server" || fail "serve ended with $?: $(cat "$work/serve.err")"
server=
echo 'in order: a guest that was switched off is found when it is back'

# what was found, on one clock with what was recorded of something else
"$bin/shoal-record" show "$work/found.rec" | grep -q ' web finding code-changed at 0x' || fail 'the probe is not recorded'
printf 'note led write line:0\nforbid probe found kernel:4 within 1h after led\n' > "$work/rules"
if "$bin/shoal-record" check "$work/pins.rec" "$work/found.rec" --together --rules "$work/rules" > "$work/raised" 2>&1; then
  fail 'no rule spans two recordings'
fi
grep -q 'alert probe: forbidden: web finding code-changed' "$work/raised" || fail "another alert: $(cat "$work/raised")"
"$bin/shoal-record" check "$work/pins.rec" "$work/found.rec" --rules "$work/rules" || fail 'two recordings are one without --together'
echo 'in order: findings in a recording, and one rule that spans two'
