# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside this folder: a Debian kernel in QEMU, without acceleration, so that a test has the
# drivers, devices and root's rights that this machine may lack. A script of it:
#
#   . "$(dirname "$0")/common/guest.sh"
#   guest_setup
#   guest_program "$(command -v gpioinfo)" gpioset gpioget
#   guest_module gpio-sim
#   guest_module i2c-stub chip_addr=0x50
#   guest_run 60 "$work/script" -device vhost-user-gpio-pci,chardev=c ... > "$work/said" || fail "the guest"
#
#   guest_setup                    fetches the kernel that linux-image-amd64 stands for and builds the drivers that Debian
#                                  leaves out (gpio-sim, gpio-virtio, irq_sim) from Debian's sources for it, once, into
#                                  build/tools/guest; ends with "skipped" (77) when a tool or the network is missing.
#                                  $guest_kernel is its bzImage, $guest_modules its lib/modules
#   guest_compile OUT SOURCE ARG.. makes a static program of C++ sources, optimised, with this library
#   guest_build OUT.ko SOURCE.c    makes a module for the guest's kernel; its headers are fetched once
#   guest_program PROGRAM...       puts programs of this machine, and the shared libraries that they need, into the
#                                  guest's /bin. All of busybox is there already
#   guest_file FILE PATH           puts a file there
#   guest_module NAME [P=V...]     a module to load at start, with those that it needs, in the order of these calls; files
#                                  that must not be loaded at start: `guest_file "$(guest_find NAME)" /NAME.ko`
#   guest_run SECONDS SCRIPT [QEMU_ARG...]
#                                  boots (6 s), runs the shell script SCRIPT in the guest, gives what it prints to standard
#                                  output when it has ended, and its exit status. When the guest does not get that
#                                  far in SECONDS: 124, and the end of its console on standard error.
#                                  $guest_memory (256) is its memory in MiB, as memory backend "memory" that other
#                                  processes may share; $guest_words are more words for its kernel
#   guest_obey SCRIPT LINE...      writes a SCRIPT for guest_run that runs the LINEs and says "== ready"; then it does each line
#                                  of shell that it reads from ttyS2, the third -serial, and says "== STATUS" when it is done
#   $work                          a folder that goes when the script ends; on_end COMMAND.. is run before
# In the guest /proc, /sys, /dev, /tmp and configfs (if a module needs it) are mounted; kernel messages go elsewhere.
set -eu

guest_root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
guest_tools=$guest_root/build/tools/guest
guest_memory=256
guest_words=
work=$(mktemp -d)
on_end=:
trap '$on_end; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }
need() {
  for tool in "$@"; do
    command -v "$tool" > /dev/null || skip "$tool is not here"
  done
}

