# SPDX-License-Identifier: BSL-1.0
#
# shoal-ids beside a Debian guest that runs: what it says from outside is what the guest says inside, a clean guest under load
# gives no alert, and each attack by a module of ours (guest/ids_attack.c) gives its alert.
# SHOAL_IDS_LOOKS: how often the clean guest is looked at: 50 (by default), 100, ... 1000 are docs/measurements/introspection.md's.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
ids=$bin/shoal-ids
looks=${SHOAL_IDS_LOOKS:-50}
need "$ids" mkfifo
guest_setup
guest_build "$work/ids_attack.ko" "$guest_root/tests/interop/guest/ids_attack.c"
guest_compile "$work/opened" "$guest_root/tests/interop/guest/opened.cpp"
guest_file "$work/opened" /bin/opened
guest_compile "$work/kernel_words" "$guest_root/tests/interop/guest/kernel_words.cpp"
guest_file "$work/kernel_words" /bin/kernel_words
guest_compile "$work/two_threads" "$guest_root/tests/interop/guest/two_threads.cpp"
guest_file "$work/two_threads" /bin/two_threads
guest_program ss

guest_module dummy
guest_module gpio-sim
guest_module i2c-dev
guest_module unix_diag
guest_file "$work/ids_attack.ko" /ids_attack.ko
guest_file "$(guest_find veth)" /veth.ko
guest_file "$(guest_find tun)" /tun.ko
# Processes, files, modules and branches that the kernel turns itself, connections: each as fast as it can.
cat > "$work/load" <<'LOAD'
mkdir -p /mnt
httpd -p 80 -h /lib/modules
while :; do
  sh -c 'sh -c true; true' &
  sh -c 'sleep 0.05 & true'
  su nobody -c true
  cat /proc/[0-9]*/status
  wait $!
  echo >> /tmp/turns.processes
done &
while :; do
  dd if=/dev/zero of=/tmp/file bs=64k count=64 conv=fsync
  md5sum /tmp/file
  ls -lR /sys/bus
  mount -t tmpfs busy /mnt
  : > /mnt/a
  mv /mnt/a /mnt/b
  umount /mnt
  echo >> /tmp/turns.files
done &
while :; do
  insmod /veth.ko
  rmmod dummy
  insmod /tun.ko
  echo 1 > /proc/sys/kernel/sched_schedstats
  insmod /lib/modules/dummy.ko
  rmmod veth
  echo 0 > /proc/sys/kernel/sched_schedstats
  rmmod tun
  echo >> /tmp/turns.modules
done &
while :; do
  wget -O - http://127.0.0.1/dummy.ko | md5sum
  ping -c 1 127.0.0.1
  echo >> /tmp/turns.network
done &
wait
LOAD
guest_file "$work/load" /load
echo 'nobody:x:1000:1000::/:/bin/sh' > "$work/passwd"
guest_file "$work/passwd" /etc/passwd

guest_obey "$work/script"
mkfifo "$work/orders.in" "$work/orders.out" "$work/monitor.in" "$work/monitor.out"
guest_run $((800 + 2 * looks)) "$work/script" -serial "pipe:$work/orders" -monitor "pipe:$work/monitor" \
  -qmp "unix:$work/qmp,server=on,wait=off" > "$work/said" &
running=$!
exec 5> "$work/orders.in" 6> "$work/monitor.in"
cat "$work/orders.out" "$work/monitor.out" > /dev/null &
emptying=$!
stop() { echo quit >&6; kill "$emptying" 2> /dev/null || :; wait "$running" || :; }
on_end=stop

# ask ORDER: does it in the guest and prints what it said
ask() {
  before=$(wc -l < "$work/guest.out")
  answers=$(grep -c '^== ' "$work/guest.out" || :)
  printf '%s\n' "$1" >&5
  for _ in $(seq 1200); do
    if [ "$(grep -c '^== ' "$work/guest.out")" -gt "$answers" ]; then
      tail -n "+$((before + 1))" "$work/guest.out" > "$work/answer"
      grep -q '^== 0' "$work/answer" || fail "in the guest '$1' said: $(cat "$work/answer")"
      sed -e 's/\r$//' -e '/^== /d' "$work/answer"
      return
    fi
    kill -0 "$running" 2> /dev/null || fail "the guest ended: $(tail -n 5 "$work/guest.qemu" "$work/guest.console")"
    sleep 0.1
  done
  fail "the guest did not answer '$1'"
}

