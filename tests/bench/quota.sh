#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How near the limit three real agents come that share it by a real Redis Cluster, whatever
# the split of the demand: prints "measured quota.three_nodes_error_percent" with the worst of
# the splits, and one line for each of them; all else goes to standard error.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

rate=3000
seconds=${SL_BENCH_QUOTA_S:-60}
metric=quota.three_nodes_error_percent
errors=()

die() {
	echo "bench: quota: $*" >&2
	exit 1
}

# split NAME RATE1 RATE2 RATE3: of demand, all of it over the limit
split() {
	local name=$1 n got

	shift
	for n in 1 2 3; do
		[ "$1" -eq 0 ] || quota_flood "$n" $((seconds + 20)) --rate "$1" --port 1000
		shift
	done
	sleep 8 # the shares follow
	got=$(quota_rate shared "$seconds")
	echo "$name: $got of $rate packets a second"
	errors+=("$name $(awk -v got="$got" -v rate=$rate 'BEGIN {
		error = 100 * (got - rate) / rate
		printf "%.2f\n", error < 0 ? -error : error
	}')")
	sleep 13 # the floods end
}

exec 3>&1 1>&2
netns_begin
trap 'redis_end; netns_end' EXIT
quota_begin 3
redis_begin || die "no redis-server"
start_cluster 3 1 || die "no cluster"
quota_config "nodes: 3, redis: {mode: cluster, addresses: \"$redis_cluster\"}" <<EOC
services: [{address: any, port: 1000, protocol: udp, tenant: shared}]
tenants: [{name: shared, ingress: {packets_per_s: $rate}, global: {packets: true}}]
EOC
for n in 1 2 3; do
	quota_start "$n" || die "the agent of node $n does not start"
done
quota_flood 1 8 --rate 100 --port 1000
sleep 8 # Redis never heard of this limit: for a lease's time nobody gets more than a cold share
split even 2000 2000 2000
split three_to_one 9000 3000 0
split one_node 0 0 9000
printf '%s\n' "${errors[@]}" | sort -n -k 2 | awk -v metric=$metric '
	{ error[NR] = $2; print "measured", metric, $1, $2, $2, $2 }
	END { print "measured", metric, "-", error[NR], error[1], error[NR] }' >&3
