#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any one process of the demo's pipeline and of its two nodes is killed (kill -9) while tenants
# call it and others flood it, and started again as a service manager would: every request that
# was accepted has one result, one usage event and one line of the ledger, all of its trace;
# and the limit over two nodes holds, whoever dies.
#   test_demo_kills.sh [nodes]   the pipeline, or the two nodes (test_demo_node_kills.sh)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
netns_begin

# run_demo PART PROGRAM...: with a build folder of its own. What a killed program had in hand
# comes again after three seconds, not thirty.
run_demo() {
	local part=$1

	shift
	mkdir -p "$sl_dir/$part"
	ln -s "$sl_bin" "$sl_dir/$part/bin"
	NATS_ACK_WAIT_MS=3000 SL_BUILD=$sl_dir/$part scripts/demo.sh "--$part" \
		--kill "$(IFS=, && echo "$*")" >"$sl_dir/$part.log" 2>&1
}

# outcome PART EXPRESSION: of what the part wrote
outcome() {
	json_is "$2" <"$sl_dir/$1/demo/$1.json"
}

# survives PART PROGRAM...
survives() {
	local part=$1 name what

	check "the demo ends well, whoever of the $part is killed" run_demo "$@"
	shift
	sed 's/^/# /' "$sl_dir/$part.log"
	for name in "$@"; do
		check "$name was killed and is back" grep -q "^kill -9 [0-9]* ($name); started again, the API answers" "$sl_dir/$part.log"
	done
	check "requests were accepted meanwhile" outcome "$part" 'd["accepted"] > 200'
	for what in result "usage event" "line of the ledger"; do
		check "every accepted request has one $what" outcome "$part" "d['wrong']['$what'] == 0"
	done
}

if [ "${1:-}" != nodes ]; then
	survives pipeline gateway-worker router1 worker1 usage nats agent gateway
	check "what the kernel refused was noisy's alone, through all of it" grep -q '^ok - only the noisy tenant was escalated' "$sl_dir/pipeline.log"
	check "a demo without such a program says so" bash -c '! scripts/demo.sh --kill nobody 2>/dev/null'
	exit
fi

survives nodes redis agent2 gateway2 agent1 gateway1 nats router1 worker2 usage
check "noisy kept to its limit over both nodes, through all of it" grep -q '^ok - noisy had at most' "$sl_dir/nodes.log"
check_equal "and no packet was lost to the counters of either" "$(grep -c '^ok - node [12]: passed and dropped are all' "$sl_dir/nodes.log")" 2
check "they have no worker of nginx to kill" bash -c '! scripts/demo.sh --nodes --kill gateway-worker 2>/dev/null'

SL_BUILD=$sl_dir/nodes scripts/demo.sh --nodes >"$sl_dir/stopped.log" 2>&1 &
demo_pid=$!
sl_pids+=("$demo_pid")
wait_for 60 test -e "/run/netns/sl-$demo_pid-node2"
sleep 5 # amid its start
kill -TERM "$demo_pid"
wait "$demo_pid"
check_equal "stopped in the middle, it says so" $? 143
check_equal "and nothing is left of it" "$(ip netns list | grep "^sl-$demo_pid-"
	find /sys/fs/bpf "${TMPDIR:-/tmp}" -maxdepth 1 -name "sl-$demo_pid*"
	find /proc -maxdepth 2 -name cwd -lname "*/sl-$demo_pid-*" 2>/dev/null)" ""
