#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The simulator's figures: 50 nodes and 200 tenants, then 1,000 and 10,000, in virtual time. A
# missed target is a result, so its exit code is not ours; without figures nothing was measured.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${SL_BUILD:-build}
figures=$build/bench/sim

run() {
	rm -f "$figures"
	"$build/bin/sim" "$@" --out "$figures" >>"$build/bench/sim.log"
	[ -s "$figures" ] && cat "$figures"
}

: >"$build/bench/sim.log"
run --design || exit 1
run --large 15
