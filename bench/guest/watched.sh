# SPDX-License-Identifier: BSL-1.0
#
# How much slower a guest is while shoal-ids watches it.
#
#     sh bench/guest/watched.sh BIN_DIR [--pairs 30] [--period 10] [--every 1s] [--watcher-cpu N] [--realtime]
#
# One Debian guest under QEMU's TCG, on the first processor, counts pieces of work (count.cpp) and tells how many on its serial line.
# The watcher is on another processor, where there is one; both go before all else with --realtime.
# docs/measurements/introspection.md has what it showed.
. "$(dirname "$0")/../../tests/interop/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR [--pairs N] [--period SECONDS] [--every TIME] [--watcher-cpu N] [--realtime]}
shift
need "$bin/shoal-ids" python3 taskset
guest_setup
guest_compile "$work/count" "$guest_root/bench/guest/count.cpp"
guest_file "$work/count" /count
echo 'exec /count' > "$work/script"
: > "$work/guest.out"
guest_run 7200 "$work/script" -pidfile "$work/pid" -qmp "unix:$work/qmp,server=on,wait=off" > "$work/said" 2>&1 &
running=$!
stop() {
  [ ! -s "$work/pid" ] || kill "$(cat "$work/pid")" || :
  wait "$running" || :
}
on_end=stop
python3 "$guest_root/bench/guest/watched.py" "$bin/shoal-ids" "$work/guest.out" "qmp:$work/qmp" "$work/pid" "$@"
