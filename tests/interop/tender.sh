# SPDX-License-Identifier: BSL-1.0
#
# shoal-tender with its guests under /dev/kvm: what each prints and does to its lines, what it says of a guest that lacks
# something, and how a guest ends that reaches for what is not its own.
. "$(dirname "$0")/common/tender.sh"
need_guests shoal-record shoal-ids guest_hello

echo "== three guests"
tender 0 "$bin/guest_hello"
printed 'Hello, World'
tender 0 --gpio:pins='sim:32?press=17/20ms' --record "cbor:$work/switch.rec" --max-time 600 "$bin/guest_switch"
"$bin/shoal-record" show "$work/switch.rec" > "$work/records"
[ "$(grep -c 'set.*25' "$work/records")" -eq 10 ] || { cat "$work/records"; fail "the LED has not followed the switch"; }

if [ -x "$bin/guest_devices_c" ]; then  # not where there is no compiler for C
  echo "== guests in C"
  tender 0 "$bin/guest_hello_c"
  printed 'Hello, World'
  tender 0 --block:disk=memory:1M --gpio:pins='sim:32?press=17/20ms' --i2c:sensors='sim:0x48?0=29' --record "cbor:$work/c.rec" \
    --max-time 600 "$bin/guest_devices_c" finished
  printed finished
  "$bin/shoal-record" show "$work/c.rec" > "$work/records"
  [ "$(grep -c 'set.*25' "$work/records")" -eq 10 ] || { cat "$work/records"; fail "the LED has not followed the switch in C"; }
fi

echo "== the same program, its lines by virtio and by registers"
tender 0 --gpio:pins='sim:32?press=17/20ms' --record "cbor:$work/virtio.rec" --max-time 600 "$bin/guest_switch_virtio"
"$bin/shoal-record" show "$work/virtio.rec" > "$work/records"
[ "$(grep -c 'set.*25' "$work/records")" -ge 10 ] || { cat "$work/records"; fail "the LED has not followed the switch by virtio"; }
tender 0 --gpio:pins='sim:32?press=17/20ms' --record "cbor:$work/registers.rec" --max-time 600 "$bin/guest_switch_bcm2835"
"$bin/shoal-record" show "$work/registers.rec" > "$work/records"
# bit 25 of the first set and clear registers
for register in 0x1c 0x28; do
  [ "$(grep -c "store.*$register.*0x2000000" "$work/records")" -ge 5 ] || { cat "$work/records"; fail "the LED has not followed the switch by registers"; }
done
tender 2 "$bin/guest_switch_virtio"
said 'gpio pins by virtio: give --gpio:pins=URI'
tender 2 "$bin/guest_switch_bcm2835"
said 'gpio pins by registers of a BCM2835: give --gpio:pins=URI, such as bcm2835:/dev/gpiomem'
for uri in cdev:/dev/gpiochip0 pl061:0x9030000 'qtest:none?pl061=0x9030000' nothing; do
  tender 2 --gpio:pins="$uri" "$bin/guest_switch_bcm2835"
  said "has no registers of a bcm2835"
done
tender 2 --gpio:pins=sim:64 "$bin/guest_switch_bcm2835"
said 'has more lines than a bcm2835'

echo "== a disk, and a LED that blinks"
dd if=/dev/urandom of="$work/disk" bs=1k count=65 status=none
sum=$(cksum < "$work/disk")
tender 0 --block:disk="file:$work/disk" --readonly --gpio:pins=sim:32 --record "cbor:$work/sum.rec" "$bin/guest_checksum"
printed "$sum"
"$bin/shoal-record" show "$work/sum.rec" | grep -q 'set.*25' || fail "checksum has not blinked"

tender 0 --i2c:sensors='sim:0x48,0x50?0=29&1=ff' "$bin/guest_sensor"
printed "$(printf '41\n42')"
tender 1 --i2c:sensors=sim:0x48 "$bin/guest_sensor"  # nobody is at 0x50

echo "== what is missing, and how to give it"
tender 2 "$bin/guest_checksum"
said '--block:disk=URI'
said '--gpio:pins=URI'
tender 1 --dry-run --block:disk=file:x "$bin/guest_checksum"
grep -q 'block disk: file:x' "$work/out" || fail "--dry-run does not say what is given"
grep -q 'gpio pins: missing' "$work/out" || fail "--dry-run does not say what is missing"
tender 0 --dry-run "$bin/guest_hello"
tender 2 --block:x=memory:1M "$bin/guest_hello"
said "does not ask for block 'x'"
tender 2 --mem 3 "$bin/guest_hello"
tender 1 "$bin/shoal-tender"
said 'it is not for hvt'
tender 1 "$0"
said 'no ELF file'
tender 2 --block:disk=file: "$bin/guest_escape"
tender 2 "$bin/guest_sensor"
said 'i2c sensors: give --i2c:sensors=URI'
for uri in sim: sim:7 sim:0x50?0 'sim:0x50?0=1' 'sim:0x50?256=11' 'sim:0x50?0=11-22' 'sim:0x50?0=11/1s' i2c-1; do
  tender 2 --i2c:sensors="$uri" "$bin/guest_sensor"
