#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A small limit over two nodes, which ask one bucket in Redis: when Redis stood still they have
# their safe shares, and are served again soon, within the bound.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

quota_test 2

rate=36 burst=24 # under 20 a second for each node
quota_config "redis: {addresses: \"$(quota_redis one)\"}, nodes: 2" <<EOC
services:
  - {address: any, port: 1000, protocol: udp, tenant: small}
tenants:
  - {name: small, ingress: {packets_per_s: $rate, packets_burst: $burst}, global: {packets: true}}
EOC
quota_start_all

# all STATE: on both nodes
all() {
	local n

	for n in 1 2; do
		quota_says "$n" "[l for l in d['leases'] if l['tenant'] == 'small' and l['state'] == '$1']" || return
	done
}

admitted() {
	local n sum=0 said

	for n in 1 2; do
		said=$(quota_read "$n" small)
		sum=$((sum + ${said#* }))
	done
	echo "$sum"
}

# within NAME VALUE LEAST MOST
within() {
	check "$1: $2 of $3..$4" awk "BEGIN { exit !($2 >= $3 && $2 <= $4) }"
}

seconds() {
	awk "BEGIN { print ($(date +%s%N) - $1) / 1e9 }"
}

for n in 1 2; do
	quota_flood "$n" 300 --rate 300 --port 1000
done
check "both nodes ask Redis" wait_for 20 all held
sleep 6
within "the limit is one over both nodes" "$(quota_rate small 5)" 30 40

began=$(date +%s%N) before=$(admitted)
redis_signal one STOP
check "without Redis both have their safe shares" wait_for 20 all safe
sleep 1
within "which are used and at most the limit" "$(quota_rate small 4)" 18 40
redis_signal one CONT
healed=$(date +%s%N)
check "with Redis back both ask it again" wait_for 10 all held
within "soon" "$(seconds "$healed")" 0 4
# A connection takes up to two seconds to be made anew, and the rate above is of a second's half. How
# soon all are served once they are heard, test_central_outage shows.
served_again() {
	[ "$(quota_rate small 1)" -ge $((rate / 2)) ]
}
check "and are served again" wait_for 12 served_again
sleep 5
# R W + B + N q, and the safe shares of the outage
within "the sum is within the bound" $(($(admitted) - before)) 0 \
	"$(awk "BEGIN { print $rate * $(seconds "$began") + $burst + 4 + $rate * ($healed - $began) / 1e9 }")"
within "and the limit is full again" "$(quota_rate small 5)" 30 40