# ends STATUS COMMAND...: prints what it says
ends() {
  wanted=$1
  shift
  status=0
  "$@" > "$work/out" 2>&1 || status=$?
  cat "$work/out"
  [ "$status" = "$wanted" ] || fail "$* ended with $status: $(cat "$work/out")"
}
. "$(dirname "$0")/common/inside.sh"

for _ in $(seq 2400); do
  if grep -q '^== ready' "$work/guest.out" 2> /dev/null; then break; fi
  sleep 0.1
done
guest=qmp:$work/qmp
ask 'cat /proc/version' > "$work/version"
same banner "$(cat "$work/version")" "$(ends 0 "$ids" banner "$guest" --profile "$work/profile")"
[ -s "$work/profile" ] || fail 'no profile was saved'
same 'banner by the profile' "$(cat "$work/version")" "$(ends 0 "$ids" banner "$guest" --profile "$work/profile")"

for call in 0:read 1:write 39:getpid 57:fork; do
  inside=$(ask "grep ' __x64_sys_${call#*:}\$' /proc/kallsyms" | cut -d ' ' -f 1)
  same "system call $call" "0x$inside __x64_sys_${call#*:}" \
    "$(ends 0 "$ids" syscall "$guest" --profile "$work/profile" | awk -v n="${call%:*}" '$1 == n { print $2, $3 }')"
done
# all of the table, as /proc/kcore inside has it, and each function as /proc/kallsyms names it
ends 0 "$ids" syscall "$guest" --profile "$work/profile" > "$work/calls"
calls=$(wc -l < "$work/calls")
[ "$calls" -gt 400 ] || fail "system calls are missing: $calls"
# shellcheck disable=SC2016 # for the shell of the guest
at=$(ask 'grep " sys_call_table\$" /proc/kallsyms' | cut -d ' ' -f 1)
same 'table of system calls' "$(ask "kernel_words $at $calls")" "$(awk '{ print $2 }' "$work/calls")"
ask 'grep " [a-zA-Z] __x64_sys_" /proc/kallsyms' | awk '{ print "0x" $1, $3 }' > "$work/named"
awk 'NR == FNR { there[$0] = 1; next } !(($2 " " $3) in there)' "$work/named" "$work/calls" > "$work/unnamed"
[ ! -s "$work/unnamed" ] || fail "functions that /proc/kallsyms inside names otherwise: $(cat "$work/unnamed")"

same modules "$(ask 'cat /proc/modules' | cut -d ' ' -f 1 | sort)" "$(ends 0 "$ids" modules "$guest" | awk '{ print $3 }' | sort)"

# shellcheck disable=SC2016
ask 'su nobody -c "exec sleep 100000" & echo $!' > "$work/victim"
victim=$(cat "$work/victim")
outside() { ends 0 "$ids" plist "$guest" --profile "$work/profile" | process_lines; }
same_processes outside
# shellcheck disable=SC2154 # which are there now
echo "$processes" | grep -q "^$victim [0-9]* 1000 sleep$" || fail "no process $victim of user 1000"
echo "in order: banner, $calls system calls, $(echo "$processes" | wc -l) processes, modules"

