# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of demo.sh, netns.sh, stack.sh
# Sourced by scripts/demo.sh: the last phase. The whole pipeline runs on the node, the
# attacker floods it, three tenants call its API from their namespaces, and the router is
# restarted in the middle. What was accepted must have one result and one usage event each,
# also when one of the programs is killed by hand meanwhile (kill -9).

. scripts/stack.sh

calls=scripts/demo_pipeline.py
# The request that is followed hop by hop.
demo_trace=$(tr -d - </proc/sys/kernel/random/uuid)

# demo.yaml, with the gateway's port and the third tenant
pipeline_config() {
	sed -e '/^version:/d' -e 's|^services:|&\n  - {address: 192.0.2.80, port: 8080}|' \
		-e 's|^unknown:|  - name: third\n    sources: [10.3.0.0/24]\n    ingress: {packets_per_s: 10k}\n\n&|' \
		scripts/demo.yaml | agent_config
}

pipeline_up() {
	stack_dir=$sl_dir/stack
	stack_prefix=(ip netns exec "$(ns node)")
	stack_gateway_host=$server
	stack_port=8080
	stack_ports
	# steady and third have room; noisy is the tenant of the plan "small".
	stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 100000/' -e 's/routes_decide: 600/routes_decide: 60000/')
	stack_router_sed=(-e '1i breaker: {open_for: 1s}')
	stack_up
}

# call NAME NAMESPACE TENANT RATE KEY: in the background; pids in call_pids
call() {
	local followed=()

	[ "$1" != steady ] || followed=(--trace "$demo_trace")
	spawn "$2" python3 "$calls" call --url "$stack_url" --tenant "$3" --key "$5" --rate "$4" \
		--for "$seconds" --out "$sl_dir/calls.$1.json" --name "$1" "${followed[@]}"
	call_pids+=("$spawned_pid")
}

# watch_over TICK WHEN: at one tick the router is stopped, so that for a second there is
# none; at all others what somebody killed is started again
watch_over() {
	case $1 in
	"$2")
		say "the router is restarted: for a second there is none"
		stack_end router1
		;;
	$(($2 + 1))) ;;
	*) stack_up ;;
	esac
}

pipeline() {
	local seconds=6 tick flood_pid listen_pid

	pipeline_config
	start_agent node || exit 1
	pipeline_up || exit 1
	call_pids=()
	spawn attack nice -n 19 "$sl_bin/flood" --interface up0 --mac "$(ns_mac 3 1)" \
		--target "$server" --protocol tcp-syn,udp --rate 100k --for "${seconds}s" \
		--seed "$RANDOM" --kernel --cpu "$sender_cpu" >"$sl_dir/pipeline.attack.json"
	flood_pid=$spawned_pid
	spawn node python3 "$calls" listen --nats "$stack_nats" --trace "$demo_trace" \
		--out "$sl_dir/hops.json"
	listen_pid=$spawned_pid
	call steady steady acme 40 "$stack_key"
	call noisy noisy small 80 "$stack_small_key"
	call third attack beta 20 "$stack_other_key" # from where the attacker is as well
	for ((tick = 0; tick < 2 * seconds; tick++)); do
		sleep 0.5
		watch_over "$tick" "$seconds"
	done
	wait "${call_pids[@]}" "$flood_pid"
	stack_up
	in_ns node python3 "$calls" report --nats "$stack_nats" --ledger "$stack_dir/usage.db" \
		--hops "$sl_dir/hops.json" --out "$results/pipeline.json" \
		"$sl_dir"/calls.{steady,noisy,third}.json >"$sl_dir/pipeline.txt"
	pipeline_code=$?
	kill "$listen_pid"
	stack_down
	stop_agent TERM || say "demo: the agent did not stop" >&2
	ctl uninstall --yes >"$sl_dir/uninstall.log" 2>&1 || cat "$sl_dir/uninstall.log" >&2
}
