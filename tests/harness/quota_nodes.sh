# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by tests of global quotas, after netns.sh and redis.sh: nodes of a cluster, each
# a namespace with its own agent and pins, a client that reaches all of them, and a store
# that only nodes reach.
#
#   quota_begin 3                       # node1 node2 node3, client, store; Redis not yet
#   start_redis one
#   quota_config "redis: {addresses: \"$(quota_redis one)\"}" <<'EOC' ... EOC
#   quota_start 1; quota_start 2 ...
#   quota_flood 2 5 --rate 1000 --port 1000   # 5 seconds, to node 2
#   quota_rate TENANT 4                        # of all nodes, over 4 seconds
#   quota_cut 2; quota_mend 2           # its way to the store
#   quota_nats                          # a nats-server that nodes reach on another way: $quota_nats
#   quota_say SUBJECT TEXT              # there
# shellcheck disable=SC2034,SC2154 # of netns.sh and redis.sh

quota_nodes=0
declare -A quota_pid=()

quota_begin() {
	local n

	quota_nodes=$1
	ns_add client store
	ip -n "$(ns store)" address add 10.50.0.1/32 dev lo
	redis_host=10.50.0.1
	redis_run="nsenter --net=/run/netns/$(ns store) --"
	for n in $(seq "$1"); do
		ns_add "node$n"
		ns_link "node$n" n0 client "c$n" "$n"
		ns_link store "s$n" "node$n" r0 $((100 + n))
		ip -n "$(ns "node$n")" route add 10.50.0.1/32 via "10.$((100 + n)).0.1"
	done
}

# quota_redis NAME: where nodes find it
quota_redis() {
	echo "$redis_host:${redis_port[$1]}"
}

# quota_config QUOTA: of all nodes, on standard input without version, paths and metrics
quota_config() {
	local n body

	body=$(cat)
	for n in $(seq "$quota_nodes"); do
		mkdir -p "$sl_dir/state$n"
		cat >"$sl_dir/node$n.yaml" <<-EOC
			version: 1
			paths: {pin_dir: $sl_pins/$n, socket: $sl_dir/agent$n.sock, state_dir: $sl_dir/state$n}
			metrics: {address: 127.0.0.1, port: 9477}
			interfaces: [{name: n0}]
			quota: {node: node$n, $1}
			$body
		EOC
	done
}

quota_start() {
	spawn "node$1" "$sl_bin/sluiced" --config "$sl_dir/node$1.yaml" >>"$sl_dir/node$1.log" 2>&1
	quota_pid[$1]=$spawned_pid
	wait_for 30 quota_settled "$1" && ! gone "${quota_pid[$1]}" && return
	echo "the agent of node $1 did not become ready:" >&2
	tail -n 20 "$sl_dir/node$1.log" >&2
	return 1
}

# quota_test NODES: begins a test of as many with an empty Redis, or ends it
quota_test() {
	netns_begin
	trap 'redis_end; netns_end' EXIT
	quota_begin "$1"
	redis_begin || { not_ok "a redis-server" && exit 1; }
	start_redis one || { not_ok "Redis starts" && exit 1; }
}

# All agents, or the test ends.
quota_start_all() {
	local n

	for n in $(seq "$quota_nodes"); do
		quota_start "$n" || { not_ok "the agent of node $n starts" && exit 1; }
	done
}

# quota_says NODE PYTHON ARGUMENTS...: of `sluicectl quota ARGUMENTS --json` as d
quota_says() {
	local node=$1 truth=$2

	shift 2
	quota_ctl "$node" quota "$@" --json | json_is "$truth"
}

quota_settled() {
	gone "${quota_pid[$1]}" ||
		in_ns "node$1" curl -fsS -m 1 -o "$sl_dir/readyz" http://127.0.0.1:9477/readyz 2>/dev/null
}

