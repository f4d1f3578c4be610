# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of demo.sh, netns.sh, stack.sh
# Sourced by scripts/demo.sh: the last phase. The whole pipeline runs on the node, the
# attacker floods it, three tenants call its API from their namespaces, and the router is
# restarted in the middle. The gateway binds their connections to them in the kernel, and
# hands it those of noisy, who keeps asking after 429. What was accepted must have one result
# and one usage event each, also when any of the programs is killed meanwhile (kill -9): by
# hand, or by --kill.

. scripts/stack.sh

calls=scripts/demo_pipeline.py
demo_callers=(steady noisy third)
demo_programs="gateway gateway-worker router1 worker1 worker2 usage nats agent"
# The request that is followed hop by hop.
demo_trace=$(tr -d - </proc/sys/kernel/random/uuid)

# ---- what runs -------------------------------------------------------------------------

# demo.yaml, with the gateway's port and the third tenant; connections are bound.
pipeline_config() {
	sed -e '/^version:/d' -e '/^# Nobody binds/d' -e 's|flows: 0|flows: 4096|' \
		-e 's|^services:|&\n  - {address: 192.0.2.80, port: 8080, bind: true}|' \
		-e 's|^unknown:|  - name: third\n    sources: [10.3.0.0/24]\n    ingress: {packets_per_s: 10k}\n\n&|' \
		scripts/demo.yaml | agent_config
	sed -i "s|^paths: {|&gateway_socket: $sl_dir/gateway.sock, |" "$sl_dir/agent.yaml"
}

pipeline_settings() {
	stack_dir=$sl_dir/stack
	stack_prefix=(ip netns exec "$(ns node)")
	stack_gateway_host=$server
	stack_port=8080
	stack_ports
	# As the agent names them. steady and third have room; noisy has the plan "small".
	stack_tenant=steady
	stack_small_tenant=noisy
	stack_other_tenant=third
	# A busy machine may keep noisy from asking more than ten times a second.
	stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 100000/' -e 's/routes_decide: 600/routes_decide: 60000/'
		-e "s|^auth:|agent: {socket: $sl_dir/gateway.sock}\nescalation: {after: 5}\n\n&|")
	stack_router_sed=(-e '1i breaker: {open_for: 1s}')
}

# As a service manager does: starts what is not running.
pipeline_up() {
	if [ -z "$agent_pid" ] || gone "$agent_pid"; then
		start_agent node || return 1
	fi
	stack_up
}

# ---- who dies ----------------------------------------------------------------------------

pipeline_pid() {
	case $1 in
	agent) echo "$agent_pid" ;;
	gateway-worker) pgrep -o -P "$(cat "$stack_dir/nginx.own")" ;;
	*) cat "$stack_dir/$1.pid" ;;
	esac
}

# The gateway is killed with its workers, which would keep the port.
pipeline_kill() {
	case $1 in
	gateway) stack_end gateway KILL ;;
	agent) stop_agent KILL 2>/dev/null ;; # bash would tell of it
	*) kill -KILL "$(pipeline_pid "$1")" ;;
	esac
}

pipeline_answers() {
	api_answers steady "$stack_url"
}

# api_answers NAMESPACE URL [OPTIONS of curl]: a decision of steady's
api_answers() {
	local name=$1 url=$2

	shift 2
	[ "$(in_ns "$name" curl -s -m 2 -o "$sl_dir/said" -w '%{http_code}' "$@" "$url/api/v1/routes/decide" \
		-H "X-API-Key: $stack_key" -H 'Content-Type: application/json' -d '{"version": "1",
			"tenant_id": "steady", "request_id": "again", "task": {"type": "chat", "payload": {"text": "hello"}}}')" = 200 ]
}

