#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The simulator's figures: 50 nodes and 200 tenants, in virtual time. A missed target is a
# result, so its exit code is not ours; without figures nothing was measured.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${SL_BUILD:-build}
figures=$build/bench/sim

rm -f "$figures"
"$build/bin/sim" --design --out "$figures" >"$build/bench/sim.log"
[ -s "$figures" ] && cat "$figures"