done
tender 1 --i2c:sensors=cdev:/dev/null "$bin/guest_sensor"
said 'it is no I2C bus'
for size in 256 521 65536 x; do
  tender 2 --block:disk=memory:1M --block-sector-size:disk=$size "$bin/guest_escape"
  said 'a power of two from 512 to 32768'
done
tender 1 --block:disk=memory:66K --block-sector-size:disk=4096 "$bin/guest_escape"
said 'are not whole sectors of 4096'
tender 2 --block:disk=memory:1M --block-sector-size:other=4096 "$bin/guest_escape"
said "does not ask for block 'other'"
tender 2 --max-io 0 "$bin/guest_hello"
said 'would wait for ever'
tender 1 --block:disk="file:$work/none" "$bin/guest_escape"
said "cannot open $work/none"

echo "== escapes"
# escape HOW STATUS [OPTION...]: what a guest does, and how it is ended
escape() {
  how=$1
  shift
  wanted=$1
  shift
  tender "$wanted" --mem 4 --block:disk=memory:1M "$@" "$bin/guest_escape" "$how"
}
escape nothing 0
escape text 1
said 'wrote to address 0x100000, which is read only'
for how in low past; do
  escape $how 1
  said 'failed to handle a failure of its own'
done
escape interrupt 1  # the same; but a KVM without hardware under it does not get so far
said 'was stopped'
escape halt 1
said 'waits for an interrupt'
escape port 1
said 'wrote to port 0x80, where nothing is'
escape number 1
said 'made call 0x4d, which this tender does not have'
for how in print-low print-past print-4g print-wrap argument argument-text cookie; do
  escape $how 1
  said 'that is not, or not all, in memory of its own'
done
for how in read-text read-low read-past read-4g; do
  escape $how 0
  printed 2
done
escape last 0
printed last
escape spin 124 --max-time 0.3
said 'took longer than --max-time'
escape wait 124 --max-time 0.3
escape read 124 --max-time 0.3 --max-io 1
escape flood 1 --max-output 100000
said 'printed more than --max-output'
[ "$(wc -c < "$work/out")" -eq 100000 ] || fail "it has printed more than it may"

# until COMMAND...: it holds, some time
until_so() {
  for _ in $(seq 200); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 0.1
  done
  cat "$work/err" "$work/watch" >&2 || :
  fail "never: $*"
}

echo "== a guest's memory, seen from outside"
"$bin/shoal-tender" --mem 4 --block:disk=memory:1M --ram-file "$work/ram" "$bin/guest_escape" spin > "$work/out" 2> "$work/err" &
guest=$!
read -r _ < "$work/out" 2> /dev/null || :
for _ in $(seq 100); do
  if [ "$(stat -c %s "$work/ram" 2> /dev/null)" = 4194304 ] && grep -aq escape "$work/ram"; then break; fi
  sleep 0.1
done
# the first entry of the top table is at 0x2000 and leads to the next one, present and writable
case $(od -An -tx8 -j 8192 -N 8 "$work/ram" | tr -d ' ') in
  0000000000003003 | 0000000000003023) ;; # the second has been used by a processor that says so
  *) fail "no page tables: $(od -An -tx8 -j 8192 -N 8 "$work/ram")" ;;
esac
kill -INT $guest
wait $guest || :
tender 1 --mem 4 --block:disk=memory:1M --ram-file "$work/ram" "$bin/guest_escape" nothing
said '--ram-file names one that is not there yet'

echo "== the sandbox"
mkfifo "$work/held"
"$bin/shoal-tender" --mem 4 --max-time 300 --block:disk=memory:1M "$bin/guest_escape" wait 9> "$work/held" > "$work/out" 2> "$work/err" &
guest=$!
# ends when nobody can write any more: the tender has closed what it was not given, although it runs
timeout 200 cat "$work/held" || fail "a descriptor of whoever started the tender is open in it"
until_so grep -q begun "$work/out"
kill -INT $guest
status=0
wait $guest || status=$?
[ $status -eq 130 ] || { cat "$work/err"; fail "a guest of a tender with a closed descriptor ended with $status"; }
tender 0 /proc/self/fd/9 9< "$bin/guest_hello"
printed 'Hello, World'
if unshare -r true 2> /dev/null; then
  unshare -r "$bin/shoal-tender" "$bin/guest_hello" > "$work/out" 2> "$work/err" || { cat "$work/err"; fail "root of a user namespace of its own"; }
  printed 'Hello, World'
fi
if [ "$(id -u)" -eq 0 ] && setpriv --bounding-set -all true 2> /dev/null; then
  if setpriv --bounding-set -all "$bin/shoal-tender" "$bin/guest_hello" > "$work/out" 2> "$work/err"; then fail "root that cannot be dropped"; fi
  said 'cannot enter the sandbox: setgroups(2)'
  setpriv --bounding-set -all "$bin/shoal-tender" --no-sandbox "$bin/guest_hello" > "$work/out"
  printed 'Hello, World'
fi

