# SPDX-License-Identifier: BSL-1.0
#
# record.sh BIN_DIR: shoal-record as a person would use it: a script of GPIO calls is recorded, shown, trained with, held
# against rules and replayed; recordings go to a collector that leaves and comes back; what is cut short is read.
. "$(dirname "$0")/lib/check.sh"
need openssl python3
record=$bin/shoal-record
[ -x "$record" ] || skip "$record has not been built"

cat > blink << 'END'
output 0 0   # the LED
input 1 up
set 0 1
get 1
wait 1ms
set 0 0
repeat 3
END

exits 0 "$record" record --chip sim:8 --output cbor:blink.rec blink
same 'what get prints' '1 = 1
1 = 1
1 = 1' "$(cat out)"
exits 0 "$record" show blink.rec
same 'the records' 'sim:8 line_request 0 = 1
sim:8 line_request 1 = 0x2000000
sim:8 line_set 0 = 1
sim:8 line_get 1 = 1
sim:8 line_set 0 = 0' "$(cut -d ' ' -f 2- out | head -n 5)"
same 'how many' 15 "$(wc -l < out)"
check 'times are of today' grep -q "^$(date -u +%Y)-" out
exits 0 "$record" show blink.rec --json
check 'each line is JSON' python3 -c '
import json, sys
lines = [json.loads(line) for line in open("out")]
assert len(lines) == 15 and lines[2]["what"] == "line_set" and int(lines[2]["value"], 16) == 1, lines[2]'
exits 0 "$record" show blink.rec --svg blink.svg
check 'the picture is XML' python3 -c '
import xml.etree.ElementTree as tree
assert tree.parse("blink.svg").getroot().tag.endswith("svg")'
exits 0 "$record" show blink.rec --summary
same 'the summary' 'parts     1
records   15
accesses  15
lost      0' "$(cat out)"

# one line alone
exits 0 "$record" record --chip sim:8 --line 1 --output cbor:one.rec blink
exits 0 "$record" show one.rec --summary
check 'six records' grep -q 'records   6' out

# the same file is gone on with
exits 0 "$record" record --chip sim:8 --output cbor:blink.rec blink
exits 0 "$record" show blink.rec --summary
check 'two parts' grep -q 'parts     2' out

# rules
cat > gpio.rules << 'END'
sequence driver any *      training gpio.training
forbid   reset  write line:7
rate     led    write line:0 limit 100 per 1s
END
exits 0 "$record" train blink.rec --rules gpio.rules
same 'what was learnt' 'driver: 4 kinds of access, 5 sequences of 3' "$(cat out)"
exits 0 "$record" train blink.rec --output all.training
same 'the same, of all' "$(cksum < gpio.training)" "$(cksum < all.training)"
exits 0 "$record" check blink.rec --rules gpio.rules
cat > misuse << 'END'
output 7 0
set 7 1
output 0
set 0 1
set 0 0
repeat 100
END
exits 0 "$record" record --chip sim:8 --output cbor:misuse.rec misuse
exits 1 "$record" check misuse.rec --rules gpio.rules
check 'the forbidden write' grep -q 'alert reset: forbidden: sim:8 line_set 7 = 1' out
check 'too many' grep -q 'alert led: too often' out
check 'what training has not seen' grep -q 'alert driver: never seen' out
advises
exits 1 "$record" check misuse.rec --rules gpio.rules --json
check 'alerts are JSON' python3 -c '
import json
assert {json.loads(line)["alert"] for line in open("out")} == {"driver", "reset", "led"}'
printf 'forbid reset write line:7 deny\n' > deny.rules
exits 1 "$record" record --chip sim:8 --rules deny.rules --output cbor:denied.rec misuse
says 'line_set 7 = 1, denied' "misuse:2: 'set 7 1'" 'calls of misuse failed'
exits 0 "$record" show denied.rec
check 'what was denied is not recorded' sh -c '! grep -q "line_set 7" out'

