#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three nats-servers in a cluster, on loopback. The one that the gateway is connected to is
# killed: requests in flight are answered 503 at once, later ones by way of another server.
# Then each server in turn, and all of them.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

decide=/api/v1/routes/decide
subject=beamline.router.v1.decide
body='{"version":"1","tenant_id":"acme","request_id":"r1","task":{"type":"chat","payload":{"text":"hello there"}}}'
reply='{"ok":true,"decision":{"provider_id":"p1","priority":50,"expected_latency_ms":9,"expected_cost":0.1,"reason":"best"},"context":{"request_id":"r1"}}'
nodes=(1 2 3)

# node_port N: for clients; the next three are the cluster's own
node_port() {
	echo $((stack_nats_port + $1 - 1))
}

start_node() {
	local n=$1

	stack_spawn "nats$n" nats-server -a "$stack_host" -p "$(node_port "$n")" -n "node$n" \
		-js -sd "$stack_dir/jetstream$n" --cluster_name tests \
		--cluster "nats://$stack_host:$(($(node_port "$n") + 3))" --routes "$routes"
	stack_wait "nats$n" 10 bash -c "exec 3<>/dev/tcp/$stack_host/$(node_port "$n") && head -c 4 <&3 | grep -q INFO"
}

# One connection for each pair of them.
clustered() {
	[ "$(ss -Htn state established "( sport >= :$(($(node_port 1) + 3)) and sport <= :$(($(node_port 3) + 3)) )" | wc -l)" = 3 ]
}

gateway_worker() {
	pgrep -n -P "$(cat "$stack_dir/nginx.own")"
}

# gateway_node: the server that it is connected to
gateway_node() {
	local n

	for n in "${nodes[@]}"; do
		ss -Htnp state established "( dport = :$(node_port "$n") )" | grep -q "pid=$(gateway_worker)," && echo "$n" && return
	done
	return 1
}

# other_node N: one that is not it
other_node() {
	echo $(($1 % 3 + 1))
}

ask() {
	curl -s -m 10 -o "$sl_dir/answer.$1" -w '%{http_code} %{time_total}\n' -H "X-API-Key: $stack_key" \
		-H 'Content-Type: application/json' -d "$body" "$stack_url$decide"
}

decides() {
	[[ $(ask one) = "$1 "* ]]
}

# Somebody is asked and says nothing: 503 only when the gateway's 4 s are over. Nobody there
# is 503 too, but at once.
decides_late() {
	ask one | awk '{ exit !($1 == 503 && $2 > 3) }'
}

ready() {
	curl -fsS -m 2 -o "$sl_dir/answer" "$stack_url/health/ready" 2>"$sl_dir/curl"
}

# start_router NODES: one that agrees, by way of any of these
start_router() {
	stack_spawn router "$sl_bin/nats_answer" "$1" $subject "$reply"
}

killed_in_flight() {
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		ask "$i" >"$sl_dir/status.$i" &
		pids+=($!)
	done
	wait_for 5 in_flight_at_least 8 || return 1
	stack_end "nats$1" KILL
	wait "${pids[@]}"
	# Answered when the connection broke, well before the router's 4 s.
	awk '$1 != 503 || $2 > 2.5 { print "# " $0; bad = 1 } END { exit bad || NR != 8 }' "$sl_dir"/status.*
}

in_flight() {
	curl -sf "http://$stack_host:$stack_metrics_port/metrics" | awk '$1 == "gateway_requests_in_flight" { print $2 }'
}

in_flight_at_least() {
	[ "$(in_flight)" -ge "$1" ]
}

nothing_in_flight() {
	[ "$(in_flight)" = 0 ]
}

# killed N: a server goes and comes back, and requests are answered soon after either
killed() {
	stack_end "nats$1" KILL
	wait_for 10 decides 200 || return 1
	start_node "$1"
	wait_for 15 clustered && wait_for 5 decides 200
}

stack_begin
routes=$(for n in "${nodes[@]}"; do printf 'nats://%s:%s,' "$stack_host" $(($(node_port "$n") + 3)); done)
routes=${routes%,}
all=$(for n in "${nodes[@]}"; do printf 'nats://%s:%s,' "$stack_host" "$(node_port "$n")"; done)
all=${all%,}
stack_nats=${all#nats://}
stack_gateway_sed=(-e 's/worker_processes auto/worker_processes 1/' -e 's/timeout: 5s/timeout: 4s/'
	-e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/')
for n in "${nodes[@]}"; do
	check "server $n starts" start_node "$n" || exit 1
done
check "they are a cluster" wait_for 15 clustered || exit 1
check "the gateway starts" stack_start_gateway || exit 1

own=$(gateway_node)
check "it is connected to one of them" test -n "$own" || exit 1
other=$(other_node "$own")
stack_spawn silent "$sl_bin/nats_answer" "nats://$stack_host:$(node_port "$other")" $subject --silent
check "a silent router is asked by way of another server" wait_for 20 decides_late || exit 1
check "the gateway's server is killed: each request in flight gets 503 at once" killed_in_flight "$own" ||
	exit 1
stack_end silent
start_router "nats://$stack_host:$(node_port "$other")"
check "later ones are answered" wait_for 10 decides 200
check "by way of another server" test "$(gateway_node)" != "$own"
check "nothing is left in flight" wait_for 5 nothing_in_flight
check "the dead one comes back" start_node "$own"
check "into the cluster" wait_for 15 clustered
stack_end router
start_router "$all"
wait_for 10 decides 200
for n in "${nodes[@]}"; do
	check "server $n is killed and comes back: requests are answered" killed "$n"
done
for n in "${nodes[@]}"; do
	stack_end "nats$n" KILL
done
check "without any server: 503" wait_for 5 decides 503
for n in "${nodes[@]}"; do
	start_node "$n"
done
check "with all of them back requests are answered" wait_for 15 decides 200
check "and the gateway is ready" wait_for 15 ready
