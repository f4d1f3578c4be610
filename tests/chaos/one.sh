#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One fault against real servers in namespaces of its own: load, the fault, proof of it, the
# end of it, proof of that, and the checker's judgement of the recorded history.
#   tests/chaos/one.sh FAULT DIR      writes DIR/FAULT.jsonl and DIR/FAULT.result
# Exit code 0: every rule held. What went wrong is on standard error.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/chaos/table.sh
. tests/chaos/proxies.sh
for file in tests/chaos/faults_*.sh; do
	# shellcheck source=tests/chaos/faults_redis.sh
	. "$file"
done

fault=${1:?a fault of tests/chaos/table.sh}
mkdir -p "${2:?a folder}" || exit 1
out=$(cd "$2" && pwd)
chaos_row "$fault" || { echo "chaos: no fault is called $fault" >&2 && exit 2; }
history=$out/$fault.jsonl
rm -f "$history" "$out/$fault.result"

fail() {
	echo "chaos: $fault: $*" >&2
	exit 1
}

finish() {
	local code=$?

	trap '' INT TERM # who ends us twice would leave servers behind
	world_end
	(exit "$code")
	netns_end
}

# step NAME COMMAND...: the name goes into the history with what the command prints, its proof
step() {
	local name=$1 proof

	shift
	proof=$("$@") || fail "not shown: $name ($*)${proof:+: $proof}"
	event "$name" "$(tr '\n' ' ' <<<"$proof")"
}

# call WHAT: of this fault
call() {
	local function=${1}_${fault//-/_}

	"$function"
}

# shellcheck source=tests/chaos/world_quota.sh
. "tests/chaos/world_$chaos_world.sh"
netns_begin
trap finish EXIT
world_begin || fail "the servers do not start"
load_begin || fail "no steady load"
event inject "$fault"
call inject || fail "the fault cannot be made"
step injected call injected
sleep "$chaos_seconds" # real time: how long the fault stays
call heal || fail "the fault cannot be ended"
event heal "$fault"
step healed call healed
load_end
event end "$fault"
history_end
python3 tests/chaos/check.py "$history" >"$out/$fault.result"
