#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# run.sh: builds shoal and runs its tests.
#
#   sh tests/run.sh          preset dev (ASan, UBSan), the house checks, the consumers, a smoke test of the other presets
#   sh tests/run.sh --full   all of it: release, tsan, clang, the cross builds, freestanding, fuzzing, interoperation
#   sh tests/run.sh -R REGEX, or any other option of ctest: chooses among the tests
#
# On Debian 12 it first installs the packages that are missing (tests/setup.sh; the only thing done as root). Works
# from any folder, and everything it makes is in build/. A test that cannot run here is skipped; the reasons are listed
# before ctest's closing lines. SHOAL_JOBS: how many processes at once; default: as many as there are processors.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

groups=test
preset=dev
case ${1:-} in
  -h | --help) sed -n '4,13s/^# \{0,1\}//p' tests/run.sh; exit 0 ;;
  --full) groups='test full interop-ipfs'; preset=check; shift ;;
esac
jobs=${SHOAL_JOBS:-$(nproc)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo "run.sh: interrupted" >&2; exit 130' INT
trap 'exit 143' TERM

# shellcheck disable=SC2086 # a list of groups
sh tests/setup.sh $groups
cmake --preset dev
cmake --build --preset dev -j "$jobs"

# One test more than there are processors: some wait for most of their time.
# ctest's closing lines come last, whatever else there is to say: they are held back until the reasons are out.
status=0
{ ctest --preset "$preset" -j "$((jobs + 1))" "$@" < /dev/null || echo $? > "$work/status"; } |
  python3 -B tests/report.py build/dev/Testing/Temporary/LastTest.log
[ ! -f "$work/status" ] || status=$(cat "$work/status")
exit "$status"
