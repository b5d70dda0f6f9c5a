# SPDX-License-Identifier: BSL-1.0
#
# mistakes_image.sh BIN_DIR: what people get wrong with shoal-image. Each message says what, to what, and what to do next;
# exit code 1 for what failed, 2 for a command line that cannot work.
. "$(dirname "$0")/lib/check.sh"
need openssl

noise 300000 > disk.img
noise 300000 other > other.img
mkdir folder locked
mkfifo fifo
printf 'not a store\n' > text
"$image" import disk.img --store car:disk.car --quiet > cid
"$image" import disk.img --store ref:disk.ref --quiet > /dev/null
"$image" import disk.img --store flatfs:blocks --quiet > /dev/null
cid=$(cat cid)
unknown=bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e

# no command, no such command, arguments missing or too many
mistake 2 'shoal-image --help' "$image"
mistake 2 'shoal-image --help' "$image" improt disk.img
for command in import info verify cat export diff; do
  exits 2 "$image" "$command"
  says "shoal-image $command --help" required
  case $command in
    import) rest=disk.img ;;
    export) rest='--output new.img' ;;
    *) rest= ;;
  esac
  # shellcheck disable=SC2086 # an option and its argument
  mistake 2 excess "$image" "$command" --store car:disk.car $rest excess1 excess2 excess3
  # shellcheck disable=SC2086
  mistake 2 --no-such-option "$image" "$command" --store car:disk.car $rest --no-such-option
done
exits 2 "$image" import --store car:new.car
says FILE
exits 2 "$image" export --store car:disk.car
says '--output'

# what is imported
mistake 1 missing.img "$image" import missing.img --store car:new.car
mistake 1 folder "$image" import folder --store car:new.car
mistake 1 fifo "$image" import fifo --store car:new.car
mistake 1 /dev/null "$image" import /dev/null --store car:new.car
mistake 1 fifo "$image" import disk.img --store car:fifo
check 'a pipe is not replaced by a store' [ -p fifo ]
mistake 1 car:folder "$image" import disk.img --store car:folder
truncate -s 1025G vast.img
mistake 1 'size-1M' "$image" import vast.img --store car:new.car
truncate -s 4T vast.img
mistake 1 '4 TiB' "$image" import vast.img --store ref:new.ref --chunker size-1M
rm vast.img
mistake 1 disk.img/part "$image" import disk.img/part --store car:new.car
mistake 2 buzzhash "$image" import disk.img --store car:new.car --chunker buzzhash
says fastcdc
for chunker in size- size-0 size-x size-64Q size-99999999999999999999 size-8M rabin-1 rabin-1-2 rabin-30-20-10 fastcdc fastcdc-0 \
  fastcdc-1G; do
  mistake 2 "$chunker" "$image" import disk.img --store car:new.car --chunker "$chunker"
done
exits 2 "$image" import disk.img --store car:new.car --profile unixfs-v2
says unixfs-v2 unixfs-v1-2025 disk-image
exits 2 "$image" import disk.img --store car:new.car --threads many
says --threads

# where it goes
mistake 2 disk.car "$image" import disk.img --store disk.car
says car:FILE flatfs:DIR ref:FILE
mistake 2 zip:disk.zip "$image" import disk.img --store zip:disk.zip
mistake 2 car: "$image" import disk.img --store car:
for scheme in car ref flatfs; do
  mistake 2 "$scheme:disk.img" "$image" import disk.img --store "$scheme:disk.img"
  mistake 2 "$scheme:folder/../disk.img" "$image" import disk.img --store "$scheme:folder/../disk.img"
  mistake 1 "$scheme:nowhere/deep/new" "$image" import disk.img --store "$scheme:nowhere/deep/new"
done
mistake 1 car:folder "$image" import disk.img --store car:folder
mistake 1 ref:folder "$image" import disk.img --store ref:folder
mistake 1 flatfs:text "$image" import disk.img --store flatfs:text
printf 'mine' > folder/file
mistake 1 flatfs:folder "$image" import disk.img --store flatfs:folder
same 'a folder of other things is left alone' mine "$(cat folder/file)"
same 'and nothing is added to it' 1 "$(find folder -type f | wc -l)"
# what is being written is called NAME.partial: that must not be the image
cp disk.img mine.partial
mistake 2 car:mine "$image" import mine.partial --store car:mine
check 'an image called NAME.partial survives' cmp disk.img mine.partial
mistake 2 ref:mine "$image" import mine.partial --store ref:mine
check 'an image called NAME.partial survives' cmp disk.img mine.partial
check 'nothing was written' sh -c '! ls new* nowhere 2> /dev/null | grep .'

