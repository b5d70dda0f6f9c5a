# SPDX-License-Identifier: BSL-1.0
#
# Makes docs/ids.svg: a session of shoal-ids beside a Debian guest that is attacked; what is in it was typed and printed.
#
#     sh docs/pictures/ids.sh BIN_DIR [COMMAND...]
#
# COMMAND URL is run while the page of 'shoal-ids serve' shows the alerts; docs/ids.png is what a browser showed there.
. "$(dirname "$0")/../../tests/interop/common/guest.sh"
bin=$(realpath "${1:?usage: $0 BIN_DIR [COMMAND...]}")
shift
need "$bin/shoal-ids" mkfifo python3
PATH=$bin:$PATH
guest_setup
guest_build "$work/ids_attack.ko" "$guest_root/tests/interop/guest/ids_attack.c"
guest_file "$work/ids_attack.ko" /ids_attack.ko
printf 'www:x:33:33::/:/bin/sh\nshop:x:1000:1000::/:/bin/sh\n' > "$work/passwd"
guest_file "$work/passwd" /etc/passwd
printf '#!/bin/sh\nwhile sleep 600; do :; done\n' > "$work/program"
chmod +x "$work/program"
guest_file "$work/program" /bin/backup
guest_file "$work/program" /bin/shop
guest_file "$work/program" /bin/miner
guest_obey "$work/script" syslogd 'crond -c /tmp' 'httpd -u www -p 80 -h /tmp' "su shop -c 'exec shop' &" 'backup &'

# boot NAME: a guest that does what is written to NAME/orders.in, a line of shell each; its QEMU listens at NAME.qmp
boot() {
  mkdir "$work/$1"
  mkfifo "$work/$1/orders.in" "$work/$1/orders.out"
  cp -r "$work/guest" "$work/$1/"
  (
    trap - EXIT
    folder=$work
    work=$work/$1
    cat "$work/orders.out" > /dev/null &
    guest_run 3000 "$folder/script" -serial "pipe:$work/orders" -pidfile "$work/pid" \
      -qmp "unix:$folder/$1.qmp,server=on,wait=off" > "$work/said" 2>&1
  ) &
}
stop() {
  for each in web/pid db/pid serve.pid; do [ ! -s "$work/$each" ] || kill "$(cat "$work/$each")" || :; done
  wait
}
# answers N: the guests' answers are there
answers() {
  for _ in $(seq 6000); do
    if [ "$(cat "$work"/*/guest.out 2> /dev/null | grep -c '^== ')" -ge "$1" ]; then return; fi
    sleep 0.1
  done
  fail "a guest does not answer: $(tail -n 5 "$work"/*/guest.console)"
}
boot web
boot db
on_end=stop
exec 5<> "$work/web/orders.in"
answers 2
cd "$work" || exit

# session COMMAND: what is typed and what it prints, and its exit status when it is not 0
session() {
  echo "\$ $1"
  sh -c "$1" 2>&1 || echo "# exit status $?"
  echo
}
{
  session 'shoal-ids banner qmp:web.qmp'
  session 'shoal-ids plist qmp:web.qmp | head -n 10'
  session 'shoal-ids syscall qmp:web.qmp | head -n 4'
  session 'shoal-ids baseline qmp:web.qmp -o clean.baseline'
  session 'shoal-ids check qmp:web.qmp --baseline clean.baseline'
} > typed
shoal-ids serve --guest web=qmp:web.qmp --guest db=qmp:db.qmp --http 127.0.0.1:0 --every 1s > alerts 2> serve.err &
echo $! > serve.pid
until grep -q '^http://' serve.err; do sleep 0.1; done
sleep 5

# shellcheck disable=SC2016 # for the shell of the guest
echo 'miner & insmod /ids_attack.ko lookup=0x$(grep " kallsyms_lookup_name\$" /proc/kallsyms | cut -c 1-16)' >&5
answers 3
attack() {
  count=$(cat ./*/guest.out | grep -c '^== ')
  echo "echo $1 > /sys/module/ids_attack/parameters/attack" >&5
  answers $((count + 1))
  for _ in $(seq 600); do
    if grep -q "web ALERT $2" alerts; then return; fi
    sleep 0.1
  done
  fail "no $2: $(cat alerts)"
}
pid() { shoal-ids plist qmp:web.qmp | awk -v name="$1" '$4 == name { print $1; exit }'; }
miner=$(pid miner)
shop=$(pid shop)
attack 'call 440' system-call
attack "task $miner" hidden-task
attack "root $shop" credentials-overwritten
{
  echo "# in the guest, a module leads system call 440 elsewhere, hides process $miner and makes process $shop root"
  session 'shoal-ids check qmp:web.qmp --baseline clean.baseline'
} >> typed
python3 "$guest_root/docs/pictures/terminal.py" 'What shoal-ids prints beside a Debian guest that is attacked' \
  < typed > "$guest_root/docs/ids.svg"
[ $# = 0 ] || "$@" "$(cat serve.err)"