echo "== its memory, held against its file"
tender 2 --watch-global steps "$bin/guest_count"
said '--watch-global requires --watch'
for global in none steps=1 steps=2..1 _ZL3abi=0..1; do
  tender 2 --watch 1 --watch-global $global "$bin/guest_count" 1
done
said 'which is no number'
tender 2 --watch 0 "$bin/guest_count" 1
tender 0 --watch 0.01 --watch-global steps --watch-global steps=0..5 --record "cbor:$work/watch.rec" "$bin/guest_count" 20
said 'steps is 0'
said 'steps is 20, was'
said 'ALERT global-outside steps: it is'
"$bin/shoal-record" show "$work/watch.rec" > "$work/records"
grep -q 'memory finding global-outside' "$work/records" || { cat "$work/records"; fail "the finding is not recorded"; }
tender 3 --watch 0.01 --watch-stop --watch-global steps=0..5 "$bin/guest_count" 1000000000
said 'ALERT global-outside steps: it is'
tender 0 --watch 0.01 --watch-stop --watch-global steps=0..20 "$bin/guest_count" 20

"$bin/shoal-tender" --mem 4 --max-time 300 --ram-file "$work/watched" --watch 0.05 "$bin/guest_count" 1000000000 2> "$work/watch" &
guest=$!
until_so "$bin/shoal-ids" unikernel -q --global steps=1..1000000000 "$bin/guest_count" "$work/watched"
ids() {
  wanted=$1
  shift
  status=0
  "$bin/shoal-ids" unikernel "$bin/guest_count" "$work/watched" "$@" > "$work/out" 2> "$work/err" || status=$?
  [ $status -eq "$wanted" ] || { cat "$work/out" "$work/err" >&2; fail "shoal-ids unikernel $* ended with $status"; }
}
ids 0
printed 'text and constants are those of the file'
ids 0 --global steps --json
grep -q '"global":"steps"' "$work/out" || fail "shoal-ids does not tell a global"
ids 2 --global none
said "has no 'none' in its memory"
# what a hole in the host could do: another process writes to the guest's text, which the guest itself cannot
where=$(nm "$bin/guest_count" | awk '$3 == "unikernel_start" { print $1 }')
write() { printf '%b' "\\0$1" | dd of="$work/watched" bs=1 seek=$((0x$where + 1)) conv=notrunc status=none; }
was=$(dd if="$work/watched" bs=1 skip=$((0x$where + 1)) count=1 status=none | od -An -to1 | tr -d ' ')
write 314
ids 3
grep -qF 'ALERT code-changed unikernel_start+0x1: ' "$work/out" || { cat "$work/out"; fail "shoal-ids does not say what was changed"; }
until_so grep -qF 'ALERT code-changed unikernel_start+0x1: ' "$work/watch"
write "$was"
ids 0
until_so grep -qF 'END code-changed unikernel_start+0x1' "$work/watch"
kill -INT $guest
status=0
wait $guest || status=$?
[ $status -eq 130 ] || fail "a watched guest ended with $status"

echo "== Ctrl-C, and a reader who has gone to sleep"
for how in spin wait flood read; do
  mkfifo "$work/$how"
  exec 3<> "$work/$how"  # somebody who could read, and does not
  "$bin/shoal-tender" --mem 4 --max-io 1 --block:disk=memory:1M "$bin/guest_escape" $how > "$work/$how" 2> "$work/err" &
  guest=$!
  read -r _ <&3  # it runs
  kill -INT $guest
  status=0
  wait $guest || status=$?
  exec 3>&-
  [ $status -eq 130 ] || { cat "$work/err"; fail "Ctrl-C while it does '$how' ended with $status"; }
done
echo "== stopped and gone on with, and standard streams that are not there"
mkfifo "$work/spin-on"
"$bin/shoal-tender" --mem 4 --max-time 2 --block:disk=memory:1M "$bin/guest_escape" spin > "$work/spin-on" 2> "$work/err" &
guest=$!
read -r _ < "$work/spin-on"  # it runs
kill -STOP $guest
kill -CONT $guest
status=0
wait $guest || status=$?
[ $status -eq 124 ] || { cat "$work/err"; fail "a guest that was stopped for a moment ended with $status"; }
status=0
timeout 60 "$bin/shoal-tender" "$bin/guest_hello" > /dev/full 2> "$work/err" || status=$?
[ $status -eq 1 ] || fail "a guest without room for what it prints ended with $status"
said 'cannot write to standard output'
status=0
timeout 60 "$bin/shoal-tender" "$bin/guest_hello" >&- 2> "$work/err" || status=$?
[ $status -eq 1 ] || fail "a guest without standard output ended with $status"
said 'cannot write to standard output'
truncate -s 64k "$work/kept"
cp "$work/kept" "$work/streamless"
echo 'forbid all any disk:*' > "$work/streamless.rules"
status=0
timeout 60 "$bin/shoal-tender" --rules "$work/streamless.rules" --block:disk="file:$work/streamless" "$bin/guest_bench" read 1 512 \
  <&- >&- 2>&- || status=$?
[ $status -eq 0 ] || fail "a guest without any stream ended with $status"
cmp "$work/kept" "$work/streamless" || fail "what is said to people got into a guest's disk"

echo "all guests ended as documented"
