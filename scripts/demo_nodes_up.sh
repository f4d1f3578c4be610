# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of demo_nodes.sh, netns.sh, stack.sh, ...
# Sourced by scripts/demo_nodes.sh: what runs on its two nodes and in "store", who of it is
# killed and how it comes back.

nodes=(1 2)
nodes_programs="redis agent1 agent2 gateway1 gateway2 nats router1 worker1 worker2 usage"
redis_wanted=1

# ---- what runs ---------------------------------------------------------------------------

nodes_scene() {
	local n

	quota_begin ${#nodes[@]}
	for n in 1 2 3 4; do
		ip -n "$(ns client)" address add "198.18.$n.2/32" dev lo
	done
	for n in "${nodes[@]}"; do
		ip -n "$(ns "node$n")" route add 198.18.0.0/15 via "10.$n.0.2"
	done
	TMPDIR=$sl_dir redis_begin
}

nodes_config() {
	local n

	quota_config "redis: {addresses: \"$(quota_redis quota)\"}" <<-CONF
		services:
		  - {address: any, port: 8080, protocol: tcp, bind: true}
		  - {address: any, port: 1000, protocol: udp}
		sizes: {tenants: 64, flows: 4096}
		nats: {servers: "nats://$stack_nats"}
		tenants:
		  - {name: steady, class: critical_plus, sources: [198.18.1.0/24]}
		  - {name: batch, class: sheddable, sources: [198.18.2.0/24]}
		  - name: chatty
		    sources: [198.18.3.0/24]
		    requests: {window: 1s, global: $chatty_limit, routes_decide: unlimited}
		    global: {requests: true}
		  - name: noisy
		    sources: [198.18.4.0/24]
		    ingress: {packets_per_s: $noisy_limit, packets_burst: $noisy_burst}
		    global: {packets: true}
	CONF
	for n in "${nodes[@]}"; do
		sed -i "s|^paths: {|&gateway_socket: $sl_dir/gateway$n.sock, |" "$sl_dir/node$n.yaml"
	done
}

# The pipeline in "store"; a worker has three threads, so that two of them do 300 jobs a second.
nodes_settings() {
	stack_dir=$sl_dir/nodes
	stack_prefix=(ip netns exec "$(ns store)")
	stack_port=8080
	stack_ports
	stack_nats=$redis_host:$stack_nats_port
	stack_nats_options=(-a 0.0.0.0)
	stack_tenant=steady
	stack_other_tenant='batch'
	stack_small_tenant=chatty
	stack_sed=(-e 's/^concurrency: .*/concurrency: 3/' -e 's/^queue: .*/queue: 8/'
		-e 's/latency: 5ms/latency: 20ms/' -e 's/, jitter: 10ms//')
	stack_router_sed=(-e '1i breaker: {open_for: 1s}')
}

# at_gateway N COMMAND...: a stack_ function, for the gateway of node N
at_gateway() {
	local stack_dir=$sl_dir/nodes/gateway$1 stack_prefix=(ip netns exec "$(ns "node$1")")
	local stack_gateway_host=10.$1.0.1 stack_url=http://10.$1.0.1:$stack_port
	local stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 100000/'
		-e 's/routes_decide: [0-9][0-9]*/routes_decide: 100000/; s/global: [0-9][0-9]*/global: 100000/'
		-e "s|^auth:|agent: {socket: $sl_dir/gateway$1.sock}\nescalation: {after: 0, tenant_after: 0}\n\n&|")

	shift
	"$@"
}

nodes_start_gateway() {
	mkdir -p "$stack_dir/log"
	cp "$sl_dir/nodes/api-keys.yaml" "$stack_dir/"
	stack_start_gateway
}

# As a service manager does: starts what is not running.
nodes_up() {
	local n

	if [ -n "$redis_wanted" ] && { [ -z "${redis_pid[quota]:-}" ] || gone "${redis_pid[quota]}"; }; then
		start_redis quota || return 1
	fi
	mkdir -p "$stack_dir"
	stack_make_keys
	stack_runs nats || stack_start_nats || return 1
	for n in "${nodes[@]}"; do
		[ -n "${quota_pid[$n]:-}" ] && ! gone "${quota_pid[$n]}" || quota_start "$n" || return 1
	done
	stack_runs usage || stack_start_usage || return 1
	stack_runs router1 || stack_start_router 1 || return 1
	stack_runs worker1 || stack_start_worker 1 || return 1
	stack_runs worker2 || stack_start_worker 2 || return 1
	for n in "${nodes[@]}"; do
		at_gateway "$n" stack_runs gateway || at_gateway "$n" nodes_start_gateway || return 1
	done
}

# The same without a single process more, for it is asked all the time.
nodes_all_run() {
	local name pid pids=("${quota_pid[@]}")

	[ -z "$redis_wanted" ] || pids+=("${redis_pid[quota]}")
	for name in nats usage router1 worker1 worker2 gateway1/gateway gateway2/gateway; do
		read -r pid <"$stack_dir/$name.pid" || return 1
		pids+=("$pid")
	done
	for pid in "${pids[@]}"; do
		kill -0 "$pid" || return 1
	done
} 2>/dev/null

nodes_down() {
	local n

	[ -d "$sl_dir/nodes" ] || return 0
	for n in "${nodes[@]}"; do
		at_gateway "$n" stack_end gateway
	done
	stack_dir=$sl_dir/nodes stack_down
}

# ---- who dies ------------------------------------------------------------------------------

nodes_pid() {
	case $1 in
	redis) echo "${redis_pid[quota]:-}" ;;
	agent*) echo "${quota_pid[${1#agent}]}" ;;
	gateway*) cat "$stack_dir/$1/gateway.pid" ;;
	*) cat "$stack_dir/$1.pid" ;;
	esac
}

nodes_kill() {
	case $1 in
	redis) redis_kill quota ;;
	agent*) quota_kill "${1#agent}" ;;
	gateway*) at_gateway "${1#gateway}" stack_end gateway KILL ;;
	*) kill -KILL "$(nodes_pid "$1")" ;;
	esac 2>/dev/null # bash would tell of it
}

# The API of both nodes answers, and both have leases.
nodes_answers() {
	local n

	for n in "${nodes[@]}"; do
		api_answers client "http://10.$n.0.1:$stack_port" --interface 198.18.1.2 || return 1
	done
	leases_are held
}

# leases_are STATE...: noisy's of both nodes, one of these
leases_are() {
	local n

	for n in "${nodes[@]}"; do
		quota_ctl "$n" quota --json 2>/dev/null | json_is "[lease for lease in d['leases']
			if lease['tenant'] == 'noisy' and lease['state'] in '$*'.split()]" 2>/dev/null || return 1
	done
}

# Nearly all of noisy's and chatty's limits is in both nodes' leases together.
limits_are_leased() {
	local n

	for n in "${nodes[@]}"; do
		quota_ctl "$n" quota --json 2>/dev/null
	done | python3 -c '
import json, sys
text, at, has = sys.stdin.read(), 0, {}
while at < len(text.rstrip()):
    said, at = json.JSONDecoder().raw_decode(text, at)
    at += len(text[at:]) - len(text[at:].lstrip())
    for lease in said["leases"]:
        has[lease["tenant"]] = has.get(lease["tenant"], 0) + lease["has"] / lease["rate"]
sys.exit(not all(has.get(name, 0) > 0.9 for name in ("noisy", "chatty")))'
}
