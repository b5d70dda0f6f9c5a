# SPDX-License-Identifier: BSL-1.0
#
# mistakes_tender.sh BIN_DIR: what people get wrong with shoal-tender, as far as no guest has to run for it. Each message
# says what, to what, and what to do next; exit code 1 for what failed, 2 for a command line that cannot work.
. "$(dirname "$0")/lib/check.sh"
tender=$bin/shoal-tender
guest=$bin/guest_escape
for program in "$tender" "$guest"; do
  [ -x "$program" ] || { echo "SKIP: $program has not been built"; exit 77; }
done

mistake 2 GUEST "$tender"
mistake 2 --no-such-option "$tender" --no-such-option "$guest"
mistake 1 no-such-guest "$tender" no-such-guest
mistake 1 directory "$tender" .
mistake 1 'no ELF file' "$tender" "$here/mistakes_tender.sh"
mistake 1 'not for hvt' "$tender" "$tender"
for size in 0 1 3 4098 17592186044480; do mistake 2 --mem "$tender" --mem $size "$guest"; done
mistake 2 --mem "$tender" --mem much "$guest"
mistake 2 'behind --' "$tender" "$guest" --ipv4=192.0.2.1/24
mistake 2 8191 "$tender" "$guest" "$(printf '%8192s' x)"
mistake 2 --max-time "$tender" --max-time soon "$guest"
mistake 2 --max-io "$tender" --max-io fast "$guest"
mistake 2 --watch "$tender" --watch 0 "$guest"
mistake 2 'requires --watch' "$tender" --watch-global steps "$guest"
mistake 2 'requires --watch' "$tender" --watch-stop "$guest"
mistake 2 'wait for ever' "$tender" --max-io 0 "$guest"
mistake 2 --block:disk=URI "$tender" "$guest"
mistake 2 --dry-run "$tender" --block:disk=memory:1M --gpio:pins=sim:8 "$guest"
mistake 2 --dry-run "$tender" --block:disk=memory:1M --net-mac:disk=02:00:00:00:00:01 "$guest"
mistake 2 twice "$tender" --block:disk=memory:1M --block:disk=memory:2M "$guest"
for device in --block: --block:disk --block:disk= --block:=memory:1M --gpio:x; do mistake 2 NAME=URI "$tender" "$device" "$guest"; done

# what is elsewhere is another program's, which is found beside this one
mistake 2 "'foo:x' is not a device" "$tender" --block:disk=foo:x "$guest"
mistake 1 'nbd://localhost:1/x' "$tender" --block:disk=nbd://localhost:1/x "$guest"
exits 0 "$tender" --dry-run --block:disk=nbd://localhost:1/x "$guest"
cp "$tender" alone
mistake 1 "$work/shoal-tender-remote" ./alone --block:disk=nbd://localhost:1/x "$guest"
mistake 1 "$work/shoal-tender-remote" ./alone --block:disk=memory:1M --record tcp://localhost:1 "$guest"

exits 0 "$tender" --dry-run --block:disk=memory:1M "$guest"
same 'what is given' '  block disk: memory:1M' "$(tail -n 1 out)"
lines=$bin/guest_switch_virtio
mistake 2 'gpio pins by virtio' "$tender" "$lines"
exits 0 "$tender" --dry-run --gpio:pins=sim:8 "$lines"
same 'lines by virtio' '  gpio pins by virtio: sim:8' "$(tail -n 1 out)"

exits 0 "$tender" --help
for option in --mem --block --block-sector-size --net --net-mac --gpio --i2c --record --watch --watch-global \
  --watch-stop --max-time --max-output --max-io --overlay --readonly --dry-run --no-sandbox swarm: file: sim: Examples; do
  if grep -q -e "$option" out; then ok; else bad "--help says nothing about $option"; fi
done
if awk 'length > 120 { exit 1 }' out; then ok; else bad "--help has lines of more than 120 characters"; fi
exits 0 "$tender" --version
exits 1 sh -c "'$tender' --version >&-"

# what would cost each of a thousand guests half as much memory again: streams, and a parser of options
if nm -C "$tender" | grep -e 'std::ios_base::Init::Init' -e 'CLI::'; then
  bad "shoal-tender has parts that belong into shoal-tender-remote"
else
  ok
fi

finish
