#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Thousands of short runs with faults, then the design's table. Run it by `make sim`.
#   SEEDS=20000 SHARE_SEEDS=3000 PRESSURE_SEEDS=1000 FIRST=1   how many, from which on
# The figures go to build/bench/sim for tests/bench. The exit code is 1 when a rule did not
# hold or a target was missed.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${SL_BUILD:-build}
sim=$build/bin/sim
bad=0

"$sim" --seed "${FIRST:-1}" --seeds "${SEEDS:-20000}" || bad=1
"$sim" --share --seed "${FIRST:-1}" --seeds "${SHARE_SEEDS:-3000}" || bad=1
"$sim" --pressure --seed "${FIRST:-1}" --seeds "${PRESSURE_SEEDS:-1000}" || bad=1
mkdir -p "$build/bench"
"$sim" --design --out "$build/bench/sim" || bad=1
exit $bad
