#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# shoal-ids beside Debian guests of several processors, kernels and formats of page tables: what it reads out of the file
# that is their RAM is what they say themselves: the banner, the processes, the modules, the places of system calls.
#
#   ids_guests.sh BIN_DIR [GUEST...]
#
# SHOAL_IDS_KEEP: a folder for the files with RAM of the guests, to look at later. A guest whose kernel cannot be had is
# left out, with the reason; if that is each of them, the test is skipped. SHOAL_DEBIAN_MIRROR: where kernels come from; by default
# from where apt has Debian. SHOAL_IDS_BUILDS: a folder with vmlinux-VERSION and System.map-VERSION, as packages
# linux-image-VERSION-dbg (of 600 MB and more) have them in usr/lib/debug/boot: guests whose kernels they are are looked at with them.
set -eu

# name, architecture of Debian, release, package, and how QEMU is called
guests() {
  cat << 'GUESTS'
amd64-5-levels amd64 bookworm linux-image-amd64 x86_64 -machine q35,memory-backend=ram -cpu max
amd64-4-levels amd64 bookworm linux-image-amd64 x86_64 -machine q35,memory-backend=ram -cpu max,la57=off
amd64-6.12 amd64 trixie linux-image-amd64 x86_64 -machine q35,memory-backend=ram -cpu max
arm64 arm64 bookworm linux-image-arm64 aarch64 -machine virt,memory-backend=ram -cpu cortex-a57
armmp armhf bookworm linux-image-armmp arm -machine virt,memory-backend=ram -cpu cortex-a15
armmp-lpae armhf bookworm linux-image-armmp-lpae arm -machine virt,memory-backend=ram -cpu cortex-a15
GUESTS
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
bin=${1:?usage: $0 BIN_DIR [GUEST...]}
shift
ids=$bin/shoal-ids
tools=$root/build/tools/guests
keys=/usr/share/keyrings/debian-archive-keyring.gpg
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
ram_folder=$work
[ ! -w /dev/shm ] || ram_folder=/dev/shm
ram=$ram_folder/shoal-ids-$$.ram
running=
emptying=
end() {
  # shellcheck disable=SC2086 # none, or one
  kill $running $emptying 2> /dev/null || :
  rm -rf "$work" "$ram"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() { echo "FAIL: $guest: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }
. "$root/tests/interop/common/inside.sh"
for tool in "$ids" mkfifo apt-get dpkg-deb cpio gzip xz depmod modprobe; do
  command -v "$tool" > /dev/null || skip "$tool is not here"
done
[ -f "$keys" ] || skip "$keys is not here"
# From where this machine has its own packages: kernels for other processors are there, too.
# shellcheck disable=SC2016 # for apt
mirror=${SHOAL_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 == "main" { print $3; exit }')}
[ -n "$mirror" ] || skip 'no source of apt has Debian: name a mirror in SHOAL_DEBIAN_MIRROR, as http://HOST/debian'

# fetch ARCHITECTURE RELEASE PACKAGE: the kernel that the package stands for, and busybox, for `unpack`, which puts them into
# $kernel; once. It asks Debian by a configuration of its own: nothing of this machine's changes.
fetch() {
  kernel=$tools/$2-$3
  [ ! -f "$kernel/made" ] || return 0
  rm -rf "$kernel"
  mkdir -p "$kernel/apt/lists/partial" "$kernel/apt/archives/partial" "$kernel/packages"
  echo "deb [signed-by=$keys] $mirror $2 main" > "$kernel/apt/sources"
  cat > "$kernel/apt/conf" << CONF
APT::Sandbox::User "root";
APT::Architecture "$1";
APT::Architectures { "$1"; };
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "$kernel/apt/sources";
Dir::Etc::sourceparts "-";
Dir::State "$kernel/apt";
Dir::State::status "/dev/null";
Dir::Cache "$kernel/apt";
CONF
  # shellcheck disable=SC2016 # for the shell that runs it
  APT_CONFIG=$kernel/apt/conf sh -euxc '
    cd "$1/packages"
    apt-get -q update
    image=$(apt-cache depends "$2" | awk "/Depends: linux-image-/ { print \$2; exit }")
    apt-get -q download "$image" busybox-static' sh "$kernel" "$3" > "$tools/log" 2>&1 < /dev/null
}
unpack() {
  [ ! -f "$kernel/made" ] || return 0
  for package in "$kernel"/packages/*.deb; do dpkg-deb -x "$package" "$kernel"; done
  # newer releases have all below usr
  mkdir -p "$kernel/bin" "$kernel/lib"
  [ -d "$kernel/lib/modules" ] || mv "$kernel/usr/lib/modules" "$kernel/lib/"
  [ -f "$kernel/bin/busybox" ] || mv "$kernel/usr/bin/busybox" "$kernel/bin/"
  rm -rf "$kernel/packages" "$kernel/apt" "${kernel:?}/usr"
  touch "$kernel/made"
}

# The guest does what it is told: a line of shell on its console, then what that printed and "== STATUS".
make_initrd() {
  version=$(basename "$kernel"/boot/vmlinuz-*)
  version=${version#vmlinuz-}
  rm -rf "$work/root"
  for folder in bin dev proc sys tmp etc modules; do mkdir -p "$work/root/$folder"; done
  cp "$kernel/bin/busybox" "$work/root/bin/"
  echo 'nobody:x:1000:1000::/:/bin/sh' > "$work/root/etc/passwd"
  depmod -b "$kernel" "$version"
  : > "$work/root/modules/order"
  for module in dummy veth tun; do
    modprobe -d "$kernel" -S "$version" --show-depends "$module" > "$work/needed" || fail "its kernel has no module $module"
    while read -r insmod file _; do
      name=$(basename "${file%.xz}")
      if [ "$insmod" != insmod ] || [ -f "$work/root/modules/$name" ]; then continue; fi
      case $file in
        *.xz) xz -dc "$file" > "$work/root/modules/$name" ;;
        *) cp "$file" "$work/root/modules/$name" ;;
      esac
      echo "$name" >> "$work/root/modules/order"
    done < "$work/needed"
  done
  cat > "$work/root/init" << 'INIT'
#!/bin/busybox sh
export PATH=/bin HOME=/root
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
for module in $(cat /modules/order); do insmod "/modules/$module"; done
su nobody -c 'exec sleep 100000' &
sh -c 'sleep 100001; true' &
stty raw -echo
echo
echo '== ready'
while read -r order; do
  eval "$order"
  echo "== $?"
done
INIT
  chmod +x "$work/root/init"
  (cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"
}

# boot QEMU...
boot() {
  rm -f "$work/orders.in" "$work/orders.out" "$ram"
  mkfifo "$work/orders.in" "$work/orders.out"
  : > "$work/said"
  # no_timer_check: a host that is busy gives the guest's timer no time
  timeout 400 "$@" -accel tcg -m 512 -object "memory-backend-file,id=ram,size=512M,mem-path=$ram,share=on" -nodefaults \
    -nographic -no-reboot -serial "pipe:$work/orders" -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
    -append "console=$console loglevel=0 panic=-1 no_timer_check" < /dev/null > "$work/qemu" 2>&1 &
  running=$!
  cat "$work/orders.out" > "$work/said" &
  emptying=$!
  exec 5> "$work/orders.in"
  for _ in $(seq 3000); do
    if grep -q '^== ready' "$work/said"; then return; fi
    kill -0 "$running" 2> /dev/null || break
    sleep 0.1
  done
  fail "it does not start: $(tail -n 5 "$work/qemu" "$work/said")"
}

# ask ORDER: does it in the guest and prints what it said
ask() {
  before=$(wc -l < "$work/said")
  answers=$(grep -c '^== ' "$work/said" || :)
  printf '%s\n' "$1" >&5
  for _ in $(seq 1200); do
    if [ "$(grep -c '^== ' "$work/said")" -gt "$answers" ]; then
      tail -n "+$((before + 1))" "$work/said" > "$work/answer"
      grep -q '^== 0' "$work/answer" || fail "inside '$1' said: $(cat "$work/answer")"
      sed -e 's/\r$//' -e '/^== /d' "$work/answer"
      return
    fi
    kill -0 "$running" 2> /dev/null || fail "it ended: $(tail -n 5 "$work/qemu" "$work/said")"
    sleep 0.1
  done
  fail "it did not answer '$1'"
}

# outside COMMAND: what shoal-ids prints
outside() {
  "$ids" "$1" "$ram" > "$work/out" 2>&1 || fail "$1 ended with $?: $(cat "$work/out")"
  cat "$work/out"
}

list_outside() {
  # a list that changes while it is read is torn: the next try
  "$ids" plist "$ram" > "$work/plist" 2>&1 || { cat "$work/plist"; return 0; }
  process_lines < "$work/plist"
}
compare_processes() {
  same_processes list_outside
  # shellcheck disable=SC2154 # which are there now
  echo "$processes" | grep -q ' 1000 sleep$' || fail 'no process of user 1000'
  grep -q '\[kthreadd\]$' "$work/plist" || fail 'kthreadd is not seen to be of the kernel'
  count=$(echo "$processes" | wc -l)
}

compare_system_calls() {
  outside syscall > "$work/syscalls"
  for call in $1; do
    at=$(ask "grep ' $prefix${call#*:}\$' /proc/kallsyms" | cut -d ' ' -f 1 | sed 's/^0*//')
    # a function may have several names, "sys_read" and "__se_sys_read"
    same "system call $call" "0x$at" \
      "$(awk -v n="${call%:*}" -v name="$prefix${call#*:}" '$1 == n && index($3, name) { print $2 }' "$work/syscalls")"
  done
  [ "$(wc -l < "$work/syscalls")" -gt 400 ] || fail 'system calls are missing'
}

# With files of the kernel's build it can be looked for hidden tasks, whatever symbols the kernel has; files of others are refused.
compare_builds() {
  builds='no files of its build'
  [ -n "${SHOAL_IDS_BUILDS:-}" ] || return 0
  for file in "$SHOAL_IDS_BUILDS"/vmlinux-* "$SHOAL_IDS_BUILDS"/System.map-*; do
    case $file in
      */vmlinux-*) option=--vmlinux ;;
      *) option=--system-map ;;
    esac
    code=0
    "$ids" check "$ram" "$option" "$file" > "$work/out" 2>&1 || code=$?
    case $file in
      *-"$version") builds='files of its build' ;;
      *'*') continue ;;
      *)
        same "exit code for another kernel's file" 1 "$code"
        grep -q 'is of another kernel' "$work/out" || fail "$file of another kernel: $(cat "$work/out")"
        continue
        ;;
    esac
    ! grep -q 'hidden tasks' "$work/out" || fail "$file: $(cat "$work/out")"
    "$ids" plist "$ram" "$option" "$file" | process_lines | grep -q ' 1000 sleep$' || fail "$file: no process of user 1000"
  done
}

