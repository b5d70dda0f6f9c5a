# SPDX-License-Identifier: BSL-1.0
#
# interrupted.sh BIN_DIR: imports and exports that end too early, for a signal or a full disk: nothing half-written stays
# where a reader could take it for whole, and what was there before is still there.
. "$(dirname "$0")/lib/check.sh"
need openssl python3

noise 200000 > small.img
noise 8000000 > large.img
# a byte in each page of a file that is a hole otherwise: much to cut and hash, little to store
python3 -c '
with open("slow.img", "wb") as file:
    for at in range(0, 1 << 30, 1 << 16):
        file.seek(at)
        file.write(b"x")
    file.truncate(1 << 30)'

# remains FOLDER: nothing but the old image is in there, and blocks that are whole
remains() {
  same "what is left in $1" '' "$(find "$1" -type f ! -name disk.car ! -name disk.ref ! -path '*/blocks/*')"
  check 'what is left in a flatfs' python3 - "$1/blocks" << 'END'
import base64, hashlib, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.is_dir() or path.name in ("SHARDING", "_README"):
        continue
    name, kind = path.name.split(".")
    assert kind == "data", path
    hash = base64.b32decode(name + "=" * (-len(name) % 8))
    assert hash[-32:] == hashlib.sha256(path.read_bytes()).digest(), path
END
  for store in car:$1/disk.car ref:$1/disk.ref flatfs:$1/blocks; do
    exits 0 "$image" cat "$old_cid" --store "$store"
    check "the old image in $store" cmp small.img out
  done
}

# old_image FOLDER: an image is there in each kind of store
old_image() {
  for store in car:$1/disk.car ref:$1/disk.ref flatfs:$1/blocks; do
    old_cid=$("$image" import small.img --store "$store" --quiet) || bad "cannot import into $store"
  done
}

# Ctrl-C, and SIGTERM, while an import or an export is writing
mkdir old
old_image old
# interrupt SIGNAL FILE COMMAND...: sends it when FILE is there
interrupt() {
  signal=$1
  written=$2
  shift 2
  "$@" > out 2> err &
  program=$!
  while [ ! -e "$written" ] && kill -0 "$program" 2> /dev/null; do sleep 0.01; done
  kill -s "$signal" "$program"
  found=0
  wait "$program" || found=$?
  [ "$found" != 0 ] || skip 'an import of 1 GiB is over before it can be interrupted'
  same "exit code after SIG$signal" 130 "$found"
  says interrupted
  decent "$*"
  same 'standard output' '' "$(cat out)"
}
for signal in INT TERM; do
  interrupt "$signal" old/disk.car.partial "$image" import slow.img --store car:old/disk.car --chunker rabin
  interrupt "$signal" old/disk.ref.partial "$image" import slow.img --store ref:old/disk.ref --chunker rabin
  interrupt "$signal" "old/blocks/$signal/SHARDING" "$image" import slow.img --store "flatfs:old/blocks/$signal" --chunker rabin
  remains old
done
"$image" import slow.img --store ref:slow.ref --quiet > /dev/null
cp small.img exported
interrupt INT exported.part "$image" export --store ref:slow.ref --output exported
check 'the file that was to be replaced' cmp small.img exported
check 'no half export' [ ! -e exported.part ]

# a program that is killed outright leaves a file that nobody takes for a store, and that the next import overwrites
"$image" import slow.img --store car:old/disk.car --chunker rabin > /dev/null 2>&1 &
program=$!
while [ ! -e old/disk.car.partial ] && kill -0 "$program" 2> /dev/null; do sleep 0.01; done
exits 1 "$image" import small.img --store car:old/disk.car
says busy car:old/disk.car
advises
kill -s KILL "$program"
wait "$program" 2> /dev/null
exits 1 "$image" verify --store car:old/disk.car.partial
exits 0 "$image" import small.img --store car:old/disk.car --quiet
remains old

# full FOLDER: imports and exports into it fail, and leave what was there
full() {
  exits 1 "$image" import large.img --store "car:$1/disk.car"
  says "car:$1/disk.car" 'free some space'
  exits 1 "$image" import large.img --store "ref:$1/disk.ref" --chunker size-100
  says "ref:$1/disk.ref"
  exits 1 "$image" export "$large_cid" --store car:large.car -o "$1/out.img"
  says "$1/out.img"
  remains "$1"
}
large_cid=$("$image" import large.img --store car:large.car --quiet)

# a disk that fills up
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=3m tmpfs small 2> /dev/null; then
  mounted=$work/small
  old_image small
  full small
  exits 1 "$image" import large.img --store flatfs:small/blocks
  says 'No space left' 'free some space' flatfs:small/blocks
  remains small
else
  echo 'left out: a full disk, for there is no way to mount a small one'
fi

# a file that must not grow: the same, in a process that may not write so much
mkdir limited
old_image limited
trap '' XFSZ
if (
  ulimit -f 2000
  failures=0
  full limited
  [ "$failures" = 0 ]
); then ok; else bad 'with a limit on the size of files'; fi

finish
