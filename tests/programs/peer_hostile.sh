# SPDX-License-Identifier: BSL-1.0
#
# peer_hostile.sh BIN_DIR: strangers who try to make a peer spend its memory, while others fetch from it: they are served,
# and the memory stays within bounds.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/peer.sh"
need openssl sha256sum

noise 16777216 > disk.img
sum=$(sum_of disk.img)
cid=$("$image" import disk.img --store car:disk.car --quiet)
start_peer honest --provide car:disk.car --key honest.key
honest=${address##*/}
kill_peer "$peer"

# fetches WHAT: somebody honest gets the image from the victim
fetches() {
  rm -f got.img
  check "$1: somebody honest fetches" \
    timeout 60 "$peer_program" get "$cid" -o got.img --quiet --key honest.key --bootstrap "$at_victim"
  same "$1: what was fetched" "$sum" "$(sum_of got.img)"
}

# attacked KIND PATTERN: the attack is over, and has said PATTERN
attacked() {
  "$hostile" "$1" 127.0.0.1 "$port" disk.img > attack.out 2>&1 &
  attacker=$!
  fetches "$1"
  check "the attack $1" wait "$attacker"
  if grep -Eq -e "$2" attack.out; then ok; else bad "$1: $(cat attack.out)"; fi
  cat attack.out
  fetches "after $1"
}

# frugal MEBIBYTES: the victim never had more than that in memory. The sanitizers' own memory cannot be told apart.
frugal() {
  peak=$(($(awk '/^VmHWM/ { print $2 }' "/proc/$peer/status") / 1024))
  echo "the victim had $peak MiB at most"
  if grep -aq __asan_init "$peer_program"; then echo "left out: the bound of $1 MiB, under AddressSanitizer"; return; fi
  if [ "$peak" -le "$1" ]; then ok; else bad "$peak MiB are more than $1"; fi
}

# victim ARGUMENTS...
victim() {
  start_peer victim --provide car:disk.car --cache 16M "$@"
  at_victim=$address
  port=$(echo "$address" | cut -d / -f 5)
}

victim
attacked oversized 'cut off 40 of 40'
attacked streams '4 times 10000'
attacked window 'cut off 40 of 40'
attacked wants 'nobody has'
attacked deaf '60 peers'
attacked strangers '150 of 150'
frugal 80
stop_peer "$peer" victim

# with a list of who is welcome
echo "$honest" > allowed
victim --allow allowed
attacked strangers ' 0 of 150'
frugal 80
stop_peer "$peer" victim

finish
