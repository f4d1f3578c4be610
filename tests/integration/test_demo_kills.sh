#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any one process of the demo's pipeline is killed (kill -9) while tenants call it and an
# attacker floods the node, and started again as a service manager would: every request that
# was accepted has one result, one usage event and one line of the ledger, all of its trace.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
netns_begin

programs=(gateway-worker router1 worker1 usage nats agent gateway)

# run_demo: with its own build folder. What a killed program had in hand comes again after
# three seconds, not thirty.
run_demo() {
	mkdir -p "$sl_dir/build"
	ln -s "$sl_bin" "$sl_dir/build/bin"
	NATS_ACK_WAIT_MS=3000 SL_BUILD=$sl_dir/build scripts/demo.sh --pipeline \
		--kill "$(IFS=, && echo "${programs[*]}")" >"$sl_dir/log" 2>&1
}

outcome() {
	json_is "$1" <"$sl_dir/build/demo/pipeline.json"
}

check "the demo ends well, whoever is killed" run_demo
sed 's/^/# /' "$sl_dir/log"
for name in "${programs[@]}"; do
	check "$name was killed and is back" grep -q "^kill -9 [0-9]* ($name); started again, the API answers" "$sl_dir/log"
done
check "requests were accepted meanwhile" outcome 'd["accepted"] > 200'
for what in result "usage event" "line of the ledger"; do
	check "every accepted request has one $what" outcome "d['wrong']['$what'] == 0"
done
check "what the kernel refused was noisy's alone, through all of it" grep -q '^ok - only the noisy tenant was escalated' "$sl_dir/log"
check "a demo without such a program says so" bash -c '! scripts/demo.sh --kill nobody 2>/dev/null'
