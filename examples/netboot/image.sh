#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# image.sh OUT.ext4 [SIZE [PACKAGE,PACKAGE...]]
#
# Makes the root file system that the fleet boots: Debian 12 (minbase) by debootstrap, in an ext4 of SIZE (default
# 512M; sparse, no journal, because it is only ever read). Its init does what a small device does at start-up, prints
# BOOT OK and powers off. Needs root, which debootstrap asks for. Takes about a minute.
set -eu

usage() { sed -n '4,9s/^# \{0,1\}//p' "$0"; }
case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
esac
out=$1
size=${2:-512M}
packages=${3:-}

work=$(mktemp -d "$(dirname "$out")/image.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# the mirror this machine already uses, else debootstrap's own default
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
  awk '$2 == "bookworm" { print $1; exit }')

if ! debootstrap --variant=minbase --include="kmod${packages:+,$packages}" bookworm "$work/root" $mirror \
  > "$work/debootstrap.log" 2>&1; then
  tail -n 20 "$work/debootstrap.log" >&2
  echo "image.sh: debootstrap failed; it needs root and a Debian mirror" >&2
  exit 1
fi
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*

cat > "$work/root/sbin/netboot-init" <<'INIT'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc 2>/dev/null
mount -t sysfs sys /sys 2>/dev/null
. /etc/os-release
echo "root: $PRETTY_NAME on $(awk '$2 == "/" { print $3 }' /proc/mounts | tail -n 1)"
# the read load of a small device that starts: package database, an interpreter, the linker's cache
echo "packages: $(dpkg -l | tail -n +6 | wc -l), $(perl -e 'print "perl $]"'), $(ldconfig -p | head -n 1)"
touch /var/written-to-overlay && echo "overlay: writable"
echo "BOOT OK after $(cut -d' ' -f1 /proc/uptime) s"
sync
echo o > /proc/sysrq-trigger
sleep 60
INIT
chmod +x "$work/root/sbin/netboot-init"

truncate -s "$size" "$work/image"
# a fixed UUID and hash seed: two images of the same packages differ only where the packages do
mkfs.ext4 -q -F -O ^has_journal -m 0 -U 5ca1ab1e-0000-4000-8000-000000000000 \
  -E hash_seed=5ca1ab1e-0000-4000-8000-000000000001 -d "$work/root" "$work/image"
mv "$work/image" "$out"
