# SPDX-License-Identifier: BSL-1.0
#
# gpio.sh BIN_DIR: shoal-gpio, blink and follow-switch with a simulated chip, and what people get wrong with them. Real lines
# are tests/interop/gpio_guest.sh.
. "$(dirname "$0")/lib/check.sh"
gpio=$bin/shoal-gpio
[ -x "$gpio" ] || skip "$gpio has not been built"
board='sim:4?names=led,key&wires=0-1'

# prints TEXT: out is this
prints() { same 'standard output' "$1" "$(cat out)"; }

exits 0 "$gpio" get "$board" 0 key
prints '0=0
key=0'
exits 0 "$gpio" get "$board" key -q --active-low
prints 1
exits 0 "$gpio" get "$board" 3 2 --pull up
prints '3=1
2=1'
exits 0 "$gpio" info "$board"
prints "$board: 4 lines, with pulls, with edges, several in one moment
   0 led
   1 key
   2 
   3 "
exits 0 "$gpio" set "$board" led=1 3=0 --for 0.01
exits 0 "$gpio" watch "$board" key 2 --for 0.01
prints ''
exits 1 "$gpio" watch "$board" key --count 1 --for 0.01

# ends_with CODE SIGNAL COMMAND...: told to end, it does so in good order
ends_with() {
  wanted=$1
  signal=$2
  shift 2
  # signals that a shell without job control has switched off for what runs behind
  env --default-signal=INT "$@" > out 2> err < /dev/null &
  program=$!
  wait_for_handlers "$program"
  kill "-$signal" "$program"
  found=0
  wait "$program" || found=$?
  same "exit code of $* after SIG$signal" "$wanted" "$found"
  decent "$*"
}
for signal in INT TERM HUP; do
  ends_with 0 "$signal" "$gpio" set "$board" led=1
  ends_with 130 "$signal" "$gpio" set "$board" led=1 --for 60
  ends_with 0 "$signal" "$gpio" watch "$board" key
  ends_with 130 "$signal" "$gpio" watch "$board" key --count 1
  ends_with 0 "$signal" "$bin/blink" "$board" led
  ends_with 0 "$signal" "$bin/follow-switch" "$board" key 2
done

# chips that are none, or not here
for chip in nonsense sim: sim:0 sim:65 'sim:4?names=a,b,c,d,e' 'sim:4?wires=0-4' 'sim:4?wires=0' 'sim:4?what' pl061:here \
  bcm2835: qtest:socket 'qtest:socket?pl061' 'qtest:socket?what=1' 'qtest:socket?pl061=what' cdev: sysfs:; do
  mistake 2 "'$chip'" "$gpio" info "$chip"
done
mistake 1 /dev/gpiochip99 "$gpio" info cdev:/dev/gpiochip99
mistake 1 /dev/null "$gpio" info cdev:/dev/null
mistake 1 "'nobodys-chip'" "$gpio" info sysfs:nobodys-chip
mistake 1 /sys/class/gpio "$gpio" info sysfs:99999
mistake 1 "$work/gpiomem" "$gpio" info "bcm2835:$work/gpiomem"
mistake 1 "$work/socket" "$gpio" info "qtest:$work/socket?pl061=0x9030000"
mistake 2 usage "$bin/blink"
mistake 2 "'nonsense'" "$bin/blink" nonsense 0
mistake 2 usage "$bin/follow-switch"
mistake 2 "'nonsense'" "$bin/follow-switch" nonsense 0 1

# lines and levels
for line in 4 nobody '' -1 0x4 99999999999999999999; do
  mistake 2 "'$line'" "$gpio" get "$board" -- "$line"
done
mistake 2 "'led'" "$gpio" set "$board" led
mistake 2 "'led=2'" "$gpio" set "$board" led=2
mistake 2 "'led='" "$gpio" set "$board" led=
mistake 2 'line 0' "$gpio" set "$board" led=1 0=0
mistake 2 "'9'" "$gpio" set "$board" 9=1

# commands and options
mistake 2 'shoal-gpio --help' "$gpio"
mistake 2 'shoal-gpio --help' "$gpio" wacth "$board" key
for command in info get set watch; do
  mistake 2 "shoal-gpio $command --help" "$gpio" "$command"
done
mistake 2 --no-such-option "$gpio" get "$board" key --no-such-option
mistake 2 --pull "$gpio" get "$board" key --pull sideways
mistake 2 --edges "$gpio" watch "$board" key --edges none
mistake 2 --count "$gpio" watch "$board" key --count 0
mistake 2 --for "$gpio" watch "$board" key --for -1
mistake 2 --for "$gpio" set "$board" led=1 --for ever

# a pipe that is closed at the other end
exits 1 sh -c "'$gpio' get '$board' 0 1 2 > /dev/full"
says 'standard output'

finish
