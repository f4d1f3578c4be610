# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of demo.sh, netns.sh, stack.sh, ...
# Sourced by scripts/demo.sh: two gateway nodes that share limits. Each is a namespace with an
# agent, XDP and a gateway of its own; a third ("store") has Redis, NATS, router, workers and
# ledger; the tenants are in a fourth ("client") and reach both nodes.
#   one limit   noisy floods both, chatty calls the API of both, each over the limit that it
#               has over both nodes, unevenly; the demand moves to the other node
#   no Redis    it is killed, the demand moves back meanwhile, and it is started again
#   workers     become ten times slower; the kernels of both nodes shed, low classes first
# or, with --kill, the named programs are killed one after the other under the same demand.

. tests/harness/redis.sh
. tests/harness/quota_nodes.sh
. scripts/demo_nodes_up.sh

load=scripts/demo_load.py
noisy_limit=3000 noisy_burst=600 chatty_limit=40
# What is asked of the two nodes.
noisy_asks=(6000 2000) chatty_asks=(90 30) steady_asks=(5 5) batch_asks=(60 60)
window_s=6 # of what is measured

declare -A node_call=() # tenant -> its caller
node_floods=()

# ---- who calls -----------------------------------------------------------------------------

mark() {
	printf '{"mark": "%s", "at": %s}\n' "$1" "$(date +%s.%N)" >>"$sl_dir/marks.jsonl"
}

# node_calls TENANT KEY SOURCE RATE1 RATE2: in the background
node_calls() {
	spawn client python3 "$load" call --tenant "$1" --key "$2" --source "198.18.$3.2" \
		--node "http://10.1.0.1:$stack_port" --node "http://10.2.0.1:$stack_port" \
		--rate "$4" --rate "$5" --out "$sl_dir/node-calls.$1.jsonl"
	node_call[$1]=$spawned_pid
}

node_calls_end() {
	local tenant

	for tenant in "$@"; do
		[ -n "${node_call[$tenant]:-}" ] || continue
		kill "${node_call[$tenant]}" 2>/dev/null
		wait "${node_call[$tenant]}"
		unset "node_call[$tenant]"
	done
}

