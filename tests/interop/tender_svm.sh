# SPDX-License-Identifier: BSL-1.0
#
# tender.sh once more, under a KVM that has a processor's own virtualisation below it: AMD's, emulated by QEMU, in a Debian
# guest with kvm_amd. What a real processor does, and what a KVM that emulates instructions does, has to come to the same.
. "$(dirname "$0")/common/guest.sh"
bin=${1:?usage: $0 BIN_DIR}
need "$bin/shoal-tender" "$bin/shoal-record" "$bin/guest_hello" cksum
guest_setup
guest_program "$bin/shoal-tender" "$bin/shoal-record" cksum
for guest in hello switch checksum escape; do guest_file "$bin/guest_$guest" "/bin/guest_$guest"; done
guest_file "$guest_root/tests/interop/tender.sh" /tender.sh
guest_module kvm-amd
guest_memory=512
cat > "$work/script" <<'GUEST'
grep -q svm /proc/cpuinfo && echo "the processor has SVM"
sh /tender.sh /bin
GUEST
status=0
guest_run 800 "$work/script" > "$work/said" || status=$?
cat "$work/said"
grep -q '^the processor has SVM' "$work/said" || fail "the emulated processor has no SVM"
[ $status -eq 0 ] || fail "the guest ended with $status"
