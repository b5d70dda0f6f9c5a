# SPDX-License-Identifier: BSL-1.0
#
# damage.sh BIN_DIR: stores that are damaged or made to mislead. A reader gets a clear error, and never a byte that is wrong.
. "$(dirname "$0")/lib/check.sh"
need openssl python3
make() { python3 "$here/lib/make_car.py" "$@"; }

noise 1000000 > disk.img
mkdir good
for store in car:good/disk.car ref:good/disk.ref flatfs:good/blocks; do
  cid=$("$image" import disk.img --store "$store" --quiet)
done
leaf=65536
dd if=disk.img of=leaf bs=$leaf skip=5 count=1 status=none
leaf_cid=$(make cid leaf)

# prefix WHAT: what is in out is how disk.img begins
prefix() {
  size=$(wc -c < out)
  check "$1: no wrong byte among $size" cmp -n "$size" disk.img out
}

# damaged STORE CID: everything that reads there fails and names CID; before that come right bytes alone
damaged() {
  exits 1 "$image" cat "$cid" --store "$1"
  says "$2" "$1"
  advises
  prefix "cat from $1"
  exits 1 "$image" export "$cid" --store "$1" --output out.img
  says "$2"
  check 'no half export' sh -c '! ls out.img* 2> /dev/null | grep .'
  exits 1 "$image" verify "$cid" --store "$1"
  says "$2"
  advises
}

# one byte of one leaf, in each kind of store
cp good/disk.car bad.car
make harm bad.car leaf
damaged car:bad.car "$leaf_cid"
same 'the right bytes before it all came' $((5 * leaf)) "$("$image" cat --store car:bad.car 2> /dev/null | wc -c)"
exits 0 "$image" cat --store car:bad.car --offset $((6 * leaf)) --length 1000
check 'other leaves are read' sh -c "dd if=disk.img bs=1 skip=$((6 * leaf)) count=1000 status=none | cmp - out"

cp -r good/blocks bad
harmed=$(find bad -name '*.data' -exec cmp -s {} leaf \; -print)
make harm "$harmed" leaf
damaged flatfs:bad "$leaf_cid"
head -c 60000 leaf > "$harmed"
damaged flatfs:bad "$leaf_cid"
: > "$harmed"
damaged flatfs:bad "$leaf_cid"
rm "$harmed"
exits 1 "$image" verify "$cid" --store flatfs:bad
says "$leaf_cid" 'not found'
exits 1 "$image" cat "$cid" --store flatfs:bad
says "byte $((5 * leaf))" 'not found' flatfs:bad
advises
prefix 'cat without a leaf'

cp disk.img copy.img
"$image" import copy.img --store ref:bad.ref --quiet > /dev/null
touch -r copy.img stamp
make harm copy.img leaf
touch -r stamp copy.img
damaged ref:bad.ref "$leaf_cid"

# an inner node, here the root
root=$(find bad -name '*.data' -size -8k)
printf x | dd of="$root" bs=1 seek=20 conv=notrunc status=none
for command in info cat verify; do
  exits 1 "$image" "$command" "$cid" --store flatfs:bad
  says "$cid"
  advises
done

# cut short, at any place
size=$(stat -c %s good/disk.car)
for length in 0 1 10 11 30 50 51 60 100 110 111 1000 70000 $((size / 2)) $((size - 30000)) $((size - 1000)) $((size - 100)) \
  $((size - 1)); do
  head -c "$length" good/disk.car > cut.car
  exits 1 "$image" cat "$cid" --store car:cut.car
  says car:cut.car
  advises
  prefix "cut to $length of $size bytes"
done
size=$(stat -c %s good/disk.ref)
for length in 0 1 60 100 $((size / 2)) $((size - 1)); do
  head -c "$length" good/disk.ref > cut.ref
  exits 1 "$image" cat "$cid" --store ref:cut.ref
  says ref:cut.ref
  advises
  prefix "cut to $length of $size bytes"
done

# well-made ones first: what follows must fail for its own fault
for kind in good good-v2; do
  made=$(make "$kind" made.car)
  exits 0 "$image" cat "$made" --store car:made.car
  same "$kind: size" 2000 "$(wc -c < out)"
  exits 0 "$image" verify --store car:made.car
done

# lengths that lie, blocksizes that disagree, graphs without an end
for kind in $(make kinds); do
  case $kind in good*) continue ;; esac
  made=$(make "$kind" made.car)
  for command in cat verify; do
    exits 1 "$image" "$command" "$made" --store car:made.car
    says car:made.car
    advises
  done
  exits 1 "$image" cat "$made" --store car:made.car
  # "aaa...bbb..." as far as it goes
  same "$kind: no wrong byte" '' "$(head -c 1000 out | tr -d a; tail -c +1001 out | tr -d b)"
done

finish
