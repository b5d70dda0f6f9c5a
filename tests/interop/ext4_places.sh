# SPDX-License-Identifier: BSL-1.0
#
# ext4_places.sh BIN_DIR: where files are according to shoal-image, and according to debugfs, on file systems that mke2fs
# makes in all the ways that matter; and that nothing but the file changes when its bytes do.
set -eu
bin=$(CDPATH='' cd -- "${1:?usage: sh ext4_places.sh BIN_DIR}" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for tool in mke2fs debugfs e2fsck python3; do
  command -v "$tool" > /dev/null || { echo "SKIP: $tool (of e2fsprogs, python3) is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p tree/etc/many tree/usr
printf 'root:*:1:0:99999:7:::\n' > tree/etc/shadow
python3 - << 'END'
import os
with open('tree/usr/large', 'wb') as out: out.write(os.urandom(3000000))
with open('tree/usr/holes', 'wb') as out:
    for i in range(0, 400, 2):  # more pieces than an inode holds
        out.seek(i * 65536)
        out.write(os.urandom(1000))
for i in range(1500): open(f'tree/etc/many/{"x" * 40}{i}', 'w').close()
END
ln -s shadow tree/etc/link

# the blocks of a file, by debugfs: data, and what maps them
blocks_of() {
  debugfs -R "stat $2" "$1" 2> /dev/null | python3 -c '
import re, sys
text = sys.stdin.read()
found = set()
listed = re.search(r"(?:BLOCKS|EXTENTS):\n(.*?)(?:\nTOTAL|\Z)", text, re.S)
for first, last in re.findall(r":(\d+)(?:-(\d+))?", listed.group(1) if listed else ""):
    found.update(range(int(first), int(last or first) + 1))
print(*sorted(found))'
}
# the same by shoal-image
places_of() {
  "$bin/shoal-image" locate "$1" "$2" | python3 -c '
import sys
size = int(sys.argv[1])
found = set()
for line in sys.stdin:
    what, place = line.split()
    first, last = map(int, place.removeprefix("disk:").split("-"))
    if what == "contents":
        assert first % size == 0 and (last + 1) % size == 0, line
        found.update(range(first // size, (last + 1) // size))
print(*sorted(found))' "$3"
}

compared=0
failed=0
try() {
  size=$1
  shift
  rm -f fs.img
  if ! mke2fs -q -F -b "$size" -d tree "$@" fs.img 64M > mke2fs.out 2>&1; then
    echo "left out: mke2fs cannot make it: $*"
    return
  fi
  for path in /etc/shadow /usr/large /usr/holes /etc/many /etc "/etc/many/$(printf 'x%.0s' $(seq 40))1499"; do
    expected=$(blocks_of fs.img "$path")
    found=$(places_of fs.img "$path" "$size")
    compared=$((compared + 1))
    [ "$expected" = "$found" ] && continue
    failed=$((failed + 1))
    echo "FAIL: $path with -b $size $*"
    echo "  debugfs:     $(echo "$expected" | cut -c1-200)"
    echo "  shoal-image: $(echo "$found" | cut -c1-200)"
  done
}

for size in 1024 2048 4096; do
  try "$size" -t ext4
  try "$size" -t ext4 -O ^64bit
  try "$size" -t ext4 -O meta_bg,^resize_inode
  try "$size" -t ext4 -O ^flex_bg -g 8192
  try "$size" -t ext4 -O ^extent,^64bit
  try "$size" -t ext4 -O inline_data -I 512
  try "$size" -t ext4 -O ^metadata_csum -I 128
  try "$size" -t ext4 -O sparse_super2,^resize_inode
  try "$size" -t ext3
  try "$size" -t ext2
  try "$size" -t ext2 -r 0
done
try 65536 -t ext4 -N 4096
try 4096 -t ext4

echo "$compared files compared, $failed differ"
[ "$failed" = 0 ]

# refusals say why
code=0
"$bin/shoal-image" locate fs.img /etc/link > out 2> err || code=$?
[ "$code" = 2 ] && grep -q 'symbolic link' err
code=0
"$bin/shoal-image" locate fs.img /etc/nobody > out 2> err || code=$?
[ "$code" = 2 ] && grep -q 'no such file' err

# records: what an inode and a name become when the file is replaced, moved, or given another mode
change() {
  rm -f fs.img
  mke2fs -q -F -b 4096 -t ext4 -O ^metadata_csum -d tree fs.img 64M
  "$bin/shoal-image" locate fs.img /etc/shadow > places
  cp fs.img changed.img
  debugfs -w -f "$1" changed.img > /dev/null 2>&1
  python3 - fs.img changed.img "$2" << 'END'
import sys
before, after = (open(name, 'rb').read() for name in sys.argv[1:3])
touched = False
for line in open('places'):
    first, last = map(int, line.split()[1].removeprefix('disk:').split('-'))
    touched = touched or before[first:last + 1] != after[first:last + 1]
assert before != after, 'debugfs changed nothing'
assert touched == (sys.argv[3] == 'touched'), f'{sys.argv[3]} expected'
END
}
echo 'set_inode_field /etc/shadow mode 0100777' > commands
change commands touched
echo 'set_inode_field /etc/shadow size 5' > commands
change commands touched
echo 'rm /etc/shadow' > commands
change commands touched
printf 'unlink /etc/shadow\nln /usr/large /etc/shadow\n' > commands
change commands touched
echo 'set_inode_field /etc/shadow atime 20300101' > commands
change commands untouched
echo 'set_inode_field /usr/large mode 0100777' > commands
change commands untouched
echo 'rm /usr/holes' > commands
change commands untouched
echo 'changes are seen where they are'
