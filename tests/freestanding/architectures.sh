# SPDX-License-Identifier: BSL-1.0
#
# architectures.sh SOURCE_DIR INCLUDE_DIR: the freestanding headers (everything.hpp in INCLUDE_DIR) compile for armhf,
# aarch64, riscv64 and x86-64, and the program here links there with libgcc alone: a symbol of another library is an
# undefined one. Exit 77 when there is no compiler for any of the four.
set -eu

root=${1:?usage: $0 SOURCE_DIR INCLUDE_DIR}
include=${2:?usage: $0 SOURCE_DIR INCLUDE_DIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tried=
missing=
for architecture in armhf:arm-linux-gnueabihf- aarch64:aarch64-linux-gnu- riscv64:riscv64-linux-gnu- \
  x86-64:x86_64-linux-gnu-; do
  prefix=${architecture#*:}
  architecture=${architecture%%:*}
  command -v "${prefix}g++" > /dev/null || { missing="$missing $architecture"; continue; }
  for source in "$root"/tests/freestanding/main.cpp "$root"/tests/freestanding/hal.cpp \
    "$root"/tests/freestanding/start.cpp "$root"/include/shoal/hypercall/guest/memory.c; do
    object=${source##*/}
    "${prefix}g++" -std=c++20 -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector \
      -Wall -Wextra -Werror -I"$root/include" -I"$include" -c "$source" \
      -o "$work/${object%.*}.o"
  done
  "${prefix}g++" -nostdlib -static -Wl,-e,enter "$work/main.o" "$work/hal.o" "$work/start.o" "$work/memory.o" \
    -lgcc -o "$work/program"
  [ -z "$("${prefix}nm" -u "$work/program" | grep -v ' w ' || :)" ]
  echo "$architecture: links with libgcc alone; what it calls outside of itself:" \
    "$("${prefix}nm" -u "$work/main.o" "$work/hal.o" | awk '$1 == "U" && $2 !~ /^_/ { print $2 }' | sort -u | tr '\n' ' ')"
  tried="$tried $architecture"
done
[ -n "$tried" ] || { echo "SKIP: no compiler for$missing"; exit 77; }
[ -z "$missing" ] || echo "not tried:$missing"
