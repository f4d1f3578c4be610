#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Agents hear each other by NATS: one that alone has lost Redis has its safe share as soon as
# its lease has ended; where Redis is gone for all, each keeps its last share and turns slowly.
# Two agents, a real Redis, a real nats-server that is reached on another way, real packets.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

quota_test 2
quota_nats || { not_ok "a nats-server" && exit 1; }

rate=3000
quota_config "redis: {addresses: \"$(quota_redis one)\"}" <<EOC
nats: {servers: "$quota_nats"}
services: [{address: any, port: 1000, protocol: udp, tenant: shared}]
tenants:
  - {name: shared, ingress: {packets_per_s: $rate, packets_burst: 300}, global: {packets: true}}
EOC
quota_start_all

# says NODE PYTHON: of what the agent says, as d; l is its lease
says() {
	quota_ctl "$1" quota --json | json_is "[l for l in d['leases'] if $2]"
}

# peers NODE STATE COUNT: by its metrics
peers() {
	[ "$(quota_metric "$1" "^sluice_quota_peers[{]state=\"$2\"")" = "$3" ]
}

# test_metric NODE REGEX VALUE
test_metric() {
	[ "$(quota_metric "$1" "$2")" = "$3" ]
}

# Prints a line for each change of the state of NODE's lease, with the time in ms
watch_states() {
	local state before=

	while :; do
		state=$(quota_ctl "$1" quota --json 2>/dev/null | json 'd["leases"][0]["state"]' 2>/dev/null)
		[ "$state" = "$before" ] || echo "$(($(date +%s%N) / 1000000)) $state"
		before=$state
		sleep 0.1
	done
}

# logged NODE TEXT: how many lines of its agent have it
logged() {
	grep -c "$2" "$sl_dir/node$1.log"
}

# What is wanted counts up to the limit.
quota_flood 1 600 --rate 1500 --port 1000
quota_flood 2 600 --rate 6000 --port 1000

check "a node hears the other" wait_for 20 peers 1 renewing 1
check "and the other hears it" wait_for 20 peers 2 renewing 1
# By demand the second node has two thirds; its safe share is half.
check "both have their share" wait_for 60 says 2 \
	"l['state'] == 'held' and l['has'] > $rate * .62 and l['nodes'] == 2"
check "people see the other one" json_is 'd["node"]["peers_renewing"] == 1' \
	< <(quota_ctl 2 quota --json)

# ---- who speaks nonsense, or of something else, changes nothing -----------------------------

beacon='{"version":"1","node":"x","incarnation":1,"renewed_ms":0,"failing_ms":0}'
check "nonsense is sent" quota_say sluice.v1.quota.peers.q nonsense
check "and counted" wait_for 10 test_metric 1 '^sluice_quota_beacons_malformed_total' 1
check "a node of another prefix speaks" quota_say sluice.v1.quota.peers.other "$beacon"
check "one of this prefix speaks" quota_say sluice.v1.quota.peers.q "$beacon"
check "who is heard" wait_for 5 peers 1 renewing 2
check "and forgotten" wait_for 20 peers 1 renewing 1
check "nobody is cut off" test_metric 1 '^sluice_quota_cut_off' 0

# ---- one node loses Redis ---------------------------------------------------------------------

watch_states 2 >"$sl_dir/states" &
watcher=$!
sl_pids+=("$watcher")
quota_cut 2
check "a node that alone lost Redis has its safe share" wait_for 30 says 2 \
	"l['state'] == 'safe' and l['has'] == $rate / 2 and 'other nodes' in l['why']"
check "which was watched" wait_for 10 grep -q safe "$sl_dir/states"
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
# From the end of its lease on. Both ends of what was seen are a reading late at most.
ms=$(awk '$2 != "held" && !ended { ended = $1 } $2 == "safe" { print $1 - ended; exit }' \
	"$sl_dir/states")
echo "# quota.cut_off_to_safe_ms $ms"
check "at once" test "${ms:-9999}" -le 2000
check "it says that it is cut off" test_metric 2 '^sluice_quota_cut_off' 1
check "the other one hears that it fails" wait_for 20 peers 1 failing 1
reading=$(quota_read 2 shared)
sleep 4
got=$(echo "$reading $(quota_read 2 shared)" | awk '{ printf "%.0f", ($4 - $2) * 1e9 / ($3 - $1) }')
check_within "so much passes there" "$got" $((rate / 2)) 6

quota_mend 2
check "with Redis back it has its share again" wait_for 60 says 2 \
	"l['state'] == 'held' and l['has'] > $rate * .62"
check "and is not cut off" wait_for 5 test_metric 2 '^sluice_quota_cut_off' 0
check_equal "its log says that Redis was away, that it alone was cut off, and that it is back, once each" \
	"$(logged 2 'Redis is away') $(logged 2 'this one is cut off') $(logged 2 'Redis answers again')" "1 1 1"
check_equal "that of the other one says nothing" "$(logged 1 Redis)" 0

# ---- all nodes lose Redis ---------------------------------------------------------------------

watch_states 2 >"$sl_dir/states" &
watcher=$!
sl_pids+=("$watcher")
redis_kill one
for n in 1 2; do
	check "without Redis for all node $n turns slowly" wait_for 30 says "$n" "l['state'] == 'blend'"
done
check "it hears that the other fails as well" wait_for 20 peers 2 failing 1
check "their logs say that Redis is away, and for the others as well" test \
	"$(logged 1 'Redis is away') $(logged 1 'none of the other') $(logged 2 'none of the other')" = "1 1 1"
sleep 5
check "it still has more than its safe share" says 2 \
	"l['state'] == 'blend' and l['has'] > $rate * .52"
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
check "and never was at it" test "$(grep -c safe "$sl_dir/states")" = 0
check "nobody is cut off" test_metric 2 '^sluice_quota_cut_off' 0