# replay
exits 0 "$record" record --chip sim:8 --output cbor:again.rec blink
exits 0 "$record" replay again.rec blink
sed 's/set 0 1/set 0 0/' blink > other
exits 1 "$record" replay again.rec other
check 'the difference' grep -q 'line_set 0 = 0, was line_set 0 = 1' out

# cut short, damaged, no recording at all
head -c "$(($(stat -c %s again.rec) - 3))" again.rec > torn.rec
exits 0 "$record" show torn.rec
says 'ends inside a record'
same 'what is left' true "$([ "$(wc -l < out)" -ge 14 ] && echo true)"
mistake 1 'no recording' "$record" show blink
mistake 1 missing.rec "$record" check missing.rec --rules gpio.rules
mistake 1 'no recording' "$record" record --chip sim:8 --output cbor:blink blink

# a collector that leaves and comes back; over TLS too
start_collector() {
  : > uris
  "$record" collect recordings "$@" > uris 2> collector.err &
  server=$!
  servers="$servers $server"
  wait_for_uri
}
stop_collector() {
  kill "$server"
  code=0
  wait "$server" || code=$?
  servers=
  same 'exit code of the collector' 0 "$code"
}
start_collector --bind 127.0.0.1 --port 0
port=${uri##*:}
exits 0 "$record" record --chip sim:8 --output "$uri" --name blinker blink
printf 'output 0\nset 0 1\nset 0 0\nwait 20ms\nrepeat 100\n' > slow
"$record" record --chip sim:8 --output "$uri" --name slow slow > slow.out 2> slow.err &
sender=$!
# shellcheck disable=SC2144 # the collector makes one
until [ -e recordings/slow-*.rec ]; do sleep 0.05; kill -0 "$sender" 2> /dev/null || break; done
stop_collector
sleep 0.5
start_collector --bind 127.0.0.1 --port "$port"
code=0
wait "$sender" || code=$?
same 'exit code of a recorder whose collector went and came back' 0 "$code"
stop_collector
exits 0 "$record" show recordings/slow-*.rec --summary
check 'no record is missing or there twice' grep -q 'accesses  300' out
exits 0 "$record" show recordings/blinker-*.rec --summary
check 'all there' grep -q 'accesses  15' out

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 1 \
  -subj /CN=test -addext subjectAltName=IP:127.0.0.1 2> /dev/null
start_collector --bind 127.0.0.1 --port 0 --certificate cert.pem --key key.pem
exits 0 "$record" record --chip sim:8 --output "$uri" --trust cert.pem --name secret blink
exits 1 "$record" record --chip sim:8 --output "$uri" --name stranger blink
says "$uri" 'collector'
stop_collector
exits 0 "$record" show recordings/secret-*.rec --summary
check 'all there' grep -q 'accesses  15' out

# Ctrl-C: what was recorded is there
printf 'output 0\nset 0 1\nset 0 0\nwait 10s\nrepeat 100\n' > long
"$record" record --chip sim:8 --output cbor:long.rec long > out 2> err &
sender=$!
until [ "$("$record" show long.rec 2> /dev/null | grep -c 'set 0')" = 2 ]; do
  sleep 0.05
  kill -0 "$sender" 2> /dev/null || break
done
kill -s INT "$sender"
code=0
wait "$sender" || code=$?
same 'exit code after Ctrl-C' 130 "$code"
says interrupted
exits 0 "$record" show long.rec --summary
check 'three' grep -q 'accesses  3' out

# a guest's trace out of a file and out of a pipe; a BAR that is moved
python3 - > trace << 'END'
def access(write, address, value, size, name):
    print("memory_region_ops_%s cpu 0 mr 0x5500 addr 0x%x value 0x%x size %d name '%s'"
          % ("write" if write else "read", address, value, size, name))
def config(write, at, value, size=4):
    access(True, 0xcf8, 0x80001800 | at & 0xfc, 4, "pci-conf-idx")
    access(write, 0xcfc + at % 4, value, size, "pci-conf-data")
config(False, 0, 0x100e8086)
config(False, 4, 0, 2)
config(False, 0x10, 0)
config(True, 0x10, 0xffffffff)
config(False, 0x10, 0xfffe0000)
for base in (0xfeb00000, 0xe0000000):
    config(True, 4, 0, 2)
    config(True, 0x10, base)
    config(True, 4, 2, 2)
    for i in range(10):
        access(True, base + 4 * i, i, 4, "e1000-mmio")
        access(False, 0xfec00000, i, 4, "ioapic")
END
for from in trace pipe; do
  if [ "$from" = pipe ]; then
    mkfifo pipe
    cat trace > pipe &
  fi
  exits 0 "$record" attach "$from" --bar 00:03.0/0 --output "cbor:nic-$from.rec"
  says 'BAR 00:03.0/0 is at 0xfeb00000 (131072 bytes)' 'moved from 0xfeb00000 to 0xe0000000' '20 recorded'
  exits 0 "$record" show "nic-$from.rec"
  same 'by offset' 20 "$(grep -c '00:03.0/0 store32 0x[0-9a-f]* = ' out)"
done
exits 0 "$record" attach trace --memory 0xfec00000 --reads --value 3 --output cbor:apic.rec
says '2 recorded'
printf 'forbid nic write 0x8 source 1\n' > nic.rules
exits 0 "$record" attach trace --bar 3.0/0 --rules nic.rules --output cbor:rules.rec --quiet
same 'alerts' 2 "$(grep -c 'alert nic: forbidden: 00:03.0/0 store32 0x8' err)"

# what people get wrong
mistake 2 'nothing is chosen' "$record" attach trace --output cbor:x.rec
mistake 2 "'3.0'" "$record" attach trace --bar 3.0 --output cbor:x.rec
mistake 2 "'x-y'" "$record" attach trace --port x-y --output cbor:x.rec
mistake 2 "'v'" "$record" attach trace --all --value v --output cbor:x.rec
mistake 1 missing.pipe "$record" attach missing.pipe --all --output cbor:x.rec
mistake 1 'tells of no access' "$record" attach blink --all --output cbor:x.rec
mistake 2 file:x "$record" record --chip sim:8 --output file:x blink
mistake 2 tape:0 "$record" record --chip tape:0 --output cbor:x.rec blink
mistake 1 /dev/nothing "$record" record --chip cdev:/dev/nothing --output cbor:x.rec blink
mistake 1 nowhere/x.rec "$record" record --chip sim:8 --output cbor:nowhere/x.rec blink
mistake 2 "'tcp://x'" "$record" record --chip sim:8 --output tcp://x blink
mistake 2 "'a/b'" "$record" record --chip sim:8 --output tcp://127.0.0.1:1 --name a/b blink
printf 'output 0\nblink 0 1\n' > wrong
mistake 2 'wrong:2' "$record" record --chip sim:8 --output cbor:x.rec wrong
printf 'output 9\n' > far
mistake 1 "far:1: 'output 9'" "$record" record --chip sim:8 --output cbor:x.rec far
printf 'forbid a write 0x10 value 2/1\n\nrate b\n' > wrong.rules
mistake 2 'wrong.rules:1:27' "$record" check blink.rec --rules wrong.rules
says 'wrong.rules:3:7' '2 errors'
printf 'sequence a any * training blink\n' > untrained.rules
mistake 1 'training in blink' "$record" check blink.rec --rules untrained.rules
mistake 2 subcommand "$record" no-such-command
mistake 1 nowhere.invalid "$record" collect recordings --bind nowhere.invalid --port 0
mistake 2 'one of' "$record" train blink.rec
mistake 1 missing.pem "$record" collect recordings --port 0 --certificate missing.pem

finish
