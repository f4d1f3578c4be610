#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a tenant that hammers after 429 costs once it is pushed into the kernel, as a share
# of what answering it 429 costs: the CPU time of nginx and of the interface's NAPI thread
# (softirq) in the same time, by the same 64 impatient connections from an address that
# is the tenant's: so the kernel knows its new connections too. Prints
# "sample gateway.escalated.cpu_over_429 - RATIO" lines; all else goes to standard error.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/shielded_gateway.sh

rounds=3
seconds=3
name=gateway.escalated.cpu_over_429

die() {
	echo "bench: escalated: $*" >&2
	[ ! -s "$sl_dir/gateway.log" ] || tail -n 3 "$sl_dir/gateway.log" >&2
	exit 1
}

# In ns, of nginx's workers and the thread that receives for the node.
cpu_ns() {
	local pid

	for pid in $(pgrep -P "$nginx_pid") "$napi"; do
		cut -d ' ' -f 1 "/proc/$pid/schedstat"
	done | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# storm: "NS-OF-CPU ANSWERS ATTEMPTS" of so many seconds
storm() {
	local before said

	before=$(cpu_ns)
	said=$(client storm s 10.1.0.1 80 64 "${key[small]}" small "$seconds")
	echo "$(($(cpu_ns) - before)) $(tr -dc '0-9 ' <<<"$said")"
}

# with SED...: the gateway takes another configuration
with() {
	shielded_config "$@"
	shielded_reload || die "the gateway does not reload"
}

{
	sources[small]=10.1.0.0/24
	shielded_begin acme small
	in_ns_sys node sh -c "echo 1 >/sys/class/net/n0/threaded" || die "no threaded NAPI"
	napi=$(pgrep '^napi/n0-' | head -n 1)
	[ -n "$napi" ] || die "the interface has no NAPI thread"
	shielded_start_router || die "no router"
	shielded_start_gateway || die "no gateway"
	client_start
	for ((i = 0; i < rounds; i++)); do
		with -e 's/after: 10/after: 0/; s/routes_decide: 20/routes_decide: 1/'
		storm >"$sl_dir/warm"
		read -r cost answers _ < <(storm)
		[ "$answers" -gt 1000 ] || die "only $answers answers"
		with -e 's/tenant_after: 0/tenant_after: 100, longest: 8s/; s/routes_decide: 20/routes_decide: 1/'
		storm >"$sl_dir/warm" # escalates it
		read -r less dropped attempts < <(storm)
		[ "$dropped" -eq 0 ] || die "$dropped answers after the escalation"
		echo "round: 429 $answers answers, $((cost / answers)) ns each; escalated $attempts attempts, $((less / attempts)) ns each"
		awk -v less="$less" -v cost="$cost" -v name="$name" \
			'BEGIN { printf "sample %s - %.4f\n", name, less / cost }' >>"$sl_dir/samples"
		sleep 5.5 # until `longest` is over
	done
} >&2
cat "$sl_dir/samples"
