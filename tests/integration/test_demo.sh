#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo, one short round: its claims hold, it writes what the bench reads, and it
# takes down what it made, also when it is stopped in the middle. Its times are
# the bench's business, not this test's.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
netns_begin

# What is there that a demo with the process id $1 made.
leftovers() {
	ip netns list | grep "^sl-$1-"
	find /sys/fs/bpf "${TMPDIR:-/tmp}" -maxdepth 1 -name "sl-$1*" 2>/dev/null
	pgrep -f "^[^ ]*(nginx|sluiced|flood|latency|nats-server|sluice-) .*sl-$1-"
}

# run_demo NAME: in the background with its own build folder; sets demo_pid
run_demo() {
	mkdir -p "$sl_dir/$1"
	ln -s "$sl_bin" "$sl_dir/$1/bin"
	SL_BUILD=$sl_dir/$1 SL_DEMO_ROUNDS=1 SL_DEMO_SECONDS=1 scripts/demo.sh >"$sl_dir/$1.log" 2>&1 &
	demo_pid=$!
	sl_pids+=("$demo_pid")
}

run_demo whole
wait "$demo_pid"
check_equal "the demo ends well" $? 0
sed 's/^/# /' "$sl_dir/whole.log"
check_equal "each of its claims holds" "$(grep -c '^ok - ' "$sl_dir/whole.log")" 10
check "it shows a table of tenants meanwhile" grep -q '^ *unknown .*enforce' "$sl_dir/whole.log"
check "the noisy tenant's packets were refused in the kernel" json_is \
	'd["escalations"] > 0 and d["escalated_packets"]["noisy"] > 0 and d["refused_429"]["noisy"] > 0' \
	<"$sl_dir/whole/demo/pipeline.json"
check "a request is shown hop by hop" test "$(grep -cE '^ +[0-9.]+ ms  (request|decide|answer|assignment|ack|result|usage) ' "$sl_dir/whole.log")" -eq 7
check "results.json has the bench's names" json_is \
	'set(d) == {"demo.steady_p50_over_floor", "demo.steady_p90_over_floor", "demo.refuse_cpu_over_floor"}' \
	<"$sl_dir/whole/demo/results.json"
check "with values, their spread and targets" json_is \
	'all(0 < r["min"] <= r["value"] <= r["max"] and r["target"] > 1 for r in d.values())' \
	<"$sl_dir/whole/demo/results.json"
check_equal "nothing is left of it" "$(leftovers "$demo_pid")" ""

run_demo stopped
shielded_now() {
	grep -q 'shielded$' "$sl_dir/stopped.log" && [ -d "/sys/fs/bpf/sl-$demo_pid" ]
}
wait_for 60 shielded_now
kill -TERM "$demo_pid"
wait "$demo_pid"
check_equal "stopped in the middle, it says so" $? 143
check_equal "and nothing is left of it either" "$(leftovers "$demo_pid")" ""
