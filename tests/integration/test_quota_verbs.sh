#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What operators do with global limits, on two nodes with a real Redis and real packets:
# see who holds what, and why a tenant is refused; change a limit on all nodes, drain one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

quota_test 2

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
quota_start_all

# refuses NODE TEXT ARGUMENTS...
refuses() {
	local node=$1 text=$2

	shift 2
	! quota_ctl "$node" quota "$@" >"$sl_dir/said" 2>&1 && grep -qF -- "$text" "$sl_dir/said"
}

# ---- who holds what ---------------------------------------------------------------------
check "show says that nobody holds a limit that nobody used" \
	quota_says 1 "[l for l in d['limits'] if l['tenant'] == 'shared' and not l['nodes']]" show shared
quota_flood 1 240 --rate 3000 --port 1000
quota_flood 2 240 --rate 3000 --port 1000
# Both nodes want more than there is: each row of the two says so, and they add up.
check "show lists what each node holds, by Redis" wait_for 30 quota_says 1 \
	"sorted(r['node'] for r in d['rows'] if r['state'] == 'held') == ['node1', 'node2'] and \
	 $rate * .8 <= sum(r['holds_per_s'] for r in d['rows']) <= $rate and \
	 all(0 < r['left_ns'] <= 10e9 and r['incarnation'] > 0 for r in d['rows'])" show shared
check "and what is in force, and why" wait_for 10 quota_says 2 \
	"[l for l in d['limits'] if l['rate_per_s'] == $rate and l['effective_per_s'] == $rate and \
	  l['nodes'] == 2 and 'contended' in l['why'] and l['here'] == 'held']" show shared
check "without a name it shows all limits that are global, and no other" quota_says 2 \
	"sorted(l['tenant'] for l in d['limits']) == ['shared', 'tiny']" show
check "it says that a tenant has none" refuses 1 'no limit of "local" is global' show local
check "and that there is no such tenant" refuses 1 'no limit of "nobody" is global' show nobody

# ---- why it refuses ----------------------------------------------------------------------
check "explain names the share of a contended limit" wait_for 10 quota_says 1 \
	"d['refusals'][0]['cause'] == 'share' and d['refusals'][0]['refused'] > 0" explain shared
quota_flood 1 200 --rate 50 --port 1001
check "and that a small limit waits for Redis" wait_for 20 quota_says 1 \
	"d['refusals'] and d['refusals'][0]['cause'] == 'central'" explain tiny
check "the words are there for people" quota_ctl 1 quota explain shared

# again NODE: its agent ends and starts anew
again() {
	quota_kill "$1" TERM && quota_start "$1"
}

# ---- another rate, on all nodes -----------------------------------------------------------
# in_force NODE RATE: by that node's own words
in_force() {
	quota_says "$1" "[l for l in d['leases'] if l['tenant'] == 'shared' and l['rate'] == $2]" node
}

# admits RATE LEAST MOST: percent of it, over all nodes
admits() {
	local got

	got=$(quota_rate shared 4)
	awk -v got="$got" -v rate="$1" -v least="$2" -v most="$3" \
		'BEGIN { percent = 100 * got / rate; print percent " % of " rate; exit !(percent >= least && percent <= most) }'
}

check "a limit is set for all nodes" quota_ctl 1 quota set shared packets 1k
check "the node that was told has it at once" wait_for 1 in_force 1 1000
check "the other one within a period" wait_for 3 in_force 2 1000
check "both keep to it" wait_for 30 admits 1000 80 104
check "show says where it was set" quota_says 2 \
	"d['limits'][0]['set_by'] == 'node1' and d['limits'][0]['rate_per_s'] == 1000" show shared
check_equal "and the metrics that a limit is changed" "$(quota_metric 2 '^sluice_quota_overrides')" 1
check "it is raised by a percentage, for a time, from another node" \
	quota_ctl 2 quota raise shared packets 300% --for 12s