# what is read from
for command in info verify cat; do
  mistake 1 car:missing.car "$image" "$command" --store car:missing.car
  says 'shoal-image import FILE --store car:missing.car'
  mistake 1 ref:missing.ref "$image" "$command" --store ref:missing.ref
  mistake 1 flatfs:missing "$image" "$command" "$cid" --store flatfs:missing
  mistake 1 car:folder "$image" "$command" --store car:folder
  mistake 1 flatfs:folder "$image" "$command" "$cid" --store flatfs:folder
  mistake 1 flatfs:text "$image" "$command" "$cid" --store flatfs:text
  mistake 1 car:text "$image" "$command" --store car:text
  mistake 1 ref:text "$image" "$command" --store ref:text
  mistake 1 car:fifo "$image" "$command" --store car:fifo
  mistake 1 ref:disk.car "$image" "$command" --store ref:disk.car
  mistake 2 disk.car "$image" "$command" --store disk.car
  mistake 2 flatfs:blocks "$image" "$command" --store flatfs:blocks
  for store in car:disk.car ref:disk.ref flatfs:blocks; do
    mistake 1 "$unknown" "$image" "$command" "$unknown" --store "$store"
    mistake 2 bafynonsense "$image" "$command" bafynonsense --store "$store"
    mistake 2 "${cid%????}" "$image" "$command" "${cid%????}" --store "$store"
  done
  mistake 2 disk.img "$image" "$command" disk.img --store car:disk.car
done
: > empty.car
mistake 1 car:empty.car "$image" info --store car:empty.car
mistake 1 car:nowhere.car "$image" diff --store car:disk.car --store car:nowhere.car
mistake 2 'two stores' "$image" diff --store car:disk.car --store car:disk.car --store car:disk.car

# an image that is not what its reference says any more
cp disk.img moved.img
"$image" import moved.img --store ref:moved.ref --quiet > /dev/null
printf x | dd of=moved.img bs=1 seek=1000 conv=notrunc status=none
mistake 1 ref:moved.ref "$image" verify --store ref:moved.ref
rm moved.img
mistake 1 ref:moved.ref "$image" verify --store ref:moved.ref

# parts of an image
mistake 2 nonsense "$image" cat --store car:disk.car --offset nonsense
mistake 2 "'-1'" "$image" cat --store car:disk.car --offset=-1
mistake 2 300000 "$image" cat --store car:disk.car --offset 300001
mistake 2 300000 "$image" cat --store car:disk.car --offset 299999 --length 2
mistake 2 99999999999999999999 "$image" cat --store car:disk.car --length 99999999999999999999
mistake 2 1.0001K "$image" cat --store car:disk.car --length 1.0001K

# where an export goes
mistake 1 nowhere/out.img "$image" export --store car:disk.car -o nowhere/out.img
mistake 1 folder "$image" export --store car:disk.car -o folder
mistake 1 fifo "$image" export --store car:disk.car -o fifo
mistake 2 disk.car "$image" export --store car:disk.car -o disk.car
check 'the store survives' "$image" verify --store car:disk.car
mistake 2 disk.img "$image" export --store ref:disk.ref -o disk.img
check 'the image that a reference needs survives' "$image" verify --store ref:disk.ref
cp other.img kept.part
mistake 1 kept.part "$image" export --store car:disk.car -o kept
check 'a file called NAME.part survives' cmp other.img kept.part
check 'and there is no export' [ ! -e kept ]

# standard output that cannot be written
if [ -c /dev/full ]; then
  found=0
  "$image" cat --store car:disk.car > /dev/full 2> err || found=$?
  same 'cat to a full disk' 1 "$found"
  says 'standard output'
  found=0
  "$image" info --store car:disk.car > /dev/full 2> err || found=$?
  same 'info to a full disk' 1 "$found"
fi

# no permission: root would have it all the same
chmod 0 locked
cp disk.img secret.img && chmod 0 secret.img
cp disk.car secret.car && chmod 0 secret.car
as_user=
if [ "$(id -u)" = 0 ]; then
  as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
  chmod 755 "$work"
  $as_user "$image" --version > out 2>&1 || as_user=none
fi
if [ "$as_user" = none ]; then
  echo 'left out: permissions, for there is no way to run the programs as somebody else'
else
  # shellcheck disable=SC2086 # a command and its arguments
  {
    mistake 1 secret.img $as_user "$image" import secret.img --store car:/tmp/shoal-never.car
    mistake 1 car:locked/new.car $as_user "$image" import disk.img --store car:locked/new.car
    mistake 1 flatfs:locked/new $as_user "$image" import disk.img --store flatfs:locked/new
    mistake 1 car:secret.car $as_user "$image" info --store car:secret.car
    mistake 1 locked/out.img $as_user "$image" export --store car:disk.car -o locked/out.img
  }
fi
chmod 700 locked

finish
