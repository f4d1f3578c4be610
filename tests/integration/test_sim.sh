#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The simulator of quotas finds each fault that is put into the code on purpose, by the rule
# that is meant for it, shrinks it, and shows it again by the command that it prints.
set -u
cd "$(dirname "$0")/../.." || exit 1

sim=${SL_BUILD:-build}/bin/sim
bad=0

check() { # NAME RULE: with this fault one of the first seeds breaks that rule
	local out command

	out=$("$sim" --seeds 150 --break "$1")
	command=$(grep -A20 "^#   $2:" <<<"$out" | grep -m1 -- ' --seed ')
	if [ -z "$command" ]; then
		echo "not ok - $1 breaks the rule $2"
		bad=1
		return
	fi
	read -ra words <<<"${command#* }"
	if "$sim" "${words[@]}" | grep -q "^#   $2:"; then
		echo "ok - $1 breaks the rule $2, and again when shrunk"
	else
		echo "not ok - $1: not shown again by: $command"
		bad=1
	fi
}

check mint tokens
check report leases
check expiry leases
check fence fence
check grown leases
check starve served
exit $bad
