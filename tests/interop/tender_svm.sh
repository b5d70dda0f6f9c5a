# SPDX-License-Identifier: BSL-1.0
#
# tender.sh once more, under a KVM that has a processor's own virtualisation below it: AMD's, emulated by QEMU, in a Debian
# guest with kvm_amd. What a real processor does, and what a KVM that emulates instructions does, has to come to the same.
# And unikernels with lines and a bus of Linux: a character device of gpio-sim, whose outside is pulled up and down, and
# registers of i2c-stub.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
need "$bin/shoal-tender" "$bin/shoal-record" "$bin/shoal-ids" "$bin/guest_hello" cksum nm od
guest_setup
guest_program "$bin/shoal-tender" "$bin/shoal-record" "$bin/shoal-ids" cksum nm od
for guest in hello switch switch_virtio switch_bcm2835 checksum escape sensor count bench hello_c devices_c; do
  [ ! -x "$bin/guest_$guest" ] || guest_file "$bin/guest_$guest" "/bin/guest_$guest"  # those in C want a compiler of C
done
guest_file "$guest_root/tests/interop/tender.sh" /tender.sh
guest_file "$guest_root/tests/interop/common/tender.sh" /common/tender.sh
guest_module kvm-amd
guest_module gpio-sim
guest_module i2c-dev
guest_module i2c-stub chip_addr=0x50
guest_memory=1024
cat > "$work/script" <<'GUEST'
grep -q svm /proc/cpuinfo && echo "the processor has SVM"
sh /tender.sh /bin || exit
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"  # as there

echo "== a unikernel with lines of a character device"
sim=/sys/kernel/config/gpio-sim/test
mkdir -p $sim/bank
echo 32 > $sim/bank/num_lines
echo 1 > $sim/live
chip=$(cat $sim/bank/chip_name)
outside=/sys/devices/platform/$(cat $sim/dev_name)/$chip
shoal-tender --gpio:pins=cdev:/dev/$chip --record cbor:/tmp/lines.rec --max-time 600 /bin/guest_switch &
guest=$!
level=0
for _ in $(seq 10); do
  level=$((1 - level))
  if [ $level = 1 ]; then way=up; else way=down; fi
  echo pull-$way > $outside/sim_gpio17/pull
  tries=0
  until [ "$(cat $outside/sim_gpio25/value)" = $level ]; do
    tries=$((tries + 1))
    [ $tries -lt 3000 ] || { echo "the LED is not $level"; exit 1; }
    kill -0 $guest || break  # it ends when it has seen ten changes
    sleep 0.05
  done
done
wait $guest || { echo "the guest ended with $?"; exit 1; }
echo "the LED was set $(shoal-record show /tmp/lines.rec | grep -c 'set 25') times"

echo "== a unikernel with a bus of Linux"
bus=$(basename "$(dirname "$(grep -l 'SMBus stub' /sys/class/i2c-dev/*/name)")")
shoal-tender --i2c:sensors=cdev:/dev/$bus /bin/guest_sensor
shoal-tender --i2c:sensors=cdev:/dev/$bus /bin/guest_sensor > /tmp/again || exit
[ "$(cat /tmp/again)" = "$(printf '0\n1')" ] || { cat /tmp/again; exit 1; }
echo "the sensor was read and written"
GUEST
status=0
guest_run 800 "$work/script" > "$work/said" || status=$?
cat "$work/said"
grep -q '^the processor has SVM' "$work/said" || fail "the emulated processor has no SVM"
[ $status -eq 0 ] || fail "the guest ended with $status"
grep -q '^the LED was set 10 times' "$work/said" || fail "the LED was not set ten times"
