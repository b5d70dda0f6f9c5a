# SPDX-License-Identifier: BSL-1.0
#
# sparse_memory.sh BIN_DIR: an import of 8 GiB, nearly all of it a hole, holds 64 MiB of memory at most.
. "$(dirname "$0")/lib/check.sh"
need python3
grep -q __asan_init "$image" && skip 'the programs are built with AddressSanitizer, which takes memory of its own'
grep -q __tsan_init "$image" && skip 'the programs are built with ThreadSanitizer, which takes memory of its own'

python3 -c '
import random
with open("sparse.img", "wb") as file:
    for at in range(0, 8 << 30, 128 << 20):
        file.seek(at)
        file.write(random.Random(at).randbytes(1 << 20))
    file.truncate(8 << 30)'

# peak COMMAND...: runs it and prints the most memory it held, in KiB
peak() {
  python3 -c '
import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

for profile in disk-image unixfs-v1-2025 unixfs-v0-2015; do
  for store in car:s.car flatfs:s.flatfs ref:s.ref; do
    held=$(peak "$image" import sparse.img --store "$store" --profile "$profile" --quiet) || bad "import into $store"
    echo "$profile, $store: $held KiB"
    if [ "$held" -le 65536 ]; then ok; else bad "$profile, $store: $held KiB of memory"; fi
    rm -rf s.car s.flatfs s.ref
  done
done
finish
