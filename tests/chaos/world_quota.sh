# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # $chaos_...: of table.sh; $sl_...: of netns.sh
# The world of global limits: three nodes, each an agent in a namespace; Redis and NATS in one
# of their own ("store"); two tenants with one limit each over all nodes, both flooded on every
# node with more than twice of it: "blend" (the default when a lease ends) and "closed".
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh
. tests/chaos/history.sh

nodes=(1 2 3)
rate_blend=1500 burst_blend=150
rate_closed=900 burst_closed=90

world_begin() {
	quota_begin "${#nodes[@]}"
	redis_begin || return 1
	world_nats || return 1
	"servers_$(servers_of_fault)" || return 1
	quota_config "nodes: ${#nodes[@]}, redis: {$redis_at}" <<-EOC || return 1
		nats: {servers: "nats://$nats_at"}
		services:
		  - {address: any, port: 1000, protocol: udp, tenant: blend}
		  - {address: any, port: 1001, protocol: udp, tenant: closed}
		tenants:
		  - {name: blend, ingress: {packets_per_s: $rate_blend, packets_burst: $burst_blend},
		     global: {packets: true}}
		  - {name: closed, ingress: {packets_per_s: $rate_closed, packets_burst: $burst_closed},
		     global: {packets: true}, on_lease_expiry: closed}
	EOC
	agents_start || return 1
	history_begin "$(plan)" "node1=$sl_pins/1" "node2=$sl_pins/2" "node3=$sl_pins/3"
}

# All at once.
agents_start() {
	local n

	for n in "${nodes[@]}"; do
		agent_spawn "$n"
	done
	for n in "${nodes[@]}"; do
		wait_for 60 quota_settled "$n" && ! gone "${quota_pid[$n]}" || return 1
	done
}

agent_spawn() {
	spawn "node$1" "$sl_bin/sluiced" --config "$sl_dir/node$1.yaml" >>"$sl_dir/node$1.log" 2>&1
	quota_pid[$1]=$spawned_pid
}

# servers_of_fault: what stands in the store, by the fault's name
servers_of_fault() {
	case $fault in
	sentinel-*) echo sentinel_announced ;;
	cluster-delay | cluster-slice | cluster-reset) echo cluster_announced ;;
	redis-failover) echo sentinel ;;
	cluster-*) echo cluster ;;
	proxy-*) echo proxied ;;
	clock-*) echo stepped ;;
	*) echo alone ;;
	esac
}

servers_alone() {
	start_redis one || return 1
	redis_at="addresses: \"$(quota_redis one)\""
}

# One for all nodes, in the namespace of the store.
world_nats() {
	nats_at=10.50.0.1:4222
	spawn store nats-server -a 0.0.0.0 -p 4222 >>"$sl_dir/nats.log" 2>&1
	nats_pid=$spawned_pid
	wait_for 10 grep -q 'Server is ready' "$sl_dir/nats.log"
}

world_end() {
	redis_end
}

plan() {
	cat <<-JSON | tr '\n' ' '
		{"event": "plan", "fault": "$fault", "nodes": ["node1", "node2", "node3"], "recovery_s": 30,
		"tenants": {
		"blend": {"rate": $rate_blend, "burst": $burst_blend, "over": $(over_json), "once_s": $chaos_once},
		"closed": {"rate": $rate_closed, "burst": $burst_closed, "over": $chaos_closed, "once_s": $chaos_once}}}
	JSON
}

# "3.5:0.334" as the plan has it: [[3.5, 0.334]]; a number as it is
over_json() {
	[[ $chaos_over != *:* ]] && echo "$chaos_over" && return
	echo "[[${chaos_over//,/],[}]]" | tr : ,
}

# ---- load ---------------------------------------------------------------------------------

load_pids=()

load_begin() {
	local n

	for n in "${nodes[@]}"; do
		quota_flood "$n" 200 --rate $((rate_blend * 8 / 10)) --port 1000
		load_pids+=("$spawned_pid")
		quota_flood "$n" 200 --rate $((rate_closed * 8 / 10)) --port 1001
		load_pids+=("$spawned_pid")
	done
	wait_for 40 steady || return 1
	event flood "all nodes"
	sleep 2 # real time: the checker wants a calm before the fault
	wait_for 40 steady
}

steady() {
	python3 tests/chaos/check.py --steady "$history"
}

# The load goes on until all is as before, or until the time for that is over.
load_end() {
	wait_for 35 steady
	sleep 3 # real time: a window of the checker, and a little
}

# ---- what agents say ----------------------------------------------------------------------

# redis_says STATE NODE...: each of these agents says so of Redis
redis_says() {
	local n state=$1

	shift
	for n in "$@"; do
		quota_ctl "$n" quota --json | json_is "d['node']['redis'] == '$state'" || return 1
	done
}

# nats_says STATE NODE...
nats_says() {
	local n state=$1

	shift
	for n in "$@"; do
		quota_ctl "$n" pressure --json | json_is "d['node']['nats'] == '$state'" || return 1
	done
}

# leases_say STATE TENANT NODE...
leases_say() {
	local n state=$1 tenant=$2

	shift 2
	for n in "$@"; do
		quota_ctl "$n" quota --json | json_is \
			"[l for l in d['leases'] if l['tenant'] == '$tenant' and l['state'] == '$state']" || return 1
	done
}
