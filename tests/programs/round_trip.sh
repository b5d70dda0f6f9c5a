# SPDX-License-Identifier: BSL-1.0
#
# round_trip.sh BIN_DIR: an image goes in and comes out again the same: every store, profile and kind of chunker.
. "$(dirname "$0")/lib/check.sh"
need openssl python3

# data, a hole, data again, an odd end, and a tail that is a hole
{ noise 700000 a; } > disk.img
noise 300001 b | dd of=disk.img bs=1M seek=3 conv=notrunc status=none
noise 300001 b | dd of=disk.img bs=1M seek=5 conv=notrunc status=none
truncate -s 9M disk.img
: > empty.img
printf x > tiny.img

# round_trip NAME IMAGE STORE OPTIONS...
round_trip() {
  name=$1
  from=$2
  store=$3
  shift 3
  exits 0 "$image" import "$from" --store "$store" --quiet "$@"
  cid=$(cat out)
  same "$name: lines of --quiet" 1 "$(wc -l < out)"
  same "$name: words of --quiet" '' "$(cat err)"
  exits 0 "$image" info "$cid" --store "$store" --json
  check "$name: info --json parses" python3 -m json.tool out
  same "$name: size" "$(stat -c %s "$from")" "$(python3 -c 'import json; print(json.load(open("out"))["size"])')"
  exits 0 "$image" verify "$cid" --store "$store" --quiet
  same "$name: verify --quiet is silent" '' "$(cat out err)"
  exits 0 "$image" cat "$cid" --store "$store"
  check "$name: cat" cmp "$from" out
  exits 0 "$image" export "$cid" --store "$store" --output exported.img
  check "$name: export" cmp "$from" exported.img
  rm -f exported.img exported.img.part
}

for from in disk.img empty.img tiny.img; do
  for profile in disk-image unixfs-v1-2025 unixfs-v0-2015; do
    before=
    for store in car:s.car flatfs:s.flatfs ref:s.ref; do
      round_trip "$from $profile $store" "$from" "$store" --profile "$profile"
      same "$from $profile: one CID in every store" "${before:=$cid}" "$cid"
      rm -rf s.car s.flatfs s.ref
    done
  done
done
for chunker in size-1000 size-64K size-1M buzhash rabin rabin-32K rabin-16384-65536-131072 fastcdc-64K fastcdc-4K default; do
  before=
  for store in car:s.car flatfs:s.flatfs ref:s.ref; do
    round_trip "$chunker $store" disk.img "$store" --chunker "$chunker"
    same "$chunker: one CID in every store" "${before:=$cid}" "$cid"
    rm -rf s.car s.flatfs s.ref
  done
done

# the only root of a store need not be named; several images share a flatfs
exits 0 "$image" import disk.img --store car:d.car
cid=$(cat out)
says '9 MiB' 'leaves'
exits 0 "$image" import disk.img --store ref:d.ref --json
check 'import --json parses' python3 -m json.tool out
exits 0 "$image" info --store car:d.car
check 'info names the CID' grep -q "$cid" out
exits 0 "$image" info --quiet --store ref:d.ref
same 'info --quiet' "$cid" "$(cat out)"
exits 0 "$image" info "/ipfs/$cid" --store car:d.car --quiet
exits 0 "$image" info "ipfs://$cid" --store car:d.car --quiet
exits 0 "$image" verify --store car:d.car
check 'verify says that it is whole' grep -q whole out
for cores in 1 2 7; do
  exits 0 "$image" import disk.img --store car:t.car --quiet --threads "$cores"
  same "$cores threads" "$cid" "$(cat out)"
done
exits 0 "$image" import disk.img --store flatfs:many --quiet
exits 0 "$image" import tiny.img --store flatfs:many --quiet
exits 0 "$image" cat "$cid" --store flatfs:many
check 'first image of a flatfs' cmp disk.img out

# a part of an image
exits 0 "$image" cat --store car:d.car --offset 1K --length 1K
dd if=disk.img of=part bs=1024 skip=1 count=1 status=none
check 'cat of a part' cmp part out
exits 0 "$image" cat --store car:d.car --offset 9M
same 'cat at the end is empty' 0 "$(wc -c < out)"

# an export is sparse: holes take no space
exits 0 "$image" export --store car:d.car --output sparse.img
check 'export' cmp disk.img sparse.img
held=$(du -k --block-size=1K sparse.img | cut -f1)
if [ "$held" -lt 4096 ]; then ok; else bad "an export of 1.3 MiB of data and 7.7 MiB of holes takes $held KiB"; fi
exits 0 "$image" export --store car:d.car --output sparse.img
check 'export over an older file' cmp disk.img sparse.img

# how much two versions share
cp disk.img next.img
printf changed | dd of=next.img bs=1 seek=1000 conv=notrunc status=none
exits 0 "$image" import next.img --store car:next.car --quiet
next=$(cat out)
exits 0 "$image" diff --store car:d.car --store car:next.car
check 'diff names both' sh -c "grep -q $cid out && grep -q $next out && grep -q 'in common' out"
exits 0 "$image" diff --store car:d.car --store car:next.car --json
same 'diff --json: all leaves but one are common' "1 1" "$(python3 -c '
import json
print(*[d["leaves"] - d["common_leaves"] for d in map(json.loads, open("out"))])')"
exits 0 "$image" diff "$cid" "$cid" --store car:d.car
check 'an image is like itself' grep -q '100.0 %' out

finish