look() {
  case $architecture in
    amd64) console=ttyS0 prefix=__x64_ calls='0:sys_read 1:sys_write 39:sys_getpid 57:sys_fork' ;;
    arm64) console=ttyAMA0 prefix=__arm64_ calls='63:sys_read 64:sys_write 172:sys_getpid 220:sys_clone' ;;
    armhf) console=ttyAMA0 prefix='' calls='3:sys_read 4:sys_write 20:sys_getpid 2:sys_fork' ;;
  esac
  make_initrd
  boot "$@"
  begun=$(date +%s%N)
  outside banner > "$work/banner"
  took=$((($(date +%s%N) - begun) / 1000000))
  same banner "$(ask 'cat /proc/version')" "$(cat "$work/banner")"
  compare_processes
  compare_system_calls "$calls"
  modules='modules not compared'
  case $guest in
    armmp*) ;;
    *)
      loaded=$(ask 'cat /proc/modules' | cut -d ' ' -f 1 | sort)
      same modules "$loaded" "$(outside modules | awk '{ print $3 }' | sort)"
      modules="$(echo "$loaded" | wc -l) modules"
      ;;
  esac
  compare_builds
  [ -z "${SHOAL_IDS_KEEP:-}" ] || cp --sparse=always "$ram" "$SHOAL_IDS_KEEP/$guest.ram"
  echo "$guest: $version, $count processes, $(wc -l < "$work/syscalls") system calls, $modules, $builds; found in $took ms"
  kill "$running" 2> /dev/null || :
  wait "$running" 2> /dev/null || :
  wait "$emptying" 2> /dev/null || :
  running='' emptying=''
  exec 5>&-
}

mkdir -p "$tools"
exec 9> "$tools/lock"
flock 9
looked=0
guests > "$work/guests"
while read -r guest architecture release package processor arguments <&4; do
  case " $* " in
    '  ' | *" $guest "*) ;;
    *) continue ;;
  esac
  if ! command -v "qemu-system-$processor" > /dev/null; then
    echo "left out: $guest: qemu-system-$processor is not here"
    continue
  fi
  if ! fetch "$architecture" "$release" "$package"; then
    echo "left out: $guest: no kernel: $(tail -n 1 "$tools/log")"
    continue
  fi
  unpack
  # shellcheck disable=SC2086 # words
  look "qemu-system-$processor" $arguments
  looked=$((looked + 1))
done 4< "$work/guests"
[ "$looked" -gt 0 ] || skip 'no guest could be had'