# killed PART NAME: kill -9, half a second without it, and back
killed() {
	local part=$1 name=$2 pid since

	pid=$("${part}_pid" "$name")
	"${part}_kill" "$name" || say "demo: $name cannot be killed" >&2
	wait_for 2 gone "$pid" || say "demo: $name survived" >&2
	sleep 0.5
	since=$(date +%s%N)
	if "${part}_up" && wait_for 10 "${part}_answers" && [ "$("${part}_pid" "$name")" != "$pid" ]; then
		say "kill -9 $pid ($name); started again, the API answers after $((($(date +%s%N) - since) / 1000000)) ms"
	else
		say "kill -9 $pid ($name); it did not come back"
	fi
	sleep 1
}

# For a second there is no router.
router_restarted() {
	say "the router is restarted: for a second there is none"
	stack_end router1
	sleep 1
	stack_start_router 1
}

# ---- who calls -----------------------------------------------------------------------------

# call NAME NAMESPACE RATE KEY: in the background; pids in call_pids
call() {
	local followed=()

	[ "$1" != steady ] || followed=(--trace "$demo_trace")
	spawn "$2" python3 "$calls" call --url "$stack_url" --tenant "$1" --key "$4" --rate "$3" \
		--for "$call_seconds" --out "$sl_dir/calls.$1.jsonl" "${followed[@]}"
	call_pids+=("$spawned_pid")
}

tenants_call() {
	call_pids=()
	call steady steady 40 "$stack_key"
	call noisy noisy 160 "$stack_small_key"
	call third attack 20 "$stack_other_key" # from where the attacker is as well
}

attack_begins() {
	spawn attack nice -n 19 "$sl_bin/flood" --interface up0 --mac "$(ns_mac 3 1)" \
		--target "$server" --protocol tcp-syn,udp --rate 100k --for "${call_seconds}s" \
		--seed "$RANDOM" --kernel --cpu "$sender_cpu" >"$sl_dir/pipeline.attack.json"
	flood_pid=$spawned_pid
}

# ---- all of it -------------------------------------------------------------------------------

pipeline() {
	local call_seconds=60 name flood_pid listen_pid begin

	pipeline_config
	pipeline_settings
	pipeline_up || exit 1
	attack_begins
	spawn node python3 "$calls" listen --nats "$stack_nats" --trace "$demo_trace" --out "$sl_dir/hops.json"
	listen_pid=$spawned_pid
	# The request that is followed is among the first.
	wait_for 10 test -s "$sl_dir/hops.json" || {
		say "demo: nothing is heard on the bus" >&2
		exit 1
	}
	tenants_call
	if [ ${#kills[@]} -eq 0 ]; then
		pipeline_stays 2
		router_restarted
		pipeline_stays 2
	else
		sleep 1.5
		for name in "${kills[@]}"; do
			killed pipeline "$name"
		done
	fi
	kill "${call_pids[@]}" "$flood_pid" 2>/dev/null
	wait "${call_pids[@]}" "$flood_pid"
	pipeline_up
	pipeline_summary
	kill "$listen_pid"
	stack_down
	stop_agent TERM || say "demo: the agent did not stop" >&2
	ctl uninstall --yes >"$sl_dir/uninstall.log" 2>&1 || cat "$sl_dir/uninstall.log" >&2
}

# pipeline_stays SECONDS: what somebody kills meanwhile is started again.
pipeline_stays() {
	local tick

	for ((tick = 0; tick < 2 * $1; tick++)); do
		sleep 0.5
		pipeline_up
	done
}

pipeline_summary() {
	local name escalations

	for name in "${demo_callers[@]}"; do
		ctl tenants get "$name" --json >"$sl_dir/kernel.$name.json"
	done
	escalations=$(in_ns node curl -sf -m 5 "http://$stack_host:$stack_metrics_port/metrics" |
		awk '/^gateway_escalations_total/ { n += $NF } END { printf "%d", n }')
	in_ns node python3 scripts/demo_summary.py --nats "$stack_nats" --ledger "$stack_dir/usage.db" \
		--trace "$demo_trace" --escalations "$escalations" --out "$results/pipeline.json" \
		"$sl_dir" >"$sl_dir/pipeline.txt"
	pipeline_code=$?
}
