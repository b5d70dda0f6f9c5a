# SPDX-License-Identifier: BSL-1.0
#
# mistakes_ids.sh BIN_DIR: what people get wrong with shoal-ids. Each message says what, to what, and what to do next. Guests
# with kernels are tests/interop/ids_guest.sh.
. "$(dirname "$0")/lib/check.sh"
ids=$bin/shoal-ids
[ -x "$ids" ] || skip "$ids has not been built"

mistake 2 subcommand "$ids"
mistake 2 GUEST "$ids" banner
mistake 2 --no-such-option "$ids" banner file --no-such-option
mistake 2 --machine "$ids" banner file --machine toaster
mistake 2 --cbor "$ids" plist file --json --cbor
mistake 2 --output "$ids" baseline file
mistake 2 PID "$ids" files file
mistake 2 PID "$ids" sockets file init
mistake 2 --every "$ids" watch file --every 5x
mistake 2 --every "$ids" watch file --every 0s
mistake 2 --machine "$ids" banner file --machine 0x600
for count in 0 -1 1.5 99999999999999999999; do mistake 2 --count "$ids" watch file --count "$count"; done

mistake 1 missing.ram "$ids" banner missing.ram
mistake 1 missing.qmp "$ids" banner qmp:missing.qmp
mistake 1 "$work" "$ids" banner "$work"
: > empty
mistake 1 'empty is empty' "$ids" banner empty
printf x > one
mistake 1 'has 1 byte, which is too short for RAM' "$ids" banner one
truncate -s 16M nothing.ram
mistake 1 nothing.ram "$ids" banner nothing.ram
says 'have been cut'
mistake 1 nothing.ram "$ids" banner nothing.ram --machine 0x60000000
head -c 1048576 /dev/urandom > noise.ram
mistake 1 noise.ram "$ids" plist noise.ram
printf '\177ELF\002\001\001' > cut.core
mistake 1 cut.core "$ids" banner cut.core
says 'was cut'
printf 'EMiL\001\000\000\000' > cut.lime
mistake 1 cut.lime "$ids" banner cut.lime
says 'was cut'
# a piece of 256 MiB that ends after 1 MiB, without a kernel in it
{ printf 'EMiL\001\000\000\000'; printf '\000\000\000\000\000\000\000\000\377\377\377\017\000\000\000\000'; head -c 1048576 /dev/zero; } > short.lime
mistake 1 short.lime "$ids" banner short.lime
says 'was cut'
for magic in 'KDUMP   ' makedumpfile; do
  printf '%s' "$magic" > compressed
  mistake 1 'compressed dump' "$ids" banner compressed
  says '--format=elf' 'makedumpfile -E'
done
mistake 1 'is no QEMU' "$ids" banner $$
says "process $$"
mistake 1 4194399 "$ids" banner pid:4194399
truncate -s 16M 4194399
mistake 1 ./4194399 "$ids" banner 4194399
mistake 1 'no kernel' "$ids" banner ./4194399
echo text > text.profile
mistake 1 text.profile "$ids" banner nothing.ram --profile text.profile

# files of a kernel's build, which are read before there is a guest
echo 'ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package' > stub.map
mistake 1 stub.map "$ids" banner nothing.ram --system-map stub.map
says '-dbg'
printf 'ffffffff81000000 T _text\nffffffff81000040 t helper\n' > functions.map
mistake 1 functions.map "$ids" banner nothing.ram --system-map functions.map
says /proc/kallsyms
mistake 1 text.profile "$ids" banner nothing.ram --system-map text.profile
mistake 1 missing.map "$ids" banner nothing.ram --system-map missing.map
mistake 1 "$ids" "$ids" banner nothing.ram --system-map "$ids"
says --vmlinux
{ head -c 514 /dev/zero; printf 'HdrS and so on'; } > bzImage
mistake 1 bzImage "$ids" banner nothing.ram --vmlinux bzImage
says 'as it is booted' -dbg
mistake 1 "$ids" "$ids" banner nothing.ram --vmlinux "$ids"
says 'no symbols of a kernel'
mistake 1 text.profile "$ids" banner nothing.ram --vmlinux text.profile
mistake 1 missing "$ids" banner nothing.ram --vmlinux missing
mistake 2 --vmlinux "$ids" banner nothing.ram --vmlinux a --system-map b
printf 'ffffffff81000000 T _text\nffffffff82000000 D linux_proc_banner\nffffffff82000100 D linux_banner\n' > good.map
mistake 1 nothing.ram "$ids" banner nothing.ram --system-map good.map

finish
