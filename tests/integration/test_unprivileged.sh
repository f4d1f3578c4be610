#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The pipeline as a careful container runtime would run it: each program is nobody, without
# capabilities, under a seccomp filter, on a root that is read-only but for one folder. It
# works, and the gateway binds connections in the kernel by what the agent hands it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

programs=(nats usage router1 worker1 worker2 gateway gateway-worker)

end() {
	local code=$?

	if [ "$code" -ne 0 ] || [ "$sl_failed" -ne 0 ]; then
		tail -n 5 "$sl_dir/agent.log" "$stack_dir"/log/*.log | cut -c -300 | sed 's/^/# /'
	fi
	stack_down
	(exit "$code")
	netns_end
}

# status NAME FIELD: of /proc/PID/status
status() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$(program_pid "$1")/status"
}

program_pid() {
	case $1 in
	gateway-worker) pgrep -o -P "$(cat "$stack_dir/nginx.own")" ;;
	*) cat "$stack_dir/$1.pid" ;;
	esac
}

none_has_privileges() {
	local name ids

	for name in "${programs[@]}"; do
		for field in CapInh CapPrm CapEff CapBnd CapAmb; do
			[ "$(status "$name" $field)" = 0000000000000000 ] || { echo "# $name: $field" && return 1; }
		done
		ids=$(status "$name" Uid)$(status "$name" Gid)$(status "$name" Groups)
		[[ $ids =~ ^65534 && ! $ids =~ (^|[^0-9])0([^0-9]|$) ]] || { echo "# $name: $ids" && return 1; }
	done
}

# Field FIELD of each program's status is WANT.
all_have() {
	local name

	for name in "${programs[@]}"; do
		[ "$(status "$name" "$1")" = "$2" ] || { echo "# $name: $1 $(status "$name" "$1")" && return 1; }
	done
}

# Root itself cannot write where they are, but in their folder.
none_can_write_elsewhere() {
	local name where

	for name in "${programs[@]}"; do
		for where in / /etc /tmp /run /dev/shm /usr/bin "$sl_dir"; do
			if nsenter -t "$(program_pid "$name")" -m touch "$where/written" 2>"$sl_dir/said" ||
				! grep -q 'Read-only file system' "$sl_dir/said"; then
				echo "# $name may write to $where" && return 1
			fi
		done
		nsenter -t "$(program_pid "$name")" -m touch "$stack_dir/written" || return 1
	done
}

# confined COMMAND...: as they are
confined() {
	tests/harness/confine.sh "$stack_dir" "$@" >"$sl_dir/said" 2>&1
}

# filtered: system calls that need no capability where users may have namespaces of their own
filtered() {
	confined unshare --user true
	grep -q 'Operation not permitted' "$sl_dir/said"
}

# decided ID: from the client's namespace, accepted and assigned
decided() {
	[ "$(in_ns client curl -s -m 10 -o "$sl_dir/answer" -w '%{http_code}' "$stack_url/api/v1/routes/decide" \
		-H "X-API-Key: $stack_key" -H 'Content-Type: application/json' -d '{"version": "1",
			"tenant_id": "acme", "request_id": "'"$1"'", "push_assignment": true,
			"idempotency_key": "key-'"$1"'", "task": {"type": "chat", "payload": {"text": "hello there"}}}')" = 200 ]
}

metric() {
	in_ns node curl -sf "http://$stack_host:$stack_metrics_port/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

metric_is() {
	[ "$(metric "$1")" = "$2" ]
}

new_workers() {
	[ "$(program_pid gateway-worker)" != "$1" ] && gone "$1"
}

# ---- a node with an agent, and the pipeline ------------------------------------------------

netns_begin
stack_dir=$sl_dir/stack
trap end EXIT
chmod 711 "$sl_dir"
ns_add node client
ns_link node n0 client c0 1
agent_config <<-YAML
	interfaces: [{name: n0}]
	services: [{address: any, port: any, protocol: tcp, bind: true}]
	unknown: {on_miss: pass}
	tenants: [{name: acme}]
YAML
check "the agent starts" start_agent node --gateway-socket "$sl_dir/gateway.sock" --gateway-group nogroup

stack_gateway_host=10.1.0.1
stack_port=8080
stack_ports
stack_prefix=(ip netns exec "$(ns node)" tests/harness/confine.sh "$stack_dir")
stack_gateway_sed=(-e '/^user /d' -e "s|^auth:|agent: {socket: $sl_dir/gateway.sock, required: true}\n\n&|")
mkdir -p "$stack_dir/log" "$stack_dir/jetstream"
touch "$stack_dir/log/gateway.log" # which the shell and the gateway both open
chown nobody:nogroup "$stack_dir" "$stack_dir/log" "$stack_dir/log/gateway.log" "$stack_dir/jetstream"
check "the pipeline starts" stack_up || exit 1

check "each program is nobody, with no capability" none_has_privileges
check "none can get more" all_have NoNewPrivs 1
check "a seccomp filter is on" all_have Seccomp 2
check "which refuses what it should" filtered
check "nothing but their folder is writable" none_can_write_elsewhere

# ---- it works ----------------------------------------------------------------------------------

check "the gateway has the agent's maps" wait_for 10 metric_is gateway_agent_connected 1
check "a request is accepted" decided one
check "worked on, and its cost is in the ledger" wait_for 10 ledger_has one
check "its connection was bound in the kernel" test "$(metric gateway_flows_bound_total)" -ge 1
check "and its packets charged to the tenant" \
	test "$(agent_metric '^sluice_packets_total[{]tenant="acme".*direction="ingress".*reason="pass"')" -gt 0
worker=$(program_pid gateway-worker)
kill -HUP "$(cat "$stack_dir/nginx.own")"
check "a reload works" wait_for 10 new_workers "$worker"
check "and requests after it" wait_for 10 decided two
check "new workers have no more" all_have Seccomp 2
check "their work is in the ledger" wait_for 10 ledger_has two
stack_end router1
check "a router ends and comes back" stack_start_router 1
check "and requests after it" wait_for 10 decided three
check "nothing was refused that they asked for" bash -c \
	"! grep -hE 'Read-only|Permission denied|not permitted' '$stack_dir'/log/*.log | grep -v setrlimit"
