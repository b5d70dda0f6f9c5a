# SPDX-License-Identifier: BSL-1.0
#
# mistakes_vhost.sh BIN_DIR: what people get wrong with shoal-vhost. Each message says what, to what, and what to do next;
# exit code 1 for what failed, 2 for a command line that cannot work.
. "$(dirname "$0")/lib/check.sh"
vhost=$bin/shoal-vhost
[ -x "$vhost" ] || { echo "SKIP: $vhost has not been built"; exit 77; }

mistake 2 'no device' "$vhost"
mistake 2 'no device' "$vhost" --socket a.sock
mistake 2 --gpio "$vhost" --gpio sim:8 --block memory:1M --socket a.sock
mistake 2 --socket "$vhost" --gpio sim:8
mistake 2 --no-such-option "$vhost" --gpio sim:8 --socket a.sock --no-such-option
mistake 2 --queues "$vhost" --block memory:1M --socket a.sock --queues 0
mistake 2 tape:0 "$vhost" --block tape:0 --socket a.sock
mistake 2 tape:0 "$vhost" --gpio tape:0 --socket a.sock
for chip in sim: sim:0 sim:65 sim:x sim:8x 'sim:2?names=a,b,c' 'sim:2?wires=0-2' 'sim:2?wires=01' 'sim:2?colour=red' cdev:; do
  mistake 2 "'$chip'" "$vhost" --gpio "$chip" --socket a.sock
done
mistake 1 /dev/no-such-chip "$vhost" --gpio cdev:/dev/no-such-chip --socket a.sock
mistake 1 missing.img "$vhost" --block file:missing.img --socket a.sock
mistake 1 no-such-folder "$vhost" --block memory:1M --socket no-such-folder/a.sock
mistake 1 long "$vhost" --block memory:1M --socket "$(printf 'long%.0s' $(seq 50))"
touch file
mistake 1 'no socket' "$vhost" --block memory:1M --socket file

finish
