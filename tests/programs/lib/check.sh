# SPDX-License-Identifier: BSL-1.0
#
# What the scripts in tests/programs share. Each begins with:
#
#     . "$(dirname "$0")/lib/check.sh"
#
# and ends with `finish`. $1 is the folder of the programs; $work is a folder for the script, which is the current one and
# goes at the end, with the servers that start_server has started. A check that fails is told, and the script goes on.
set -u

bin=$(CDPATH='' cd -- "${1:?usage: sh NAME.sh BIN_DIR}" && pwd)
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
image=$bin/shoal-image
nbd=$bin/shoal-nbd
work=$(mktemp -d)
servers=
mounted=
failures=0
checks=0

leave() {
  for server in $servers; do kill "$server" 2> /dev/null && wait "$server" 2> /dev/null; done
  [ -z "$mounted" ] || umount "$mounted"
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work" || exit 1

for program in "$image" "$nbd"; do
  [ -x "$program" ] || { echo "SKIP: $program has not been built"; exit 77; }
done

# need TOOL...: skips the script when one is missing
need() {
  for tool; do command -v "$tool" > /dev/null || { echo "SKIP: $tool is not installed"; exit 77; }; done
}

# skip REASON
skip() { echo "SKIP: $*"; exit 77; }

# has TOOL: false, and a word about it, when a part of a script has to be left out
has() { command -v "$1" > /dev/null || { echo "left out: $1 is not installed"; return 1; }; }

ok() { checks=$((checks + 1)); }
bad() { checks=$((checks + 1)); failures=$((failures + 1)); printf 'FAIL: %s\n' "$*"; }

# check WHAT COMMAND...: the command succeeds
check() {
  what=$1
  shift
  if "$@" > check.out 2>&1; then ok; else bad "$what: $*"; sed 's/^/    /' check.out; fi
}

# same WHAT EXPECTED FOUND
same() { if [ "$2" = "$3" ]; then ok; else bad "$1: expected '$2', found '$3'"; fi; }

# exits CODE COMMAND...: runs it into out and err; its exit code is CODE, and it speaks to people. One that never ends
# (a server that should not have started) is ended with 124.
exits() {
  wanted=$1
  shift
  found=0
  timeout 300 "$@" > out 2> err < /dev/null || found=$?
  if [ "$found" = "$wanted" ]; then ok; else bad "exit code $found instead of $wanted: $*"; sed 's/^/    /' err; fi
  decent "$*"
}

# decent WHAT: what a program said in out and err has no insides of it: no names of C++, no traces
decent() {
  if grep -aE 'std::|shoal::|asio[:.]|terminate called|what\(\)|filesystem error|Sanitizer|#[0-9]+ 0x|runtime error:' out err; then
    bad "insides shown by: $1"
  else
    ok
  fi
}

# says TEXT...: err has each of them
says() {
  for text; do
    if grep -aqF -e "$text" err; then ok; else bad "'$text' is not in the message:"; sed 's/^/    /' err; fi
  done
}

# advises: err ends with a line that says what to do next
advises() {
  if [ "$(sed -n '$p' err | grep -c '^  [^ ]')" = 1 ]; then ok; else bad 'no advice in the message:'; sed 's/^/    /' err; fi
}

# mistake CODE TEXT COMMAND...: fails so, names TEXT, and says what to do
mistake() {
  code=$1
  name=$2
  shift 2
  exits "$code" "$@"
  says "$name"
  advises
  if [ -s out ]; then bad "standard output of a mistake is not empty: $*"; else ok; fi
}

# noise BYTES [SEED]: so many bytes that nothing can shorten, the same every time
noise() {
  head -c "$1" /dev/zero | openssl enc -chacha20 -K "$(printf %s "${2:-seed}" | openssl dgst -sha256 -r | cut -c1-64)" \
    -iv 00000000000000000000000000000000
}

# wait_for_handlers PID: until it has taken SIGTERM and SIGHUP into its own hands, caught or blocked: a signal that comes before
# then is not the program's to handle. It begins as a copy of this shell, with the shell's own handlers, and while the C
# library makes a thread all signals are blocked, those of real time too.
wait_for_handlers() {
  for _ in $(seq 1200); do
    if [ "$(readlink "/proc/$1/exe")" != "$(readlink "/proc/$$/exe")" ] &&
      grep -Eqs '^Sig(Blk|Cgt):.0000.*[4-7c-f]..[13579bdf]$' "/proc/$1/status"; then
      return
    fi
    kill -0 "$1" 2> /dev/null || return 0
    sleep 0.05
  done
  bad 'a program does not handle SIGTERM and SIGHUP'
}

# start_server ARGUMENTS...: starts shoal-nbd, waits until it has said its URI; sets $server and $uri (the first)
start_server() {
  : > uris
  "$nbd" "$@" > uris 2> server.err &
  server=$!
  servers="$servers $server"
  wait_for_uri
}

wait_for_uri() {
  for _ in $(seq 600); do
    uri=$(sed -n 1p uris)
    [ -z "$uri" ] || return 0
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  bad "shoal-nbd says no URI"
  sed 's/^/    /' server.err
  return 1
}

# stop_server: SIGTERM; it drains and exits 0
stop_server() {
  kill "$server"
  code=0
  wait "$server" || code=$?
  servers=
  same "exit code of shoal-nbd after SIGTERM" 0 "$code"
  cp server.err err
  : > out
  decent shoal-nbd
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" = 0 ] || exit 1
  exit 0
}
