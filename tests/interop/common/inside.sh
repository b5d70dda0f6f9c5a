# SPDX-License-Identifier: BSL-1.0
# shellcheck disable=SC2154 # scripts have $work
#
# Sourced by scripts that hold what a guest says of itself against what is seen from outside. They have `ask ORDER`, which does
# it in the guest's shell and prints what that said, `fail WHAT`, and a folder $work.

# same WHAT INSIDE OUTSIDE
same() {
  [ "$2" = "$3" ] || {
    echo "$2" > "$work/inside"
    echo "$3" > "$work/outside"
    diff "$work/inside" "$work/outside" >&2 || :
    fail "$1: inside (<) and outside (>) differ"
  }
}

# What 'shoal-ids plist' prints, as lines "PID PARENT UID NAME"
process_lines() { sed 1d | awk '{ gsub(/[][]/, "", $4); print $1, $2, $3, $4 }' | sort; }

# The same of /proc, without a process of its own. It knows what a worker of the kernel works at, and longer names than the 15
# bytes that are comm.
processes_inside() {
  # shellcheck disable=SC2016 # for the shell of the guest
  order='for p in /proc/[0-9]*; do while read -r key value _; do case $key in Name:) n=$value ;; PPid:) pp=$value ;;
    Uid:) echo "${p#/proc/} $pp $value $n" ;; esac; done < $p/status; done 2> /dev/null; true'
  ask "$(echo "$order" | tr '\n' ' ')" | sed 's/ \(kworker\/[u0-9][^-]*\)-.*/ \1/' |
    awk '{ print $1, $2, $3, substr($4, 1, 15) }' | sort
}

# same_processes COMMAND: what it prints is what the guest says, before and behind. Workers come and go: in one try of twenty.
# They are in $processes then.
same_processes() {
  for _ in $(seq 20); do
    first=$("$1")
    inside=$(processes_inside)
    processes=$("$1")
    if [ "$first" = "$processes" ] && [ "$inside" = "$processes" ]; then return; fi
  done
  same processes "$inside" "$processes"
  fail 'processes come and go all the time'
}
