#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo: `make demo` (root). A web server, a steady tenant with 200 requests a second,
# a noisy one at 50 times its limit, an attacker with a flood of spoofed SYN and UDP;
# all in network namespaces of its own. Rounds of two phases, each beginning with the
# other one, and compared within the round, for a machine's pace changes with the minute:
#   floor       a bare XDP_DROP takes all that noisy and attacker send: the best there is
#   shielded    sluiced with scripts/demo.yaml
# and at last, as the half-open connections it leaves behind keep the node busy, and once,
# but for twice as long:
#   unshielded  nothing stands between them and the server
# Then the pipeline (scripts/demo_pipeline.sh): the tenants call the API on the flooded node,
# and the router is restarted meanwhile. Then two nodes (scripts/demo_nodes.sh): one limit
# over both, Redis killed meanwhile, workers that become slow.
# Prints a live table and a summary, writes results.json, pipeline.json and nodes.json to
# $SL_BUILD/demo, takes everything down. Exit code 1 when steady lost a request or a counter
# is wrong, 3 when all of it holds but the two nodes missed a target; the shield's times are
# only printed beside their targets, with the least and the most of the rounds.
#   scripts/demo.sh [--pipeline | --nodes] [--kill NAME,...]
#   --pipeline   only the pipeline
#   --nodes      only the two nodes
#   --kill       of the pipeline kills (kill -9) these one after the other, and starts them
#                again: gateway, gateway-worker, router1, worker1, worker2, usage, nats, agent;
#                with --nodes of the two nodes: redis, agent1, agent2, gateway1, gateway2, nats,
#                router1, worker1, worker2, usage
#   SL_DEMO_ROUNDS (6), SL_DEMO_SECONDS of a phase (2)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/harness/netns.sh
. scripts/demo_pipeline.sh
. scripts/demo_nodes.sh

rounds=${SL_DEMO_ROUNDS:-6}
seconds=${SL_DEMO_SECONDS:-2}
server=192.0.2.80
attack_per_s=400k
noisy_per_s=50k # 50 times what demo.yaml allows
# Senders and the client on one CPU, the node's packet work and the server on the other.
sender_cpu=0
node_cpu=$(($(nproc) > 1 ? 1 : 0))
# The attacker keeps its pace on a busy machine, too, where it does not have to share
# its CPU with the node.
attack_nice=$((node_cpu ? 0 : 19))
short_slice=tests/harness/short_slice.py
results=$sl_build/demo
links=(steady noisy attack)
declare -A napi

say() {
	printf '%s\n' "$*"
}

# ---- the scene -------------------------------------------------------------------

build_scene() {
	local n=0 name

	ns_add node "${links[@]}"
	ip -n "$(ns node)" address add "$server/32" dev lo
	for name in "${links[@]}"; do
		n=$((n + 1))
		ns_link node "${name}0" "$name" up0 "$n"
		ip -n "$(ns "$name")" route add "$server" via "10.$n.0.1"
		give_napi_thread "$name"
	done
	moderate_interrupts noisy0
	moderate_interrupts attack0
	# Where the node sends its answers to addresses that do not exist.
	ip -n "$(ns node)" route add 198.18.0.0/15 via 10.3.0.2
}

# give_napi_thread NAME: what NAME's link costs the node is then the CPU time of one
# thread, napi[NAME], as on a NIC whose queue has a CPU to itself.
give_napi_thread() {
	local before

	before=$(pgrep "^napi/$1" | sort)
	in_ns_sys node ethtool -K "${1}0" gro on
	in_ns_sys node sh -c "echo 1 >/sys/class/net/${1}0/threaded"
	wait_for 2 napi_thread_came "$1" "$before" || {
		say "demo: no NAPI thread for ${1}0: does this kernel have threaded NAPI?" >&2
		exit 1
	}
}

# moderate_interrupts IF: as a NIC under load does, at most one in 200 us. A veth wakes its
# thread for every few packets, which costs more than to drop them and varies more.
moderate_interrupts() {
	in_ns_sys node sh -c "cd /sys/class/net/$1 && echo 2 >napi_defer_hard_irqs &&
		echo 200000 >gro_flush_timeout"
}

