# SPDX-License-Identifier: BSL-1.0
#
# ipip499_gigabyte.sh BIN_DIR: the CIDs that IPIP-499 publishes for files of a gigabyte.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/ipip499.sh"
[ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -gt 2500000 ] || skip "less than 2.5 GB free in $work"
vectors large car:s.car ref:s.ref
finish
