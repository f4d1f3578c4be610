#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The agent dies and comes back, interfaces vanish and return: no counter, no limit and
# nothing an operator set is lost, and there is one agent at a time.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1

# config [SIZES]
config() {
	agent_config <<EOF
interfaces: [{name: n0}]
services: [{address: any, port: 80, protocol: udp}]
sizes: {${1:-tenants: 1024}}
tenants:
  - {name: a, sources: [10.1.0.0/16], ingress: {packets_per_s: 1M}}
  - {name: b, sources: [198.18.0.0/16], ingress: {packets_per_s: 10, packets_burst: 10}}
  - {name: leased, sources: [198.19.0.0/16], lease: 1s, on_lease_expiry: closed}
EOF
}

ask() {
	tests/harness/ask.py "$sl_dir/agent.sock" "$@"
}

# send SOURCE COUNT
send() {
	flood client c0 1 --target 10.1.0.1 --port 80 --source "$1" --count "$2" --rate 20000 \
		>"$sl_dir/flood"
}

# packets TENANT [REASON]
packets() {
	agent_metric "sluice_packets_total[{]tenant=\"$1\",direction=\"ingress\",reason=\"${2:-}"
}

packets_are() {
	[ "$(packets "$1")" = "$2" ]
}

config
start_agent node || { not_ok "the agent starts" && exit 1; }
send 10.1.0.2/32 1000
send 198.18.0.0/16 1000
check "tenant a counts" wait_for 3 packets_are a 1000
check "tenant b counts" wait_for 3 packets_are b 1000

# ---- one at a time -----------------------------------------------------------------

in_ns node timeout 5 "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" >"$sl_dir/second" 2>&1
check_equal "a second agent ends" $? 1
check "and says who is there" grep -q "another agent (process $agent_pid)" "$sl_dir/second"
in_ns node timeout 5 "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" \
	--state-dir "$sl_dir/other" --socket "$sl_dir/other.sock" >"$sl_dir/second" 2>&1
check_equal "also one with a state folder of its own" $? 1
check "for the maps are taken" grep -q 'is in use by another process' "$sl_dir/second"

# ---- kill -9 ------------------------------------------------------------------------

ask '{"cmd":"limit.set","tenant":"a","set":{"ingress.packets_per_s":"777k"}}' \
	'{"cmd":"block.add","prefix":"198.18.7.0/24","for":"1h"}' >"$sl_dir/answers"
check_equal "an operator sets a limit and a block" "$(sort -u "$sl_dir/answers")" '{"ok":true}'
passed=$(packets b pass)
stop_agent KILL || not_ok "the agent dies"
send 198.18.0.0/16 2000
send 10.1.0.2/32 500
check "its socket is left behind" test -S "$sl_dir/agent.sock"
start_agent node || not_ok "the agent starts after kill -9"
check "it adopted the maps" grep -q 'took over the maps' "$sl_dir/agent.log"
check_equal "nothing was lost of a" "$(packets a)" 1500
check_equal "nothing was lost of b" "$(packets b)" 3000
check "and b was limited all the time" test $(($(packets b pass) - passed)) -le 40
check "the operator's limit is in force" test \
	"$(agent_metric 'sluice_limit_packets_per_second[{]tenant="a"')" = 777000
check "and the block" json_is "len(d['overrides']) == 2" < <(ask '{"cmd":"limit.list"}')
send 198.18.7.0/24 100
blocked() {
	[ "$(agent_metric 'reason="blocked_prefix"')" -ge 100 ]
}
check "which drops" wait_for 3 blocked

# Nonsense in the state is told, moved aside, and does not keep the node unprotected.
stop_agent || not_ok "the agent ends"
echo '{"version":1,"overrides":[{"field":"mode"' >"$sl_dir/state/overrides.json"
start_agent node || not_ok "the agent starts with a broken state"
check "a broken state is told" grep -q 'overrides.json makes no sense, moved to .bad' "$sl_dir/agent.log"
check "and kept aside" test -s "$sl_dir/state/overrides.json.bad"
check_equal "and counted" "$(agent_metric '^sluice_agent_state_failures_total')" 1
check "the configuration is in force" test \
	"$(agent_metric 'sluice_limit_packets_per_second[{]tenant="a"')" = 1000000

# ---- leases: the kernel's own switch -----------------------------------------------------

send 198.19.0.0/16 200
check "a leased tenant passes" wait_for 3 packets_are leased 200
sleep 1.5
send 198.19.0.0/16 200
check "and is renewed" wait_for 3 packets_are leased 400
check_equal "so nothing was dropped" "$(packets leased pass)" 400
stop_agent KILL || not_ok "the agent dies"
sleep 1.5
send 198.19.0.0/16 300
start_agent node || not_ok "the agent starts again"
check_equal "without an agent the lease ended" "$(packets leased lease_closed)" 300
send 198.19.0.0/16 100
leased_passes() {
	[ "$(packets leased pass)" = "$1" ]
}
check "with one it lives" wait_for 3 leased_passes 500

# ---- interfaces vanish and return -----------------------------------------------------------

attached_is() {
	[ "$(agent_metric 'sluice_interface_attached[{]interface="n0"')" = "$1" ]
}
unpinned() {
	[ -z "$(find "$sl_pins/v1/links" -name 'xdp_*' -o -name 'tc_egress_*')" ]
}
ip -n "$(ns node)" link del n0
check "an interface that vanished is not protected" wait_for 5 attached_is 0
check "its pins are gone" wait_for 3 unpinned
check_equal "the agent is still ready" \
	"$(in_ns node curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9477/readyz)" 200
ns_link node n0 client c0 1
check "one that returned is" wait_for 5 attached_is 1
before=$(packets a)
send 10.1.0.2/32 100
check "and judged" wait_for 3 packets_are a $((before + 100))

ip -n "$(ns node)" link set n0 down
ip -n "$(ns node)" link set n0 name m0
check "a renamed interface is let go" wait_for 5 attached_is 0
check "by the kernel, too" \
	test -z "$(in_ns node bpftool net show dev m0 | grep -E 'driver|tcx')"
ip -n "$(ns node)" link set m0 name n0
ip -n "$(ns node)" link set n0 up
check "and protected under its name" wait_for 5 attached_is 1

# A storm: more changes than the agent can follow one by one.
for _ in $(seq 50); do
	echo "link add s0 type veth peer name s1"
	echo "link del s0"
done >"$sl_dir/storm"
ip -n "$(ns node)" -batch "$sl_dir/storm"
ip -n "$(ns node)" link del n0
ns_link node n0 client c0 1
check "after a storm the right one is protected" wait_for 5 attached_is 1
before=$(packets a)
send 10.1.0.2/32 100
check "and judges" wait_for 3 packets_are a $((before + 100))

# ---- other sizes ----------------------------------------------------------------------------

before=$(packets a)
stop_agent || not_ok "the agent ends"
config 'tenants: 2048'
in_ns node timeout 20 "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" >"$sl_dir/second" 2>&1
check_equal "other sizes are refused" $? 1
check "with the way out" grep -q -e '--migrate' "$sl_dir/second"
start_agent node --migrate || not_ok "the agent migrates"
check "maps were migrated" grep -q 'migrated the maps' "$sl_dir/agent.log"
check_equal "with their counters" "$(packets a)" "$before"
check_equal "to the new size" "$(agent_metric 'sluice_map_max_entries[{]map="sl_names"')" 2048
send 10.1.0.2/32 100
check "and it judges" wait_for 3 packets_are a $((before + 100))
