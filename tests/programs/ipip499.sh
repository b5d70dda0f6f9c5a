# SPDX-License-Identifier: BSL-1.0
#
# ipip499.sh BIN_DIR: the CIDs that IPIP-499 publishes for its two profiles, into every kind of store. The vectors of a
# gigabyte are those of ipip499_gigabyte.sh.
. "$(dirname "$0")/lib/check.sh"
. "$here/lib/ipip499.sh"
vectors small car:s.car flatfs:s.flatfs ref:s.ref
finish
