# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by integration tests and the demo: network namespaces with veth pairs,
# the agent in one of them, results as "ok - name" lines; and all of it is taken
# down on exit, whatever happened.
#
#   . tests/harness/netns.sh
#   netns_begin
#   ns_add node client
#   ns_link node n0 client c0 1     # 10.1.0.1 and fd00:1::1; 10.1.0.2 and fd00:1::2
#   in_ns client ping -c 1 10.1.0.1
#
# All names hold the script's process id: scripts may run side by side. $sl_dir is a
# temporary folder, $sl_pins the agent's pin folder. Traffic stays in the namespaces.

sl_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
sl_build=${SL_BUILD:-build}
[[ $sl_build = /* ]] || sl_build=$sl_root/$sl_build
sl_bin=$sl_build/bin
sl_tag=sl-$$
sl_pins=/sys/fs/bpf/$sl_tag
sl_dir=
sl_failed=0
sl_namespaces=()
sl_pids=()
agent_pid=
export PATH=$PATH:/usr/sbin:/sbin

# ---- begin and end ------------------------------------------------------------

netns_begin() {
	if [ "$(id -u)" -ne 0 ] || [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" != bpf_fs ]; then
		not_ok "root and a bpffs on /sys/fs/bpf are needed"
		exit 1
	fi
	sl_dir=$(mktemp -d "${TMPDIR:-/tmp}/$sl_tag-XXXXXX")
	trap netns_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# Runs on exit. A script that got to its end fails when one of its checks did.
netns_end() {
	local code=$? pid name

	trap - EXIT INT TERM
	for pid in "${sl_pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${sl_pids[@]}"; do
		wait_for 2 gone "$pid" || kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for name in "${sl_namespaces[@]}"; do
		ip netns del "$name" 2>/dev/null
	done
	rm -rf "$sl_pins"
	[ -z "$sl_dir" ] || rm -rf "$sl_dir"
	[ "$code" -ne 0 ] || [ "$sl_failed" -eq 0 ] || code=1
	exit "$code"
}

gone() {
	! kill -0 "$1" 2>/dev/null || [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null)" = Z ]
}

# ---- results ---------------------------------------------------------------------

ok() {
	echo "ok - $1"
}

# not_ok NAME [DETAIL]
not_ok() {
	sl_failed=$((sl_failed + 1))
	echo "not ok - $1${2:+: $2}"
}

# Each of these fails when the check does: `check ... || exit 1` ends the test.
#
# check NAME COMMAND...
check() {
	local name=$1

	shift
	if "$@"; then ok "$name"; else not_ok "$name" "failed: $*" && return 1; fi
}

# check_equal NAME GOT WANT
check_equal() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got $2, want $3" && return 1; fi
}

# check_within NAME GOT WANT PERCENT
check_within() {
	if awk -v got="$2" -v want="$3" -v percent="$4" \
		'BEGIN { d = got - want; exit !((d < 0 ? -d : d) <= want * percent / 100) }'; then
		ok "$1"
	else
		not_ok "$1" "got $2, want $3 within $4 %"
		return 1
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds; 1 when it never did.
wait_for() {
	local until

	until=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt "$until" ] || return 1
		sleep 0.05
	done
}

# json EXPRESSION: of the JSON on standard input, as d, in Python: json 'd["packets"]'
json() {
	python3 -c '
import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1], {"d": d}))' "$1"
}

# json_is EXPRESSION: succeeds when it is true of the JSON on standard input
json_is() {
	[ "$(json "bool($1)")" = True ]
}

# ---- namespaces -------------------------------------------------------------------

# ns NAME: its name on this machine
ns() {
	echo "$sl_tag-$1"
}

# ns_add NAME...: quiet ones, so that counts are exact: no autoconfiguration, and what
# multicast groups say of themselves is said when the link comes up, not seconds later.
ns_add() {
	local name

	for name in "$@"; do
		name=$(ns "$name")
		ip netns add "$name" || exit 1
		sl_namespaces+=("$name")
		ip -n "$name" link set lo up
		ip netns exec "$name" sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 \
			net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv6.conf.default.mldv1_unsolicited_report_interval=1 \
			net.ipv6.conf.default.mldv2_unsolicited_report_interval=1 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
}

# in_ns NAME COMMAND...: sees the machine's /sys, and so bpffs and cgroups, but not
# the namespace's interfaces in /sys/class/net
in_ns() {
	local name=$1

	shift
	nsenter --net="/run/netns/$(ns "$name")" -- "$@"
}

# in_ns_sys NAME COMMAND...: with the namespace's own /sys/class/net, without bpffs
in_ns_sys() {
	local name=$1

	shift
	ip netns exec "$(ns "$name")" "$@"
}

# spawn NAME COMMAND...: in the background, in a namespace; sets spawned_pid
spawn() {
	local name=$1

	shift
	nsenter --net="/run/netns/$(ns "$name")" -- "$@" &
	spawned_pid=$!
	sl_pids+=("$spawned_pid")
}

# ns_mac N END: of the link number N
ns_mac() {
	printf '02:00:00:00:%02x:%02x' "$1" "$2"
}

# ns_link A IF_A B IF_B N: a veth pair, A's end .1 and B's end .2 of 10.N.0.0/24 and
# fd00:N::/64. Static neighbours, no offloads: what is counted is what a wire would
# carry. B's end has an XDP program that passes all, without which nothing that A's
# end sends by XDP_TX would arrive.
ns_link() {
	local a=$1 if_a=$2 b=$3 if_b=$4 n=$5

	ip -n "$(ns "$a")" link add "$if_a" address "$(ns_mac "$n" 1)" type veth \
		peer name "$if_b" address "$(ns_mac "$n" 2)" netns "$(ns "$b")" || exit 1
	ns_link_end "$a" "$if_a" "$n" 1 2
	ns_link_end "$b" "$if_b" "$n" 2 1
	in_ns "$b" "$sl_bin/xdp_bare" "$if_b" pass || exit 1
	sleep 0.1 # for the multicast groups; then nobody speaks unasked
}

ns_link_end() {
	local name=$1 interface=$2 n=$3 own=$4 other=$5

	in_ns "$name" ethtool -K "$interface" tx off rx off tso off gso off gro off >/dev/null 2>&1
	ip -n "$(ns "$name")" link set "$interface" up
	ip -n "$(ns "$name")" address add "10.$n.0.$own/24" dev "$interface"
	ip -n "$(ns "$name")" address add "fd00:$n::$own/64" dev "$interface" nodad
	ip -n "$(ns "$name")" neighbour add "10.$n.0.$other" lladdr "$(ns_mac "$n" "$other")" \
		dev "$interface" nud permanent
	ip -n "$(ns "$name")" neighbour add "fd00:$n::$other" lladdr "$(ns_mac "$n" "$other")" \
		dev "$interface" nud permanent
}

# ns_count NAME IF COUNTER: of the interface, as rx_packets
ns_count() {
	in_ns_sys "$1" cat "/sys/class/net/$2/statistics/$3"
}

# flood NAME IF N [OPTIONS of bin/flood]: from B's end of link N to A's end
flood() {
	local name=$1 interface=$2 n=$3

	shift 3
	in_ns "$name" "$sl_bin/flood" --interface "$interface" --mac "$(ns_mac "$n" 1)" "$@"
}

# ---- the agent ------------------------------------------------------------------------

# agent_config: a configuration on standard input, less version, paths and metrics,
# which are this script's own; into $sl_dir/agent.yaml
agent_config() {
	{
		echo "version: 1"
		echo "paths: {pin_dir: $sl_pins, socket: $sl_dir/agent.sock, state_dir: $sl_dir/state}"
		echo "metrics: {address: 127.0.0.1, port: 9477}"
		cat
	} >"$sl_dir/agent.yaml"
}

# start_agent NAME [OPTIONS of sluiced]: in a namespace, with $sl_dir/agent.yaml; waits
# until it is ready. Its log is $sl_dir/agent.log.
start_agent() {
	local name=$1

	shift
	mkdir -p "$sl_dir/state"
	spawn "$name" "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" "$@" >>"$sl_dir/agent.log" 2>&1
	agent_pid=$spawned_pid
	agent_namespace=$name
	wait_for 30 agent_settled && ! gone "$agent_pid" && return
	echo "the agent did not become ready:" >&2
	tail -n 20 "$sl_dir/agent.log" >&2
	return 1
}

# Ready, or dead.
agent_settled() {
	gone "$agent_pid" ||
		in_ns "$agent_namespace" curl -fsS -m 1 -o "$sl_dir/readyz" \
			http://127.0.0.1:9477/readyz 2>/dev/null
}

# stop_agent [SIGNAL]: and waits for its end; its limits stay in force
stop_agent() {
	kill "-${1:-TERM}" "$agent_pid" 2>/dev/null
	wait_for 10 gone "$agent_pid" || return 1
	wait "$agent_pid" 2>/dev/null
	agent_pid=
}

# agent_metric REGEX: the sum of the values of the metrics whose name and labels match
agent_metric() {
	in_ns "$agent_namespace" curl -fsS -m 2 http://127.0.0.1:9477/metrics |
		awk -v regex="$1" '$0 !~ /^#/ && $0 ~ regex { n += $NF } END { printf "%.0f\n", n }'
}

# ctl ARGUMENTS: sluicectl on this script's agent and pins
ctl() {
	in_ns "${agent_namespace:-node}" "$sl_bin/sluicectl" --pin-dir "$sl_pins" \
		--socket "$sl_dir/agent.sock" "$@"
}