guest_setup() {
  PATH=$PATH:/usr/sbin:/sbin
  need qemu-system-x86_64 cpio gzip depmod modprobe flock make gcc apt-get dpkg-deb
  [ -x /bin/busybox ] || skip "/bin/busybox is not here"
  mkdir -p "$guest_tools"
  exec 9> "$guest_tools/lock"
  flock 9
  [ -f "$guest_tools/made" ] || guest_make > "$guest_tools/log" 2>&1 < /dev/null 9>&- ||
    skip "no kernel for a guest: $(tail -n 1 "$guest_tools/log")"
  exec 9>&-
  guest_kernel=$(echo "$guest_tools"/boot/vmlinuz-*)
  guest_version=${guest_kernel##*/vmlinuz-}
  guest_modules=$guest_tools/lib/modules/$guest_version
  mkdir -p "$work/guest/bin" "$work/guest/lib/modules"
  : > "$work/guest/lib/modules/order"
}

# In a shell of its own, so that a step that fails is the end of it whoever asks.
guest_make() { sh -euxc "$guest_recipe" sh "$guest_tools"; }
# shellcheck disable=SC2016 # for the shell that runs it
guest_recipe='
cd "$1"
rm -rf boot lib usr build packages
mkdir packages build
image=$(apt-cache depends linux-image-amd64 | awk "/Depends: linux-image-/ { print \$2; exit }")
version=${image#linux-image-}
flavour=${version##*-}
series=$(echo "$version" | cut -d . -f 1,2)
(cd packages
  apt-get -q -o APT::Sandbox::User=root download "$image" "linux-headers-$version" \
    "linux-headers-${version%-"$flavour"}-common" "linux-kbuild-$series" "linux-source-$series")
for package in packages/linux-image-*.deb; do dpkg-deb -x "$package" .; done
for package in packages/linux-headers-*.deb packages/linux-kbuild-*.deb; do dpkg-deb -x "$package" build; done
dpkg-deb --fsys-tarfile packages/linux-source-*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
  tar -xJ -C build --strip-components 1 --wildcards "*/drivers/gpio/gpio-sim.c" "*/drivers/gpio/gpio-virtio.c" \
    "*/drivers/gpio/gpiolib.h" "*/kernel/irq/irq_sim.c"
rm -r packages

# Debian builds all of them out, and irq_sim was not made to be a module
mkdir build/modules
cp build/drivers/gpio/* build/kernel/irq/irq_sim.c build/modules
sed -i -e "s/irq_to_desc(\([a-z]*\))/irq_data_to_desc(irq_get_irq_data(\1))/" \
  -e "1,/#include/s/#include/#include <linux\/module.h>\n#include/" build/modules/irq_sim.c
echo "MODULE_LICENSE(\"GPL\");" >> build/modules/irq_sim.c
echo "obj-m += irq_sim.o gpio-sim.o gpio-virtio.o" > build/modules/Makefile
headers=$PWD/build/usr/src/linux-headers-$version
sed -i "s#/usr/src/#$PWD/build/usr/src/#" "$headers/Makefile"
make -C "$headers" M="$PWD/build/modules" modules
mkdir "lib/modules/$version/extra"
cp build/modules/*.ko "lib/modules/$version/extra"
depmod -b . "$version"
rm -r build usr
touch made'

# shellcheck disable=SC2016 # for the shell that runs it
guest_headers_recipe='
cd "$1"
version=$2
rm -rf headers packages
mkdir packages headers
(cd packages
  apt-get -q -o APT::Sandbox::User=root download "linux-headers-$version" "linux-headers-${version%-*}-common" \
    "linux-kbuild-$(echo "$version" | cut -d . -f 1,2)")
for package in packages/*.deb; do dpkg-deb -x "$package" headers; done
rm -r packages
sed -i "s#/usr/src/#$PWD/headers/usr/src/#" "headers/usr/src/linux-headers-$version/Makefile"
touch "headers/made-$version"'

guest_build() {
  exec 9> "$guest_tools/lock"
  flock 9
  [ -f "$guest_tools/headers/made-$guest_version" ] ||
    sh -euxc "$guest_headers_recipe" sh "$guest_tools" "$guest_version" > "$guest_tools/log" 2>&1 < /dev/null 9>&- ||
    skip "no headers of the guest's kernel $guest_version: $(tail -n 1 "$guest_tools/log")"
  exec 9>&-
  module=$(basename "$2" .c)
  mkdir "$work/$module"
  cp "$2" "$work/$module"
  echo "obj-m += $module.o" > "$work/$module/Makefile"
  make -C "$guest_tools/headers/usr/src/linux-headers-$guest_version" M="$work/$module" modules > "$work/made" 2>&1 || {
    cat "$work/made" >&2
    fail "a module for the guest cannot be built"
  }
  cp "$work/$module/$module.ko" "$1"
}

guest_compile() {
  output=$1
  shift
  compiler=${CXX:-g++}
  if command -v ccache > /dev/null; then compiler="ccache $compiler"; fi
  # shellcheck disable=SC2086 # a program and its first argument
  $compiler -std=c++20 -O2 -static -Wall -Wextra -Werror -DASIO_STANDALONE -DDOCTEST_CONFIG_USE_STD_HEADERS \
    -I"$guest_root/include" "$@" -o "$output" -pthread
}

guest_program() {
  for program in "$@"; do
    path=$(command -v "$program") || skip "$program is not here"
    cp -L "$path" "$work/guest/bin/"
    # nothing for a static one
    { ldd "$path" 2> /dev/null || :; } | grep -o '/[^ ]*' | while read -r library; do
      guest_file "$library" "$library"
    done
  done
}

guest_file() {
  mkdir -p "$work/guest$(dirname "$2")"
  cp -L "$1" "$work/guest$2"
}

guest_find() {
  found=$(find "$guest_modules" -name "$1.ko*")
  [ -n "$found" ] || fail "the guest's kernel has no module $1"
  echo "$found"
}

guest_module() {
  modprobe -d "$guest_tools" -S "$guest_version" --show-depends "$1" > "$work/needed" ||
    fail "the guest's kernel has no module $1"
  while read -r insmod file _; do
    name=${file##*/}
    if [ "$insmod" != insmod ] || [ -f "$work/guest/lib/modules/$name" ]; then continue; fi
    cp "$file" "$work/guest/lib/modules/"
    if [ "${name%.ko*}" = "$1" ]; then
      shift
      name="$name $*"
    fi
    echo "$name" >> "$work/guest/lib/modules/order"
  done < "$work/needed"
}

guest_obey() {
  script=$1
  shift
  {
    printf '%s\n' "$@"
    cat <<'GUEST'
stty -F /dev/ttyS2 raw -echo
exec 3< /dev/ttyS2
echo '== ready'
while read -r order <&3; do
  eval "$order"
  echo "== $?"
done
GUEST
  } > "$script"
}

guest_run() {
  seconds=$1
  cp "$2" "$work/guest/script"
  shift 2
  for folder in dev proc sys tmp root etc; do mkdir -p "$work/guest/$folder"; done
  cp /bin/busybox "$work/guest/bin/"
  for applet in $(/bin/busybox --list); do
    [ -e "$work/guest/bin/$applet" ] || ln -s busybox "$work/guest/bin/$applet"
  done
  cat > "$work/guest/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
stty -F /dev/ttyS1 raw
while read -r module; do
  # shellcheck disable=SC2086 # a file and its parameters
  insmod /lib/modules/$module || echo "cannot load $module" > /dev/ttyS1
done < /lib/modules/order
[ ! -d /sys/kernel/config ] || mount -t configfs configfs /sys/kernel/config
sh /script < /dev/null > /dev/ttyS1 2>&1
echo "guest ended with $?" > /dev/ttyS1
echo o > /proc/sysrq-trigger
sleep 60
INIT
  chmod +x "$work/guest/init"
  (cd "$work/guest" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"
  : > "$work/guest.out"
  # no_timer_check: a host that is busy gives the guest's timer no time, and its kernel gives up
  timeout "$seconds" qemu-system-x86_64 -accel tcg -cpu max -machine q35,memory-backend=memory -m "$guest_memory" \
    -object "memory-backend-memfd,id=memory,size=${guest_memory}M,share=on" -nodefaults -nographic -no-reboot \
    -serial "file:$work/guest.console" -serial "file:$work/guest.out" -kernel "$guest_kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1 no_timer_check $guest_words" "$@" < /dev/null > "$work/guest.qemu" 2>&1 || :
  sed '/^guest ended with [0-9]*$/d' "$work/guest.out"
  if grep -aqE 'BUG:|Oops|Call Trace' "$work/guest.console"; then
    echo "the guest's kernel is not well:" >&2
    grep -aE -A 30 'BUG:|Oops|Call Trace' "$work/guest.console" | head -n 60 >&2
  fi
  guest_status=$(sed -n 's/^guest ended with \([0-9]*\)$/\1/p' "$work/guest.out")
  if [ -z "$guest_status" ]; then
    echo "the guest did not end its script in $seconds s; QEMU and its console said at last:" >&2
    tail -n 20 "$work/guest.qemu" "$work/guest.console" >&2
    return 124
  fi
  return "$guest_status"
}
