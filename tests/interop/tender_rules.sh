# SPDX-License-Identifier: BSL-1.0
#
# Guests of shoal-tender under rules: what they do with lines, registers, buses, disks and networks is told, or denied, and
# recorded in one stream.
. "$(dirname "$0")/common/tender.sh"
need_guests shoal-record guest_switch guest_switch_virtio guest_switch_bcm2835 guest_sensor guest_checksum guest_bench guest_escape

# rules RULE...: into $work/rules, a line each
rules() { printf '%s\n' "$@" > "$work/rules"; }
# alerts NUMBER NAME: so many alerts of this rule were told
alerts() { [ "$(grep -c " alert $2: " "$work/err")" -eq "$1" ] || { cat "$work/err" >&2; fail "no $1 alerts of $2"; }; }
# records PATTERN: how many records of $work/rules.rec have it
records() { "$bin/shoal-record" show "$work/rules.rec" | grep -c -- "$1" || :; }
# ruled STATUS ARG...: a guest under $work/rules, recorded to $work/rules.rec
ruled() {
  rm -f "$work/rules.rec"
  wanted=$1
  shift
  tender "$wanted" --rules "$work/rules" --record "cbor:$work/rules.rec" --max-time 600 "$@"
}

echo "== lines, by calls and by virtio"
for way in switch switch_virtio; do
  rules 'forbid led write line:25'
  ruled 0 --gpio:pins='sim:32?press=17/20ms' "$bin/guest_$way"
  said 'pins line_set 25 = 1'
  [ "$(records 'set.*25')" -ge 10 ] || fail "$way: an alert has cost a record"
  rules 'forbid led write line:25 deny'
  ruled 4 --gpio:pins='sim:32?press=17/20ms' "$bin/guest_$way"
  alerts 1 led
  said 'pins line_set 25 = 1, denied'
  [ "$(records 'set.*25')" -eq 0 ] || fail "$way: what is denied takes place"
done
echo "== registers"
rules 'forbid led write 0x1c value 0x2000000/0x2000000'
ruled 0 --gpio:pins='sim:32?press=17/20ms' "$bin/guest_switch_bcm2835"
alerts 5 led
said 'pins store32 0x1c = 0x2000000'
rules 'forbid led write 0x1c value 0x2000000/0x2000000 deny'
ruled 0 --gpio:pins='sim:32?press=17/20ms' "$bin/guest_switch_bcm2835"
alerts 5 led
[ "$(records 'store.*0x1c.*0x2000000')" -eq 0 ] || fail "a store that is denied takes place"

echo "== an I2C bus"
rules 'forbid setup write i2c:0x50 longer 1' 'forbid others any i2c:0x48'
ruled 0 --i2c:sensors='sim:0x48,0x50?0=29' "$bin/guest_sensor"
printed "$(printf '41\n42')"
alerts 1 setup
alerts 0 others
said 'sensors i2c_write 0x50 = 01 2a'
"$bin/shoal-record" show "$work/rules.rec" | cut -d ' ' -f 2- > "$work/out"
printed 'sensors i2c_write 0x50 = 00
sensors i2c_read 0x50 = 29
sensors i2c_write 0x50 = 01 2a
sensors i2c_write 0x50 = 01
sensors i2c_read 0x50 = 2a'
status=0
"$bin/shoal-record" check "$work/rules.rec" --rules "$work/rules" > "$work/out" 2>&1 || status=$?
grep -q ' alert setup: forbidden: sensors i2c_write 0x50 = 01 2a' "$work/out" || { cat "$work/out"; fail "the recording has not what was told"; }
[ $status -eq 1 ] || fail "a recording with an alert ends with $status"
rules 'forbid setup write i2c:0x50 longer 1 deny'
ruled 2 --i2c:sensors='sim:0x50?0=29' "$bin/guest_sensor"
printed 41
alerts 1 setup
said 'sensors i2c_write 0x50 = 01 2a, denied'
[ "$(records '01 2a')" -eq 0 ] || fail "a transfer that is denied takes place"
rules 'forbid value read i2c:* value 0x29/0xff deny'
ruled 1 --i2c:sensors='sim:0x50?0=29' "$bin/guest_sensor"
printed ''
said 'sensors i2c_read 0x50 = 29, denied'
ruled 1 --i2c:sensors=sim:0x48 "$bin/guest_sensor"
[ "$(records 'i2c_failed 0x50')" -eq 1 ] || fail "an address where nobody is, is not recorded"
rules 'forbid led write line:25'
tender 2 --rules "$work/rules" --i2c:sensors=sim:0x50 "$bin/guest_sensor"
said 'there is only: I2C buses, as i2c:0x50'

