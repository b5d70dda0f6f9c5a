# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder that run guests under /dev/kvm, with $1 the folder of shoal's programs. Gives them
#   need_guests FILE...   ends with "skipped" (77) when a program, a guest or KVM is missing
#   tender STATUS ARG...  runs shoal-tender, which has to end with STATUS; what it says is in $work/out and $work/err
#   printed TEXT          fails unless that is all of its standard output
#   said TEXT             fails unless it is in its messages
# and a folder $work that goes when the script ends.
set -eu

bin=${1:?usage: $0 BIN_DIR}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# where this is built with AddressSanitizer: to look for leaks takes system calls that a sandbox does not have
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

fail() { echo "FAIL: $*" >&2; exit 1; }

need_guests() {
  for file in shoal-tender "$@"; do
    [ -x "$bin/$file" ] || { echo "SKIP: $bin/$file is not here"; exit 77; }
  done
  if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
    echo "SKIP: /dev/kvm is not here, or not for us"
    exit 77
  fi
}

tender() {
  wanted=$1
  shift
  status=0
  timeout 800 "$bin/shoal-tender" "$@" > "$work/out" 2> "$work/err" || status=$?
  [ $status -eq "$wanted" ] || { cat "$work/out" "$work/err" >&2; fail "shoal-tender $* ended with $status"; }
}
printed() { [ "$(cat "$work/out")" = "$1" ] || { cat "$work/out" >&2; fail "it has not printed '$1'"; }; }
said() { grep -qF -- "$1" "$work/err" || { cat "$work/err" >&2; fail "it has not said '$1'"; }; }