# noisy_floods RATE1 RATE2: from now on
noisy_floods() {
	local n before=("${node_floods[@]}")

	node_floods=()
	for n in "${nodes[@]}"; do
		[ "$1" -eq 0 ] || quota_flood "$n" 300 --rate "$1" --port 1000 --source 198.18.4.0/24
		[ "$1" -eq 0 ] || node_floods+=("$spawned_pid")
		shift
	done
	# Without a process to wait for, wait would wait for all.
	if [ ${#before[@]} -gt 0 ]; then
		kill "${before[@]}" 2>/dev/null
		wait "${before[@]}" 2>/dev/null
	fi
}

demand_begins() {
	mark demand
	noisy_floods "${noisy_asks[@]}"
	node_calls chatty "$stack_small_key" 3 "${chatty_asks[@]}"
}

demand_ends() {
	noisy_floods 0 0
	node_calls_end chatty
}

# The node that was asked for more is asked for less, and the other way round.
demand_moves() {
	noisy_asks=("${noisy_asks[1]}" "${noisy_asks[0]}")
	noisy_floods "${noisy_asks[@]}"
	kill -USR1 "${node_call[chatty]}"
}

# ---- phases ----------------------------------------------------------------------------------

# nodes_stay SECONDS [COMMAND...]: or until it succeeds; what somebody kills is started again.
nodes_stay() {
	local end=$(($(date +%s%N) + $1 * 1000000000))

	shift
	while [ "$(date +%s%N)" -lt "$end" ]; do
		sleep 0.5
		nodes_all_run || nodes_up
		[ $# -eq 0 ] || ! "$@" || return 0
	done
	[ $# -eq 0 ]
}

pressure_is_known() {
	local n

	for n in "${nodes[@]}"; do
		quota_ctl "$n" --json pressure | json_is 'len(d["pools"]) == 1 and d["node"]["state"] == "ok"' || return 1
	done
}

# workers_take NOW BEFORE MARK: so long for a job, both from the same moment on
workers_take() {
	local pids=()

	sed -i "s/latency: $2/latency: $1/" "$stack_dir"/worker[12].yaml
	mapfile -t pids < <(cat "$stack_dir"/worker[12].pid)
	mark "$3"
	kill -HUP "${pids[@]}"
}

# shed_packets: of all tenants, that both kernels have dropped so far
shed_packets() {
	local n

	for n in "${nodes[@]}"; do
		quota_ctl "$n" tenants list --json
	done | awk -F '[:,]' '/"dropped_packets"/ { n += $2 } END { print n + 0 }'
}

sheds_no_more() {
	local before

	before=$(shed_packets)
	sleep 2
	[ "$before" = "$(shed_packets)" ]
}

workers_slow_and_back() {
	nodes_stay 30 pressure_is_known || say "demo: the agents do not hear the workers" >&2
	nodes_stay 4 # what a job costs is learnt while all is well
	say "the workers become ten times slower; what node 1 sheds:"
	kill -USR1 "$watch_pid"
	workers_take 200ms 20ms slow
	nodes_stay 5
	quota_ctl 1 pressure | sed -n '/^TENANT/,$s/^/    /p' | cut -c -61
	workers_take 20ms 200ms healed
	say "and as fast as before"
	nodes_stay 20 sheds_no_more
	mark recovered
}

# A machine that is busy with other things may hold us up once, hardly twice.
phase_workers() {
	node_calls batch "$stack_other_key" 2 "${batch_asks[@]}"
	workers_slow_and_back
	python3 scripts/demo_nodes.py workers "$sl_dir" || {
		say "that was too slow, as a busy machine may be; once more"
		workers_slow_and_back
	}
	node_calls_end batch
}

phase_one_limit() {
	local n

	nodes_stay 15 limits_are_leased || say "demo: not all of the limits is leased" >&2
	nodes_stay 1
	mark split
	nodes_stay $window_s
	mark split_end
	for n in "${nodes[@]}"; do # the heading once
		quota_ctl "$n" quota | awk -v n="$n" '/^TENANT/ { on = 1; if (n == 1) print "           " $0; next }
			on { print "    node " n "  " $0 }' | cut -c -90
	done
	say "the demand moves to the other node"
	demand_moves
	nodes_stay 2
	mark moved
	nodes_stay $window_s
	mark moved_end
}

phase_no_redis() {
	say "Redis is killed; the demand moves back meanwhile"
	redis_wanted=
	mark gone
	redis_kill quota
	nodes_stay 20 leases_are blend safe || say "demo: the leases did not end" >&2
	mark ended
	demand_moves
	nodes_stay $window_s
	redis_wanted=1
	mark back
	start_redis quota
	say "Redis is back"
	nodes_stay 20 leases_are held || say "demo: no leases again" >&2
	nodes_stay 10 limits_are_leased
	nodes_stay 3
	mark back_end
}

nodes_begin() {
	local n

	for n in "${nodes[@]}"; do
		ns_count "node$n" n0 rx_packets >"$sl_dir/came.$n.before"
	done
	start_redis quota && nodes_config && nodes_up || exit 1
	spawn client python3 "$load" watch --ctl "$sl_bin/sluicectl" --out "$sl_dir/watch.jsonl" \
		--node "$sl_pins/1:$sl_dir/agent1.sock" --node "$sl_pins/2:$sl_dir/agent2.sock"
	watch_pid=$spawned_pid
	# A limit that Redis never heard of is learnt for a lease's time: it hears of it now.
	noisy_floods 50 50
	node_calls chatty "$stack_small_key" 3 10 10
	node_calls steady "$stack_key" 1 "${steady_asks[@]}"
	nodes_stay 1
	node_calls_end chatty
	noisy_floods 0 0
}

two_nodes() {
	local name watch_pid

	nodes_scene || exit 1
	nodes_settings
	nodes_begin
	if [ ${#kills[@]} -eq 0 ]; then
		say "noisy and chatty ask both nodes for more than their one limit over both"
		demand_begins
		phase_one_limit
		phase_no_redis
		demand_ends
		phase_workers
	else
		demand_begins
		nodes_stay 15 leases_are held
		for name in "${kills[@]}"; do
			mark "$name.killed"
			killed nodes "$name"
			mark "$name.back"
		done
	fi
	nodes_up
	mark over
	noisy_floods 0 0
	node_calls_end "${!node_call[@]}"
	sleep 0.5 # what is under way arrives
	nodes_summary
	kill "$watch_pid"
	nodes_down
	for name in "${nodes[@]}"; do
		quota_kill "$name" TERM || say "demo: the agent of node $name did not stop" >&2
		quota_ctl "$name" uninstall --yes >"$sl_dir/uninstall.log" 2>&1 || cat "$sl_dir/uninstall.log" >&2
	done
	redis_end
}

nodes_summary() {
	local n name

	for n in "${nodes[@]}"; do
		for name in steady batch chatty noisy unknown; do
			quota_ctl "$n" tenants get "$name" --json >"$sl_dir/node$n.$name.json"
		done
		quota_ctl "$n" status --json >"$sl_dir/node$n.status.json"
		ns_count "node$n" n0 rx_packets >"$sl_dir/came.$n.after"
	done
	in_ns store python3 scripts/demo_nodes.py all --nats "$stack_nats" --ledger "$stack_dir/usage.db" \
		--limits "$noisy_limit,$noisy_burst,$chatty_limit" --out "$results/nodes.json" \
		"$sl_dir" >"$sl_dir/nodes.txt"
	nodes_code=$?
}
