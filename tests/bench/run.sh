#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures everything beside the targets and the peers: about six minutes, root. Writes
# results.json in build/bench, and prints it as a table. Run it by `make bench`.
#   tests/bench/run.sh [PART...]    only these parts; the table then says what was not measured
# A part is tests/bench/PART.sh or the program bench-PART, that of the demo a run of it.
# The exit code is 1 when a measurement was impossible, whatever the targets say.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${SL_BUILD:-build}
out=$build/bench
parts=("$@")
[ ${#parts[@]} -gt 0 ] ||
	parts=(verdict contend accuracy reload memory json bus router redis quota sim pressure pipeline escalated veth demo)

if [ "$(id -u)" -ne 0 ]; then
	echo "bench: BPF programs are loaded: run it as root" >&2
	exit 1
fi
mkdir -p "$out"
: >"$out/measured"

# The demo's figures are those of the last `make demo`, else of one run now.
demo() {
	if [ ! -s "$build/demo/results.json" ]; then
		scripts/demo.sh >"$out/demo.log" 2>&1 || tail -n 20 "$out/demo.log" >&2
	fi
	[ -s "$build/demo/results.json" ] || {
		echo "bench: the demo left no results: $out/demo.log" >&2
		return 1
	}
}

# Our priority is the highest: what else runs here takes caches, but little of the CPU.
part() {
	if [ "$1" = demo ]; then
		demo
	elif [ -x "tests/bench/$1.sh" ]; then
		nice -n -20 "tests/bench/$1.sh"
	else
		nice -n -20 "$build/bin/bench-$1"
	fi
}

failed=()
for name in "${parts[@]}"; do
	echo "  BENCH   $name"
	part "$name" >>"$out/measured" || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || echo "bench: failed: ${failed[*]}" >&2

tests/bench/report.py "$out/measured" "$build/demo/results.json" "$out/results.json" || exit 1
[ ${#failed[@]} -eq 0 ]
