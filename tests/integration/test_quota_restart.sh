#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An agent that starts anew goes on with what the one before it leased: under load the admitted
# rate stays at the limit, one agent restarted or all, killed or ended; nothing is held twice.
# Two agents, a real Redis, real packets.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

quota_test 2

rate=3000 burst=300 ttl=20
# config GENERATION
config() {
	# An agent needs seconds to load its programs on a machine that is busy.
	quota_config "generation: $1, ttl: ${ttl}s, redis: {addresses: \"$(quota_redis one)\"}" <<-EOC
		services: [{address: any, port: 1000, protocol: udp, tenant: shared}]
		tenants:
		  - {name: shared, ingress: {packets_per_s: $rate, packets_burst: $burst},
		     global: {packets: true}}
	EOC
}
config 1
quota_start_all

# says NODE PYTHON: of what the agent says, as d; l is its lease
says() {
	quota_ctl "$1" quota --json | json_is "[l for l in d['leases'] if $2]"
}

has_shares() {
	says 1 "l['state'] == 'held' and l['has'] < $rate * .45 and l['nodes'] == 2" &&
		says 2 "l['state'] == 'held' and l['has'] > $rate * .55 and l['nodes'] == 2"
}

# packets NODE: admitted so far; the agent may be dead. No Python, which takes too long here.
packets() {
	quota_ctl "$1" tenants get shared --json | tr -d ' \n' |
		grep -o '{[^{}]*"direction":"ingress"[^{}]*"reason":"pass"[^{}]*}' |
		grep -o '"packets":[0-9]*' | cut -d : -f 2
}

# Prints what both nodes admitted so far, between which two moments in ns
watch_admitted() {
	local began

	while :; do
		began=$(date +%s%N)
		echo "$began $(packets 1) $(packets 2) $(date +%s%N)"
		sleep 0.3
	done
}

# watched NAME COMMAND...: the limit is used, and kept to, while it runs and 4 seconds longer.
# A reading takes its time on a busy machine: what is over is so by the longest that the span
# between two readings can have been, and what is missing by the shortest.
watched() {
	local name=$1 pid took late

	shift
	watch_admitted >"$sl_dir/watch" &
	pid=$!
	sl_pids+=("$pid")
	sleep 1.5
	took=$SECONDS
	"$@" || not_ok "$name: $*"
	took=$((SECONDS - took))
	sleep 4
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	read -r least over mean < <(awk -v rate=$rate '
		BEGIN { n = 0; least = 9; over = -1e9 }
		NF == 4 { began[n] = $1 / 1e9; ended[n] = $4 / 1e9; packets[n++] = $2 + $3 }
		END {
			for (i = 0; i < n; i++)
				for (j = i + 1; j < n; j++) {
					more = packets[j] - packets[i]
					most = more - (ended[j] - began[i]) * rate
					if (most > over) over = most
					span = began[j] - ended[i]
					if (span > 2 && more / span / rate < least) least = more / span / rate
				}
			printf "%.3f %.0f %.3f\n", least, over,
				(packets[n - 1] - packets[0]) / (ended[n - 1] - ended[0]) / rate
		}' "$sl_dir/watch")
	# Who starts for longer than its lease has left is cut off until it is there.
	late=$((took > ttl - 4 ? took - ttl + 4 : 0))
	echo "# $name in $took s: $mean of the limit, in the worst two seconds $least, at most $over over"
	check "$name: the limit is used all the time" awk "BEGIN { exit !($mean > .93 && $least > .8) }"
	check "$name: and kept to" test "$over" -le $((burst + rate / 50 + late * rate))
}

# took_over NODE COUNT: so often did an agent there go on with leases
took_over() {
	[ "$(grep -c 'took over the leases' "$sl_dir/node$1.log")" = "$2" ]
}

# What a former instance held would stand beside its node.
held_twice() {
	local key

	for key in $(redis_say --scan --pattern 'q:*shared*'); do
		redis_say HKEYS "$key"
	done | grep -c '^xnode'
}

redis_say() {
	in_ns store redis-cli -h "$redis_host" -p "${redis_port[one]}" "$@"
}

restart() {
	local n signal=$1

	shift
	for n in "$@"; do
		quota_kill "$n" "$signal" || return 1
	done
	for n in "$@"; do
		quota_start "$n" || return 1
	done
}

# What is wanted counts up to the limit.
quota_flood 1 600 --rate 1500 --port 1000
quota_flood 2 600 --rate 6000 --port 1000
check "both have their share" wait_for 60 has_shares
sleep 2

watched "one agent is killed and starts" restart KILL 2
check_equal "nothing is held twice" "$(held_twice)" 0
check "it went on with its lease" took_over 2 1
watched "it is ended and starts" restart TERM 2
check "it did again" took_over 2 2
check "both have their share again" wait_for 10 has_shares
watched "all agents are killed and start" restart KILL 1 2
check "the first went on with its lease" took_over 1 1
check "and the second" took_over 2 3
check "both have their share still" wait_for 10 has_shares
check "nobody was fenced" test "$(quota_metric 1 '^sluice_quota_fenced_total')" = 0 -a \
	"$(quota_metric 2 '^sluice_quota_fenced_total')" = 0

# ---- what is not to be taken over -----------------------------------------------------------

quota_kill 2 TERM
rate=2000
config 2
quota_start 2 || not_ok "the agent starts with other terms"
check "terms of another generation are not taken over" took_over 2 3
quota_kill 1 TERM
quota_start 1 || not_ok "so does the other agent"
new_limit() {
	says 1 "l['state'] == 'held' and l['rate'] == $rate" &&
		says 2 "l['state'] == 'held' and l['rate'] == $rate and $rate / 3 < l['has'] <= $rate"
}
check "all have the new limit" wait_for 60 new_limit

# A node of the same name elsewhere takes over: the one before it passes nothing, and starts
# as a new instance.
sed -i 's/node: node1/node: node2/' "$sl_dir/node1.yaml"
quota_kill 1 TERM
quota_start 1 || not_ok "an agent starts under the name of another"
check "which is fenced" wait_for 20 says 2 "l['state'] == 'fenced' and l['has'] == 0"
restart TERM 2 || not_ok "it starts again"
check "as a new instance" took_over 2 3
check "which leases" wait_for 30 says 2 "l['state'] == 'held'"
