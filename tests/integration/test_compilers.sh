#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verifier accepts the BPF programs as each compiler makes them that setup.sh may
# choose. They lay out stacks and branches differently, and `make test` uses one of them.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin

# accepted COMPILER
accepted() {
	local out=$sl_dir/$1

	make -s O="$out" BPF_O="$out" BPF_CLANG="$1" "$out/bpf/sluice.linked.o" >"$sl_dir/log" 2>&1 &&
		bpftool prog loadall "$out/bpf/sluice.linked.o" "$sl_pins" >>"$sl_dir/log" 2>&1 && {
		rm -rf "$sl_pins"
		return
	}
	tail -n 20 "$sl_dir/log" | sed 's/^/# /'
	return 1
}

for compiler in clang-14 clang-16 clang-17 clang-18 clang-19; do
	if command -v "$compiler" >"$sl_dir/path"; then
		check "programs of $compiler load" accepted "$compiler"
	fi
done