echo "== a disk, its bytes and its files"
dd if=/dev/urandom of="$work/disk" bs=1k count=65 status=none
sum=$(cksum < "$work/disk")
rules 'forbid last read disk:66048-66559' 'rate led write line:25 limit 1000 per 1s'
ruled 0 --block:disk="file:$work/disk" --readonly --gpio:pins=sim:32 "$bin/guest_checksum"
printed "$sum"
alerts 1 last
alerts 0 led
[ "$(records disk_read)" -eq 2 ] || fail "the disk's reads are not all recorded"
[ "$(records 'set.*25')" -eq 2 ] || fail "the lines are not recorded beside the disk"
status=0
"$bin/shoal-record" check "$work/rules.rec" --rules "$work/rules" > "$work/out" 2>&1 || status=$?
grep -q ' alert last: forbidden: disk disk_read 65536+1024' "$work/out" || { cat "$work/out"; fail "the recording has not what was told"; }
[ $status -eq 1 ] || fail "a recording with an alert ends with $status"
rules 'forbid last read disk:66048-66559 deny'
ruled 2 --block:disk="file:$work/disk" --readonly --gpio:pins=sim:32 "$bin/guest_checksum"
alerts 1 last
rules 'forbid boot write disk:0-511 deny'
truncate -s 64k "$work/zeroes"
cp "$work/zeroes" "$work/written"
ruled 2 --block:disk="file:$work/written" "$bin/guest_bench" write 1 4096
said 'disk disk_write 0+4096, denied'
cmp "$work/zeroes" "$work/written" || fail "a write that is denied takes place"
rules 'note boot write disk:0-511' 'forbid all write disk:*'
ruled 0 --block:disk="file:$work/written" "$bin/guest_bench" write 1000 512
told=$(grep -c ' alert all: ' "$work/err" || :)
more=$(awk '/^(shoal-tender: )?and [0-9]+ more alerts of all$/ { more += $(NF - 4) } END { print more + 0 }' "$work/err")
[ $((told + more)) -eq "$(records disk_write)" ] || fail "$told alerts were told and $more counted, of $(records disk_write) writes"
if command -v mke2fs > /dev/null; then
  mkdir "$work/files"
  echo secret > "$work/files/secret"
  mke2fs -q -t ext4 -d "$work/files" "$work/ext4" 8M > /dev/null 2>&1
  rules 'forbid secret read disk:/secret deny'
  ruled 2 --block:disk="file:$work/ext4" --overlay --gpio:pins=sim:32 "$bin/guest_checksum"
  alerts 1 secret
  rules 'forbid secret read disk:/none deny'
  tender 2 --rules "$work/rules" --block:disk="file:$work/ext4" --gpio:pins=sim:32 "$bin/guest_checksum"
  said "cannot find /none on 'disk'"
fi

echo "== rules that can never be met, and mistakes"
rules 'forbid calls out tcp:22'
tender 2 --rules "$work/rules" --block:disk=memory:1M "$bin/guest_escape" nothing
said "the rule 'calls' is about something that is not here"
said 'there is only: disks, as disk:0-511 or disk:/etc/shadow'
rules 'forbid led write line:'
tender 2 --rules "$work/rules" --gpio:pins=sim:32 "$bin/guest_switch"
said "1 error in the rules of"

echo "== rules that span a disk, a network and a line"
# talk.py PORT,... OUT ERR COMMAND...: runs the courier with a socket for its network, sends it datagrams from these ports
# once it has sent one to port 9, and prints which ports it has sent some to
cat > "$work/talk.py" << 'END'
import socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
answers = [int(port) for port in sys.argv[1].split(",")]
out, err = open(sys.argv[2], "wb"), open(sys.argv[3], "wb")
command = [sys.argv[4], "--net:service=@%d" % theirs.fileno(), "--net-mac:service=02:00:5e:00:53:01"] + sys.argv[5:]
guest = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=out, stderr=err)
theirs.close()
def next_frame():
    try:
        return ours.recv(2000)
    except ConnectionResetError:  # it has ended, and left something unread
        return b""
sent = []
while frame := next_frame():
    sent.append(int.from_bytes(frame[36:38], "big"))
    if sent[-1] == 9:
        for port in answers:
            ours.send(bytes(12) + bytes.fromhex("0800 4500001c 00000000 40110000 c0000201 c0000202") +
                      port.to_bytes(2, "big") + bytes.fromhex("0fa0 0008 0000"))
print(*sent)
sys.exit(guest.wait())
END
# courier PORTS ARG...: it has sent to these ports, and ends with 0
courier() {
  ports=$1
  shift
  rm -f "$work/rules.rec"
  said_ports=$(timeout 800 python3 "$work/talk.py" 7001,7002 "$work/out" "$work/err" "$bin/shoal-tender" --rules "$work/rules" \
    --record "cbor:$work/rules.rec" --max-time 600 --block:disk=memory:1M --gpio:pins=sim:32 "$bin/guest_courier" "$@") ||
    { cat "$work/out" "$work/err" >&2; fail "the courier ended with $?"; }
  [ "$said_ports" = "$ports" ] || { cat "$work/err" >&2; fail "it has sent to '$said_ports' and not to '$ports'"; }
}
if command -v python3 > /dev/null && [ -x "$bin/guest_courier" ]; then
  rules 'forbid names out udp:53' 'forbid calls in udp:4000 peer 192.0.2.1'
  courier '53 9' send 53 send 9 receive
  alerts 1 names
  said 'service flow_out udp 192.0.2.1:53 from 4000'
  alerts 1 calls
  printed "$(printf 'send done\nsend done\nreceived from 7001')"
  rules 'note any in ip:*' 'forbid names out udp:53 deny'
  courier 9 send 53 send 9 receive
  alerts 1 names
  said 'service flow_out udp 192.0.2.1:53 from 4000, denied'

  # who has read the secret talks to nobody new, and lights no LED; whom it talks to already, it goes on with
  rules 'note secret read disk:512-1023' 'forbid leak out ip:* within 1h after secret deny' \
    'forbid sign write line:25 within 1h after secret deny' 'note leaked write disk:1024-1535' \
    'forbid twice any disk:1536-2047 within 1h after leaked deny'
  courier '53 53' read 0 led 1 send 53 read 1 send 7 led 1 send 53 write 2 write 3
  printed "$(printf 'read done\nled done\nsend done\nread done\nsend done\nled refused\nsend done\nwrite done\nwrite refused')"
  for name in leak sign twice; do alerts 1 $name; done
  [ "$(records 'flow_out')" -eq 2 ] || fail "not all flows are recorded"
  [ "$(records 'disk_')" -eq 4 ] || fail "not all requests are recorded"
  [ "$(records 'set.*25')" -eq 1 ] || fail "not all levels are recorded"
else
  echo "SKIP: python3 is not installed"
fi
echo "all guests did what rules let them"
