# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder, with $1 the folder of shoal's programs. Gives them
#   need TOOL...      ends with "skipped" (77) when one is missing
#   serve ARG...      starts `shoal-nbd ARG...` on a Unix socket; its URI is in $uri, of export X in $(uri_of X)
#   stop              ends it with SIGTERM, and fails unless it exits with 0
#   expect WHAT CMD.. runs a command and fails, naming WHAT, when the command does
# and a folder $work that goes when the script ends.
set -eu

bin=${1:?usage: $0 BIN_DIR}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill -9 "$server" 2>/dev/null || :; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

need() {
  for tool in "$bin/shoal-nbd" "$@"; do
    command -v "$tool" > /dev/null || { echo "SKIP: $tool is not here"; exit 77; }
  done
}

uri_of() { echo "nbd+unix:///$1?socket=$work/nbd.sock"; }

serve() {
  rm -f "$work/nbd.sock" "$work/printed"
  "$bin/shoal-nbd" --unix "$work/nbd.sock" "$@" > "$work/printed" &
  server=$!
  tries=0
  until [ -s "$work/printed" ]; do
    kill -0 "$server" 2>/dev/null || fail "shoal-nbd $* did not start"
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "shoal-nbd $* says nothing"
    sleep 0.1
  done
  uri=$(head -n 1 "$work/printed")
}

stop() {
  kill -TERM "$server"
  status=0
  wait "$server" || status=$?
  server=
  [ $status -eq 0 ] || fail "shoal-nbd ended with $status"
  [ ! -e "$work/nbd.sock" ] || fail "shoal-nbd left its socket behind"
}

expect() {
  what=$1
  shift
  "$@" > "$work/output" 2>&1 || { cat "$work/output" >&2; fail "$what: $*"; }
}