# What a process has open that has one of each kind, in a folder of a mount within a mount
ask 'ip link set lo up && mkdir /tmp/a && mount -t tmpfs inner /tmp/a && mkdir /tmp/a/b /tmp/c && mount --bind /tmp/a/b /tmp/c'
ask 'opened /tmp/c > /tmp/said & while ! grep -q opened /tmp/said; do :; done; cat /tmp/said' > "$work/opened.pid"
opened=$(sed -n 's/^opened //p' "$work/opened.pid")
# shellcheck disable=SC2016
files='for f in /proc/PID/fd/*; do while read -r key value; do case $key in pos:) at=$value ;; flags:) flags=$value ;; esac
done < /proc/PID/fdinfo/${f##*/}; echo "${f##*/} $flags $at $(readlink "$f")"; done'
files=$(echo "$files" | tr '\n' ' ')
for process in 1 "$opened"; do
  same "files of $process" "$(ask "$(echo "$files" | sed "s/PID/$process/g")" | sort -n)" \
    "$(ends 0 "$ids" files "$guest" "$process" | sed 1d | awk '{ n = $1; f = $3; p = $4; $1 = $2 = $3 = $4 = ""; sub(/^ */, ""); print n, f, p, $0 }')"
done
inside=$(ask "ss -Hanptux | grep pid=$opened," | awk '{
  fd = $NF
  sub(/.*fd=/, "", fd)
  sub(/\).*/, "", fd)
  sub(/^\*:/, "[::]:", $6)
  if ($1 !~ /^u_/) {
    print fd, $1, $2, $5, $6
    next
  }
  # ss has no names of other ends
  name[$6] = $5 == "*" ? "socket:[" $6 "]" : $5
  name[0] = "*"
  line[fd] = "unix " $2 " " name[$6]
  peer[fd] = $8
}
END { for (fd in line) print fd, line[fd], name[peer[fd]] }' | sort -n)
inside="$inside
$(ask "awk '\$2 == 0 && \$3 == $opened { print \"netlink\", \$3 }' /proc/net/netlink")"
outside=$(ends 0 "$ids" sockets "$guest" "$opened" | sed 1d | awk '
$3 ~ /netlink/ { last = "netlink " $5; next }
{
  state["listening"] = "LISTEN"
  state["established"] = "ESTAB"
  state["unconnected"] = "UNCONN"
  sub(/-.*|6/, "", $3)
  print $2, $3, state[$4], $5, $7
}
END { print last }')
same "sockets of $opened" "$inside" "$outside"
[ "$("$ids" sockets "$guest" --json | grep -c "\"pid\":$opened,")" = "$(echo "$outside" | wc -l)" ] ||
  fail 'the sockets of all processes do not contain those of one'
echo "in order: files and sockets, $(echo "$outside" | wc -l) of them"

# The same out of dumps that QEMU writes.
echo "stop
pmemsave 0 $((guest_memory << 20)) \"$work/ram\"
dump-guest-memory $work/core
cont" >&6
for dump in ram core; do
  for _ in $(seq 100); do
    if [ "$(stat -c %s "$work/$dump" 2> /dev/null || echo 0)" -ge $((guest_memory << 20)) ]; then break; fi
    sleep 0.1
  done
  same "banner of a $dump" "$(cat "$work/version")" "$(ends 0 "$ids" banner "$work/$dump")"
done
ask 'true'
echo 'in order: a dump of RAM, an ELF core'

# A file of RAM that becomes shorter while it is watched: told, and no sudden death.
"$ids" watch "$work/ram" --every 20ms > "$work/watched" 2> "$work/err" &
watcher=$!
for _ in $(seq 100); do
  if [ -s "$work/watched" ]; then break; fi
  sleep 0.1
done
truncate -s 1M "$work/ram"
code=0
wait "$watcher" || code=$?
same 'exit code when RAM becomes shorter' 1 "$code"
grep -q 'its memory is gone' "$work/err" || fail "$(cat "$work/err")"
echo 'in order: a file of RAM that became shorter'

# shellcheck disable=SC2016
ask 'insmod /ids_attack.ko lookup=0x$(grep " kallsyms_lookup_name\$" /proc/kallsyms | cut -c 1-16)'
ask 'su nobody -c "exec sleep 100001" & echo $!' > "$work/thief"
thief=$(cat "$work/thief")
ask 'sleep 100002 & echo $!' > "$work/hidden"
hidden=$(cat "$work/hidden")
ask 'sleep 100003 & echo $!' > "$work/numberless"
numberless=$(cat "$work/numberless")
ask 'two_threads > /tmp/second & while ! [ -s /tmp/second ]; do :; done; cat /tmp/second' > "$work/thread"
thread=$(cat "$work/thread")
ends 0 "$ids" baseline "$guest" -o "$work/baseline"
ends 0 "$ids" check "$guest" --baseline "$work/baseline"

# A clean guest that works
ask 'setsid sh /load 3<&- > /dev/null 2>&1 & echo $!' > "$work/load"
for looked in $(seq 50 50 "$looks"); do
  ends 0 "$ids" watch "$guest" --baseline "$work/baseline" --every 50ms --count 50
  # a process that ends meanwhile is asked for again
  "$ids" sockets "$guest" > "$work/out" || ends 0 "$ids" sockets "$guest" > "$work/out"
  ends 0 "$ids" files "$guest" 1 > /dev/null
  echo "in order: $looked looks at a clean guest at work"
done
ask "kill -- -$(cat "$work/load"); wait $(cat "$work/load") 2> /dev/null; wc -l /tmp/turns.*" > "$work/turns"
sed -n 's|^ *\([1-9][0-9]*\) /tmp/turns[.]\(.*\)|in order: \1 turns of \2 meanwhile|p' "$work/turns" > "$work/out"
[ "$(wc -l < "$work/out")" = 4 ] || fail "the guest did not do its work: $(cat "$work/turns")"
cat "$work/out"

# attack WHAT EXPECTED: makes it, and wants an alert like this from a check that knew nothing of it
attack() {
  ask "echo '$1' > /sys/module/ids_attack/parameters/attack"
  for _ in 1 2 3 4 5; do
    "$ids" check "$guest" --baseline "$work/baseline" > "$work/alerts" 2>&1 || :
    if grep "$2" "$work/alerts"; then return; fi
    sleep 1
  done
  fail "$1: no alert '$2': $(cat "$work/alerts")"
}
attack "root $victim" "ALERT credentials-overwritten pid $victim (sleep): uid 1000, effective 1000, is now 0, effective 0"
attack "steal $thief" "ALERT credentials-shared pid $thief (sleep): uses the credentials of pid 1 (init)"
attack "task $hidden" "ALERT hidden-task pid $hidden (sleep): in the pid table"
attack "number $numberless" "ALERT hidden-task pid $numberless (sleep): in the list of tasks, but not in the pid table"
if ask 'ls /proc' | grep -qx "$numberless"; then fail 'the process without a number is in /proc'; fi
attack "thread $thread" "ALERT hidden-task pid $thread (two_threads): in the pid table, but not in the list of its process's threads"
attack "gate 200" 'ALERT interrupt-gate interrupt 200: .* in module ids_attack: leads out'
attack "call 440" 'ALERT system-call system call 440: .* in module ids_attack: leads out'
attack dispatcher 'ALERT code-changed x64_sys_call: '
attack module 'ALERT hidden-module module ids_attack: in memory, but not in the list of modules'
if outside | grep -q "^$hidden "; then fail 'the hidden process is in the list'; fi
# without a baseline: all but what was overwritten in place
ends 3 "$ids" check "$guest" > "$work/alerts"
for kind in credentials-shared hidden-task hidden-module system-call interrupt-gate; do
  grep -q "^ALERT $kind " "$work/alerts" || fail "no $kind without a baseline: $(cat "$work/alerts")"
done
ends 3 "$ids" check "$guest" --baseline "$work/baseline" > "$work/alerts"
# the table of system calls is among the constants, and who was given root's credentials has gained them
[ "$(cut -d ' ' -f 2 "$work/alerts" | sort -u | wc -l)" = 9 ] || fail "more or less than was attacked: $(cat "$work/alerts")"
echo 'in order: nine attacks'
on_end=:
echo 'exit 0' >&5
wait "$running" || fail 'the guest did not end well'
kill "$emptying" 2> /dev/null || :