# quota_kill NODE [SIGNAL]
quota_kill() {
	kill "-${2:-KILL}" "${quota_pid[$1]}" 2>/dev/null
	wait_for 10 gone "${quota_pid[$1]}" || return 1
	wait "${quota_pid[$1]}" 2>/dev/null
	return 0
}

quota_ctl() {
	local n=$1

	shift
	in_ns "node$n" "$sl_bin/sluicectl" --pin-dir "$sl_pins/$n" --socket "$sl_dir/agent$n.sock" "$@"
}

# quota_metric NODE REGEX: the sum of the values that match
quota_metric() {
	in_ns "node$1" curl -fsS -m 2 http://127.0.0.1:9477/metrics |
		awk -v regex="$2" '$0 !~ /^#/ && $0 ~ regex { n += $NF } END { printf "%.0f\n", n }'
}

# quota_read NODE TENANT: the middle of the reading in ns, and packets admitted so far; the
# agent may be dead. When exactly it was read is not known, so one that took long is repeated.
quota_read() {
	local began ended said tries=5

	while ((tries--)); do
		began=$(date +%s%N)
		said=$(quota_ctl "$1" tenants get "$2" --json)
		ended=$(date +%s%N)
		((ended - began > 60000000)) || break
	done
	echo "$(((began + ended) / 2)) $(json \
		"sum(r['packets'] for r in d['reasons'] if r['direction'] == 'ingress' and r['reason'] == 'pass')" \
		<<<"$said")"
}

# quota_rate TENANT SECONDS: what all nodes admit together, packets per second
quota_rate() {
	local n first=() second=()

	for n in $(seq "$quota_nodes"); do
		first+=("$(quota_read "$n" "$1")")
	done
	sleep "$2"
	for n in $(seq "$quota_nodes"); do
		second+=("${first[$((n - 1))]} $(quota_read "$n" "$1")")
	done
	printf '%s\n' "${second[@]}" |
		awk '{ rate += ($4 - $2) * 1e9 / ($3 - $1) } END { printf "%.0f\n", rate }'
}

# quota_flood NODE SECONDS OPTIONS: in the background, to the end of the test at most
quota_flood() {
	local n=$1 seconds=$2

	shift 2
	spawn client "$sl_bin/flood" --interface "c$n" --mac "$(ns_mac "$n" 1)" \
		--target "10.$n.0.1" --for "${seconds}s" "$@" >/dev/null
}

quota_cut() {
	ip -n "$(ns store)" link set "s$1" down
}

quota_mend() {
	ip -n "$(ns store)" link set "s$1" up
	ip -n "$(ns store)" neighbour replace "10.$((100 + $1)).0.2" lladdr "$(ns_mac $((100 + $1)) 2)" \
		dev "s$1" nud permanent
}

quota_nats() {
	local n

	quota_nats=nats://10.51.0.1:4222
	ns_add talk
	ip -n "$(ns talk)" address add 10.51.0.1/32 dev lo
	for n in $(seq "$quota_nodes"); do
		ns_link talk "t$n" "node$n" m0 $((150 + n))
		ip -n "$(ns "node$n")" route add 10.51.0.1/32 via "10.$((150 + n)).0.1"
	done
	echo 'listen: "10.51.0.1:4222"' >"$sl_dir/nats.conf"
	: >"$sl_dir/nats.log"
	spawn talk nats-server -c "$sl_dir/nats.conf" >>"$sl_dir/nats.log" 2>&1
	wait_for 10 grep -q 'Server is ready' "$sl_dir/nats.log"
}

# Waits for the PONG: then it was taken.
quota_say() {
	# shellcheck disable=SC2016 # the shell in the namespace expands it
	printf 'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$1" "${#2}" "$2" |
		in_ns talk timeout 5 bash -c "exec 3<>/dev/tcp/10.51.0.1/4222; cat >&3
			while read -r line <&3; do [[ \$line != PONG* ]] || exit 0; done; exit 1"
}
