# SPDX-License-Identifier: BSL-1.0
#
# The drivers of os/linux against a Debian kernel: the conformance suites over gpio-sim (character device and sysfs) and
# i2c-stub, and what the suites cannot know; shoal-gpio, blink and follow-switch on real lines. Prints what a set and a
# get cost there; nothing is judged by it.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
need "$bin/shoal-gpio" "$bin/blink" "$bin/follow-switch"
guest_setup

guest_module gpio-sim
guest_module i2c-dev
guest_module i2c-stub chip_addr=0x50
guest_compile "$work/gpio_test" "$guest_root/tests/interop/guest/gpio_test.cpp"
guest_compile "$work/gpio_line_cost" "$guest_root/bench/gpio_line_cost.cpp"
guest_program "$work/gpio_test" "$work/gpio_line_cost" "$bin/shoal-gpio" "$bin/blink" "$bin/follow-switch"

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

label=$(cat /sys/class/gpio/gpiochip*/label)
base=$(cat /sys/class/gpio/gpiochip*/base)
gone() { echo "FAIL: $*"; exit 1; }
level() { cat "$OUTSIDE/sim_gpio$1/value"; }
pull() { echo "pull-$2" > "$OUTSIDE/sim_gpio$1/pull"; }
# becomes WHAT WANTED COMMAND...: its output does, sooner or later
becomes() {
  what=$1
  wanted=$2
  shift 2
  for _ in $(seq 200); do
    if [ "$("$@")" = "$wanted" ]; then return; fi
    sleep 0.05
  done
  gone "$what is $("$@") and not $wanted"
}
shoal-gpio detect | grep -q "^cdev:$CHIP  *$label  *8 lines" || gone 'detect by character device'
shoal-gpio detect | grep -q "^sysfs:$base  *$label  *8 lines" || gone 'detect by sysfs'
for chip in cdev:$CHIP sysfs:$base "sysfs:$label"; do
  shoal-gpio set "$chip" 1=1 2=0 &
  becomes 'line 1' 1 level 1
  [ "$chip" != cdev:$CHIP ] || shoal-gpio info "$chip" | grep -q '1 .*output, used by "shoal-gpio"' || gone 'info'
  if shoal-gpio get "$chip" 1 2> /tmp/busy; then gone 'a line in use was read'; fi
  grep -q 'busy' /tmp/busy || gone 'a line in use is not busy'
  kill $!
  wait $! || gone "set ended with $?"
  becomes 'line 1' 0 level 1
  pull 4 up
  [ "$(shoal-gpio get "$chip" 4 -q)" = 1 ] || gone 'get'
  shoal-gpio watch "$chip" 4 --count 2 --for 60 > /tmp/edges &
  while kill -0 $! 2> /dev/null; do
    pull 4 down
    sleep 0.2
    pull 4 up
    sleep 0.2
  done
  wait $! || gone "watch ended with $?"
  [ "$(cut -d ' ' -f 2- /tmp/edges | sort | tr '\n' ' ')" = '4 falling 4 rising ' ] || gone "watch said $(cat /tmp/edges)"
  follow-switch "$chip" 4 5 &
  becomes 'the LED' 1 level 5
  pull 4 down
  becomes 'the LED' 0 level 5
  kill $!
  wait $! || gone "follow-switch ended with $?"
  blink "$chip" 6 &
  for wanted in 1 0 1; do becomes 'the LED' $wanted level 6; done
  kill $!
  wait $! || gone "blink ended with $?"
  ! ls -d /sys/class/gpio/gpio[0-9]* 2> /dev/null || gone 'an export was left behind'
done
[ "$(shoal-gpio get cdev:$CHIP button)" = button=0 ] || gone 'a line by its name'
shoal-gpio set sysfs:$base 1=1 &
becomes 'line 1' 1 level 1
kill -9 $!
[ -d /sys/class/gpio/gpio$((base + 1)) ] || gone 'kill -9 took the export with it'
shoal-gpio get sysfs:$base 4
! ls -d /sys/class/gpio/gpio[0-9]* 2> /dev/null || gone 'the export of a killed program was left behind'
echo 'programs: in order'

gpio_line_cost $CHIP 1 200
gpio_test --no-colors=true
GUEST
guest_run 300 "$work/script" > "$work/said" || { cat "$work/said"; fail "the drivers in the guest"; }
cat "$work/said"
