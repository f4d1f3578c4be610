#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What operators do with global limits, on two nodes with a real Redis and real packets:
# see who holds what, and why a tenant is refused.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh

netns_begin
trap 'redis_end; netns_end' EXIT
. tests/harness/quota_nodes.sh
quota_begin 2
redis_begin || { not_ok "a redis-server" && exit 1; }
start_redis one || { not_ok "Redis starts" && exit 1; }

rate=2000
quota_config "redis: {addresses: \"$(quota_redis one)\"}" <<EOC
services:
  - {address: any, port: 1000, protocol: udp, tenant: shared}
  - {address: any, port: 1001, protocol: udp, tenant: tiny}
tenants:
  - {name: shared, ingress: {packets_per_s: $rate, packets_burst: 400}, global: {packets: true}}
  - {name: tiny, ingress: {packets_per_s: 2, packets_burst: 2}, global: {packets: true}}
  - {name: local, ingress: {packets_per_s: 100}}
EOC
for n in 1 2; do
	quota_start "$n" || { not_ok "the agent of node $n starts" && exit 1; }
done

# says NODE PYTHON ARGUMENTS...: of `sluicectl quota ARGUMENTS --json` as d
says() {
	local node=$1 truth=$2

	shift 2
	quota_ctl "$node" quota "$@" --json | json_is "$truth"
}

# refuses NODE TEXT ARGUMENTS...
refuses() {
	local node=$1 text=$2

	shift 2
	! quota_ctl "$node" quota "$@" >"$sl_dir/said" 2>&1 && grep -qF -- "$text" "$sl_dir/said"
}

# ---- who holds what ---------------------------------------------------------------------
check "show says that nobody holds a limit that nobody used" \
	says 1 "[l for l in d['limits'] if l['tenant'] == 'shared' and not l['nodes']]" show shared
quota_flood 1 240 --rate 3000 --port 1000
quota_flood 2 240 --rate 3000 --port 1000
# Both nodes want more than there is: each row of the two says so, and they add up.
check "show lists what each node holds, by Redis" wait_for 30 says 1 \
	"sorted(r['node'] for r in d['rows'] if r['state'] == 'held') == ['node1', 'node2'] and \
	 $rate * .8 <= sum(r['holds_per_s'] for r in d['rows']) <= $rate and \
	 all(0 < r['left_ns'] <= 10e9 and r['incarnation'] > 0 for r in d['rows'])" show shared
check "and what is in force, and why" wait_for 10 says 2 \
	"[l for l in d['limits'] if l['rate_per_s'] == $rate and l['effective_per_s'] == $rate and \
	  l['nodes'] == 2 and 'contended' in l['why'] and l['here'] == 'held']" show shared
check "without a name it shows all limits that are global, and no other" says 2 \
	"sorted(l['tenant'] for l in d['limits']) == ['shared', 'tiny']" show
check "it says that a tenant has none" refuses 1 'no limit of "local" is global' show local
check "and that there is no such tenant" refuses 1 'no limit of "nobody" is global' show nobody

# ---- why it refuses ----------------------------------------------------------------------
check "explain names the share of a contended limit" wait_for 10 says 1 \
	"d['refusals'][0]['cause'] == 'share' and d['refusals'][0]['refused'] > 0" explain shared
quota_flood 1 200 --rate 50 --port 1001
check "and that a small limit waits for Redis" wait_for 20 says 1 \
	"d['refusals'] and d['refusals'][0]['cause'] == 'central'" explain tiny
check "the words are there for people" quota_ctl 1 quota explain shared
redis_kill one
check "explain says that a lease ended" wait_for 30 says 2 \
	"d['refusals'][0]['cause'] == 'ended' and d['limits'][0]['state'] in ('blend', 'safe')" \
	explain shared
check "show says that Redis does not answer" refuses 1 "Redis" show
start_redis one || not_ok "Redis starts again"
check "and tells again when it does" wait_for 30 says 1 "len(d['rows']) == 2" show shared