napi_thread_came() {
	napi[$1]=$(comm -13 <(echo "$2") <(pgrep "^napi/$1" | sort) | tail -n 1)
	[ -n "${napi[$1]}" ]
}

start_server() {
	mkdir -p "$sl_dir/www" "$sl_dir/nginx"
	chmod 711 "$sl_dir"
	printf 'hello\n' >"$sl_dir/www/index.html"
	cat >"$sl_dir/nginx.conf" <<-CONF
		daemon off;
		user nobody nogroup;
		worker_processes 1;
		pid $sl_dir/nginx.pid;
		error_log $sl_dir/nginx.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $sl_dir/nginx/body;
			proxy_temp_path $sl_dir/nginx/proxy;
			fastcgi_temp_path $sl_dir/nginx/fastcgi;
			uwsgi_temp_path $sl_dir/nginx/uwsgi;
			scgi_temp_path $sl_dir/nginx/scgi;
			server { listen $server:80; root $sl_dir/www; }
		}
	CONF
	# Before what else runs on this machine.
	spawn node nice -n -5 taskset -c "$node_cpu" "$short_slice" nginx -e "$sl_dir/nginx.log" -c "$sl_dir/nginx.conf"
	wait_for 5 in_ns steady curl -fsS -m 1 -o "$sl_dir/hello" "http://$server/" 2>/dev/null ||
		{
			say "demo: the web server does not answer" >&2
			cat "$sl_dir/nginx.log" >&2
			exit 1
		}
}

# ---- one phase ---------------------------------------------------------------------

# CPU time of the NAPI thread of a link, ns
napi_ns() {
	cut -d ' ' -f 1 "/proc/${napi[$1]}/schedstat"
}

received() {
	ns_count node "${1}0" rx_packets
}

# usage_json: what each link has cost and brought so far, and what the agent has cost
usage_json() {
	local name agent_ns=0

	[ -z "$agent_pid" ] || agent_ns=$(cut -d ' ' -f 1 "/proc/$agent_pid/schedstat")
	printf '{"agent": {"cpu_ns": %d}' "$agent_ns"
	for name in "${links[@]}"; do
		printf ', "%s": {"cpu_ns": %d, "packets": %d}' "$name" "$(napi_ns "$name")" \
			"$(received "$name")"
	done
	printf '}\n'
}

# storm FILE SECONDS: noisy and attacker at work, in the background; sets storm_pids
storm() {
	storm_pids=()
	spawn attack nice -n "$attack_nice" "$sl_bin/flood" --interface up0 --mac "$(ns_mac 3 1)" \
		--target "$server" --protocol tcp-syn,udp --rate "$attack_per_s" --for "$2s" \
		--seed "$RANDOM" --kernel --cpu "$sender_cpu" >"$1.attack.json"
	storm_pids+=("$spawned_pid")
	spawn noisy "$sl_bin/flood" --interface up0 --mac "$(ns_mac 2 1)" --target "$server" \
		--source 10.2.0.2 --protocol ack,udp --rate "$noisy_per_s" --for "$2s" \
		--cpu "$sender_cpu" >"$1.noisy.json"
	storm_pids+=("$spawned_pid")
}

# measure FILE: the storm, and steady's requests in the midst of it
measure() {
	local name

	for name in "${links[@]}"; do
		taskset -pc "$node_cpu" "${napi[$name]}" >/dev/null
		renice -n -15 -p "${napi[$name]}" >/dev/null # before the server, as softirqs are
	done
	"$short_slice" "${napi[@]}"
	usage_json >"$1.before.json"
	storm "$1" $((seconds + 1))
	sleep 0.4
	spawn steady nice -n -19 taskset -c "$sender_cpu" "$short_slice" "$sl_bin/latency" --target "$server" \
		--rate 200 --for "${seconds}s" --timeout 1s --fresh --connections 256 \
		>"$1.steady.json"
	[ "${2:-}" = live ] && watch_tenants
	wait "$spawned_pid" "${storm_pids[@]}"
	wait_for 2 drained
	usage_json >"$1.after.json"
}

# Nothing comes any more.
drained() {
	local before

	before=$(received attack)
	sleep 0.1
	[ "$before" = "$(received attack)" ]
}