check "and is in force there" wait_for 3 in_force 1 4000
check "all of it is used" wait_for 10 admits 4000 85 104
check "show says until when" quota_says 1 "0 < d['limits'][0]['set_left_ns'] <= 12e9" show shared
check "then the limit is the configuration's, on one" wait_for 15 in_force 1 $rate
check "and on the other" wait_for 5 in_force 2 $rate
check "nothing is set any more, and it says so" refuses 1 "nothing is set" clear shared packets
quota_ctl 1 quota lower shared packets 500 >/dev/null || not_ok "a limit is lowered"
check "a limit is lowered by a rate" wait_for 3 in_force 2 $((rate - 500))
check "what would leave nothing is refused" refuses 1 "nothing would be left" \
	lower shared packets 100%
check "so is a tenant whose limit is not global" refuses 1 "not global" set local packets 5
check "and a rate that cannot be" refuses 1 "out of range" set shared packets 2G
check "and a limit that there is not" refuses 1 "not one of" set shared pace 5

# Redis loses all: the agents bring it back.
redis one FLUSHALL >/dev/null || not_ok "Redis is emptied"
brought_back() {
	redis one HGET 'q:{alloc}:said' s:shared:p | grep -q "^[0-9]* $(((rate - 500) * 1000)) 0 node1$"
}
check "what Redis lost the agents write again" wait_for 10 brought_back
# An agent that starts finds it before it leases anything.
again 2 || not_ok "the agent of node 2 starts again"
check "an agent that starts anew finds it" wait_for 3 in_force 2 $((rate - 500))
quota_ctl 2 quota clear shared packets >/dev/null || not_ok "it is taken back"
check "it is taken back on all nodes" wait_for 3 in_force 1 $rate

# ---- a node is drained --------------------------------------------------------------------
drained() {
	quota_says "$1" "d['node']['drained'] and \
		not [l for l in d['leases'] if l['state'] != 'cold']" node
}
holds_all() {
	quota_says 1 "sum(r['holds_per_s'] for r in d['rows'] if r['node'] == 'node1') >= $rate * .9 and \
		not [r for r in d['rows'] if r['node'] == 'node2' and r['holds_per_s']]" show shared
}
check "a node is drained from another one" quota_ctl 1 quota drain node2
check "it holds no lease" wait_for 3 drained 2
check "the other one takes all" wait_for 15 holds_all
check "explain says that it is drained" wait_for 5 quota_says 2 \
	"d['refusals'][0]['cause'] == 'drained'" explain shared
check "its traffic lives on the cold part" quota_says 2 \
	"0 < d['limits'][0]['has_per_s'] <= $rate / 100" explain shared
again 2 || not_ok "the agent of node 2 starts again"
sleep 3
check "it stays drained over a restart" drained 2
check "show names the nodes that are drained" quota_says 1 "[n for n in d['drained'] if n['node'] == 'node2']" show
check "undrained, it leases again" quota_ctl 2 quota undrain
check "and both have their parts" wait_for 20 quota_says 1 \
	"sorted(r['node'] for r in d['rows'] if r['holds_per_s'] > $rate / 4) == ['node1', 'node2']" \
	show shared
check "who is not drained cannot be undrained" refuses 1 "not drained" undrain

# ---- without Redis -----------------------------------------------------------------------
redis_kill one
check "explain says that a lease ended" wait_for 30 quota_says 2 \
	"d['refusals'][0]['cause'] == 'ended' and d['limits'][0]['state'] in ('blend', 'safe')" \
	explain shared
check "a limit cannot be set for all nodes" refuses 1 "Redis does not answer" set shared packets 1k
check "but a node can drain itself" quota_ctl 1 quota drain
check "at once" wait_for 1 drained 1
check "show says that Redis does not answer" refuses 1 "Redis" show
start_redis one || not_ok "Redis starts again"
check "and tells again when it does" wait_for 30 quota_says 1 "d['rows']" show shared
drain_known() {
	redis one HGET 'q:{alloc}:said' d:node1 | grep -q "^[0-9]* 1 0 node1$"
}
check "Redis hears then that the node is drained" wait_for 10 drain_known
