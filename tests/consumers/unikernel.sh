#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# unikernel.sh SOURCE PREFIX WORK: builds what docs/unikernel.md shows, as it says, from what is installed in PREFIX:
# by CMake with both languages and with each alone, and by hand. Each is a unikernel then.
set -eu
source=$1
prefix=$2
work=$3
case $(uname -m) in
  x86_64 | aarch64) ;;
  *) echo "SKIP: hvt is for x86-64 and aarch64"; exit 77 ;;
esac
command -v gcc > /dev/null || { echo "SKIP: gcc is not here"; exit 77; }

rm -rf "$work"
mkdir -p "$work/c" "$work/cxx"
cd "$work"
# shown WHAT: the block that is marked so
shown() {
  awk -v what="$1" '/^```/ { inside = !inside && substr($0, index($0, " ") + 1) == what; next } inside' "$source/docs/unikernel.md"
}
for file in hello.c blink.cpp CMakeLists.txt; do
  # shellcheck disable=SC2094 # a name for the one, a file for the other
  shown $file > $file
  [ -s $file ] || { echo "docs/unikernel.md shows no $file"; exit 1; }
done
cp hello.c c/
cp blink.cpp cxx/
sed '/blink/d; s/ C CXX/ C/' CMakeLists.txt > c/CMakeLists.txt
sed '/hello/d; s/ C CXX/ CXX/' CMakeLists.txt > cxx/CMakeLists.txt
CMAKE_PREFIX_PATH=$prefix
export CMAKE_PREFIX_PATH
for folder in . c cxx; do
  (cd $folder && eval "$(shown build)")
done
export include="$prefix/include"
eval "$(shown 'by hand')"
for guest in build/hello build/blink c/build/hello cxx/build/blink hello; do
  notes=$(readelf -SW "$guest" | grep -c ' \.note\.solo5\.[a-z]* *NOTE' || :)
  [ "$notes" -eq 2 ] || { echo "$guest has $notes notes of the 2 that make it a unikernel"; exit 1; }
done