# A table a second, while steady's client runs.
watch_tenants() {
	while ! gone "$spawned_pid"; do
		nice -n 19 taskset -c "$sender_cpu" "$sl_bin/sluicectl" --pin-dir "$sl_pins" \
			tenants top --once | sed 's/^/    /'
		echo
		sleep 0.5
	done
}

floor() {
	in_ns node "$sl_bin/xdp_bare" noisy0 drop && in_ns node "$sl_bin/xdp_bare" attack0 drop ||
		exit 1
	measure "$1"
	in_ns node "$sl_bin/xdp_bare" noisy0 off
	in_ns node "$sl_bin/xdp_bare" attack0 off
}

unshielded() {
	measure "$1"
}

shielded() {
	local name

	grep -v '^version:' scripts/demo.yaml | agent_config
	usage_json >"$1.attached.json"
	start_agent node || exit 1
	measure "$1" "$([ "$2" -eq 1 ] && echo live)"
	ctl status --json >"$1.status.json"
	for name in steady noisy unknown; do
		ctl tenants get "$name" --json >"$1.tenant.$name.json"
	done
	stop_agent TERM || say "demo: the agent did not stop" >&2
	ctl uninstall --yes >"$sl_dir/uninstall.log" 2>&1 || cat "$sl_dir/uninstall.log" >&2
}

# Floor, shielded and unshielded side by side.
compare() {
	local round phase phases

	start_server
	say "A web server at $server; steady asks 200 times a second, each time on a new connection;"
	say "noisy sends $noisy_per_s packets/s where 1k are allowed; the attacker $attack_per_s,"
	say "SYN and UDP, from 131072 spoofed addresses. $rounds rounds of floor and shielded, then"
	say "unshielded. The load average of this machine before: $(cut -d ' ' -f 1 /proc/loadavg)."
	for ((round = 1; round <= rounds; round++)); do
		phases=(floor shielded)
		((round % 2)) || phases=(shielded floor)
		for phase in "${phases[@]}"; do
			say "round $round: $phase"
			"$phase" "$sl_dir/$phase.$round" "$round"
		done
	done
	seconds=$((2 * seconds))
	say "unshielded"
	unshielded "$sl_dir/unshielded.1"
}

# ---- the whole ------------------------------------------------------------------------

demo_end() {
	local code=$?

	nodes_down
	stack_dir=$sl_dir/stack stack_down
	redis_end
	(exit "$code")
	netns_end
}

usage() {
	say "usage: scripts/demo.sh [--pipeline | --nodes] [--kill NAME,...]"
	say "names: $demo_programs; with --nodes: $nodes_programs"
}

refuse() {
	say "demo: $1" >&2
	usage >&2
	exit 2
}

only=
kills=()
while [ $# -gt 0 ]; do
	case $1 in
	--pipeline | --nodes)
		[ -z "$only" ] || refuse "--$only and $1: one of the two"
		only=${1#--}
		;;
	--kill)
		shift
		IFS=, read -ra kills <<<"${1:-}"
		[ ${#kills[@]} -gt 0 ] || refuse "--kill: whom?"
		;;
	--help | -h)
		usage
		exit
		;;
	*) refuse "$1: unknown" ;;
	esac
	shift
done
mortals=$demo_programs
[ "$only" != nodes ] || mortals=$nodes_programs
for name in "${kills[@]}"; do
	[[ " $mortals " = *" $name "* ]] || refuse "--kill $name: no such program there"
done

netns_begin
trap demo_end EXIT
mkdir -p "$results"
shield_code=0 pipeline_code=0 nodes_code=0
[ "$only" = nodes ] || build_scene
if [ -z "$only" ]; then
	compare
fi
if [ "$only" != nodes ]; then
	say "the pipeline: three tenants call its API, while the attacker floods the node"
	pipeline
fi
if [ "$only" != pipeline ]; then
	[ -n "$only" ] || kills=()
	say "two nodes, each with its agent and gateway, share limits by Redis"
	two_nodes
fi
if [ -z "$only" ]; then
	python3 scripts/demo_report.py "$sl_dir" "$results/results.json"
	shield_code=$?
fi
cat "$sl_dir/pipeline.txt" "$sl_dir/nodes.txt" 2>"$sl_dir/cat"
[ "$shield_code" -eq 0 ] && [ "$pipeline_code" -eq 0 ] && (exit "$nodes_code")
