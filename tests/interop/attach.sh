# SPDX-License-Identifier: BSL-1.0
#
# attach.sh BIN_DIR: a stock Debian guest with an e1000 and a virtio disk, watched from outside by shoal-record attach:
# every access of the chosen BARs is in the recording, none of others, and a BAR that the guest moves is followed.
# QEMU's own names of the registers are the judge: its trace is kept aside.
bin=$(CDPATH='' cd -- "${1:?usage: sh attach.sh BIN_DIR}" && pwd)
. "$(dirname "$0")/common/guest.sh"
record=$bin/shoal-record
[ -x "$record" ] || skip "$record has not been built"
need python3 mkfifo tee
guest_setup
guest_module e1000
guest_module virtio_pci
guest_module virtio_blk

# The guest uses both devices, then takes the card off the bus and finds it again: its BARs are given out anew.
cat > "$work/in-guest" << 'END'
set -e
card=/sys/bus/pci/devices/0000:00:03.0
bar() { head -n 1 "$card/resource" | cut -d ' ' -f 1; }
ip link set eth0 up
dd if=/dev/vda of=/dev/null bs=64k count=4 2> /dev/null
echo "first at $(bar)"
echo 1 > "$card/remove"
echo 1 > /sys/bus/pci/rescan
sleep 1
echo "after a rescan at $(bar)"
# moved by hand, as firmware does: unbound first, for a driver keeps its mapping
echo 0000:00:03.0 > /sys/bus/pci/drivers/e1000/unbind
printf '\000\000\000\000' | dd of="$card/config" bs=1 seek=4 conv=notrunc count=2 2> /dev/null
printf '\000\000\000\342' | dd of="$card/config" bs=1 seek=16 conv=notrunc 2> /dev/null
printf '\006\000' | dd of="$card/config" bs=1 seek=4 conv=notrunc 2> /dev/null
echo 1 > "$card/remove"
echo 1 > /sys/bus/pci/rescan
sleep 1
echo "at last at $(bar)"
ip link set eth0 up
cat /sys/class/net/eth0/carrier
END

mkfifo "$work/pipe" "$work/copy"
truncate -s 16M "$work/disk"
"$record" attach "$work/copy" --bar 00:03.0/0 --bar 00:03.0/1 --bar 00:04.0/4 --bar 00:04.0/1 \
  --output "cbor:$work/guest.rec" 2> "$work/attach.said" &
watcher=$!
tee "$work/trace" < "$work/pipe" > "$work/copy" &
guest_run 120 "$work/in-guest" \
  -netdev user,id=net0 -device e1000,netdev=net0,addr=3,romfile= \
  -drive "file=$work/disk,if=none,id=disk,format=raw" -device virtio-blk-pci,drive=disk,addr=4 \
  -msg timestamp=on -trace 'memory_region_ops_*' -D "$work/pipe" > "$work/said" || fail "the guest: $(cat "$work/said")"
code=0
wait "$watcher" || code=$?
cat "$work/said" "$work/attach.said"
[ "$code" = 0 ] || fail "shoal-record attach ended with $code"
grep -q 'moved from' "$work/attach.said" || fail "no BAR was moved"

"$record" show "$work/guest.rec" --json > "$work/recorded"
python3 - "$work/trace" "$work/recorded" << 'END'
import json
import re
import sys

# what the guest did to each device, in its order, by QEMU's names of the registers
pattern = re.compile(r"(?:\d+@[\d.]+:)?memory_region_ops_(read|write) cpu \S+ mr \S+ addr 0x(\w+) value 0x(\w+) "
                     r"size (\d) name '(.*)'$")
traced = {"00:03.0/0": [], "00:03.0/1": [], "00:04.0/4": [], "00:04.0/1": []}
others = 0
for line in open(sys.argv[1]):
    match = pattern.match(line.strip())
    if not match:
        continue
    kind, address, value, size, name = match.groups()
    bar = {"e1000-mmio": "00:03.0/0", "e1000-io": "00:03.0/1"}.get(name)
    if name.startswith("virtio-pci-"):
        bar = "00:04.0/4"
    if name.startswith("msix-"):  # nothing else in this machine has such a table
        bar = "00:04.0/1"
    if bar is None:
        others += 1
        continue
    size = int(size)
    traced[bar].append((kind == "write", int(address, 16), int(value, 16) & ((1 << 8 * size) - 1), size))

recorded = {bar: [] for bar in traced}
for line in open(sys.argv[2]):
    it = json.loads(line)
    assert it["what"] != "lost", it
    recorded[it["source"]].append((it["what"] in ("store", "out"), int(it["address"], 16), int(it["value"], 16), it["width"]))

sizes = {"00:03.0/0": 0x20000, "00:03.0/1": 0x40, "00:04.0/4": 0x4000, "00:04.0/1": 0x1000}
for bar, accesses in traced.items():
    mask = sizes[bar] - 1
    there = [(write, address & mask, value, size) for write, address, value, size in accesses]
    assert recorded[bar] == there, (bar, len(recorded[bar]), len(there))
bases = {address & ~0x1ffff for _, address, _, _ in traced["00:03.0/0"]}
assert len(traced["00:03.0/0"]) > 100 and len(traced["00:04.0/4"]) > 10, {b: len(a) for b, a in traced.items()}
assert len(bases) >= 2, "the card was used at one address alone: %s" % [hex(b) for b in bases]
print("recorded, as QEMU names them:", {bar: len(accesses) for bar, accesses in recorded.items()},
      "of", others + sum(map(len, traced.values())), "accesses; the card was at", sorted(map(hex, bases)))
END
echo "attach: every access of the chosen BARs, and no other"
