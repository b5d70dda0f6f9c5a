# SPDX-License-Identifier: BSL-1.0
#
# as_by_hand.sh SOURCE_DIR: for armhf, aarch64, riscv64 and x86-64, the code of a GPIO access through the library's types
# is that of one written by hand (gpio_write.cpp): the same instructions where the line is known, and about as many where
# it is not. Exit 77 when there is no compiler for any of the four.
set -eu

root=${1:?usage: $0 SOURCE_DIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

# The instructions of a function: without addresses, names of its own and what fills the room behind it.
instructions() {
  awk -v name="<$1>:" '
    $2 == name { inside = 1; next }
    /^[0-9a-f]+ <\.?[A-Z]/ { next }  # a label inside of a function
    /^[0-9a-f]+ </ { inside = 0 }
    inside && /^ *[0-9a-f]+:/ {
      sub(/^ *[0-9a-f]+:[ \t]*/, ""); sub(/[ \t]+(@|\/\/|#) .*$/, ""); gsub(/[0-9a-f]+ <[^>]*>/, "LABEL"); print
    }' "$2" | grep -v -E '^(data16|cs |nop|xchg +%ax,%ax)' || :
}

tried=
missing=
for architecture in armhf:arm-linux-gnueabihf- aarch64:aarch64-linux-gnu- riscv64:riscv64-linux-gnu- \
  x86-64:x86_64-linux-gnu-; do
  prefix=${architecture#*:}
  architecture=${architecture%%:*}
  command -v "${prefix}g++" > /dev/null || { missing="$missing $architecture"; continue; }
  "${prefix}g++" -std=c++20 -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-ipa-icf \
    -Wall -Wextra -I"$root/include" -c "$root/tests/freestanding/gpio_write.cpp" -o "$work/code.o"
  "${prefix}objdump" -d --no-show-raw-insn "$work/code.o" > "$work/code"
  for access in set clear level write; do
    for by in library hand; do
      instructions "${access}_by_$by" "$work/code" > "$work/$by"
      [ -s "$work/$by" ] || fail "$architecture: no code for ${access}_by_$by"
    done
    library=$(wc -l < "$work/library")
    hand=$(wc -l < "$work/hand")
    if [ $access = write ]; then
      echo "$architecture: write to any line, checked: $library instructions, by hand $hand"
      # the same work; a compiler may turn a branch around, or merge its ends
      [ "$library" -le "$((hand + hand / 4))" ] || fail "$architecture: more than by hand"
    else
      diff "$work/hand" "$work/library" || fail "$architecture: $access is not what one would write by hand"
      echo "$architecture: $access: the same $library instructions as by hand"
    fi
  done
  # the comparison sees which register it is
  instructions set_by_library "$work/code" > "$work/set"
  instructions clear_by_library "$work/code" > "$work/clear"
  ! cmp -s "$work/set" "$work/clear" || fail "$architecture: set and clear are the same code"
  tried="$tried $architecture"
done
[ -n "$tried" ] || { echo "SKIP: no compiler for$missing"; exit 77; }
[ -z "$missing" ] || echo "not tried:$missing"
