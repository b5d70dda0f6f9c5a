# SPDX-License-Identifier: BSL-1.0
#
# The drivers of os/linux against a Debian kernel: the conformance suites over gpio-sim (character device and sysfs) and
# i2c-stub, and what the suites cannot know. Prints what a set and a get cost there; nothing is judged by it.
. "$(dirname "$0")/common/guest.sh"
guest_setup

guest_module gpio-sim
guest_module i2c-dev
guest_module i2c-stub chip_addr=0x50
guest_compile "$work/gpio_test" "$guest_root/tests/interop/guest/gpio_test.cpp"
guest_compile "$work/gpio_line_cost" "$guest_root/bench/gpio_line_cost.cpp"
guest_program "$work/gpio_test" "$work/gpio_line_cost"

cat > "$work/script" <<'GUEST'
set -e
mkdir -p /run/lock
sim=/sys/kernel/config/gpio-sim/test
mkdir -p $sim/bank/line3
echo 8 > $sim/bank/num_lines
echo button > $sim/bank/line3/name
echo 1 > $sim/live
chip=$(cat $sim/bank/chip_name)
export CHIP=/dev/$chip OUTSIDE=/sys/devices/platform/$(cat $sim/dev_name)/$chip LIVE=$sim/live
export I2C=$(echo /dev/i2c-*)
gpio_line_cost $CHIP 1 30
gpio_test --no-colors=true
GUEST
guest_run 300 "$work/script" > "$work/said" || { cat "$work/said"; fail "the drivers in the guest"; }
cat "$work/said"
