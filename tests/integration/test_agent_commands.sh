#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What operators and gateways ask of the agent's socket takes effect on packets.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1
agent_config <<'EOF'
interfaces: [{name: n0}]
services: [{address: any, port: 80, protocol: udp}]
tenants:
  - {name: a, sources: [10.1.0.0/16]}
  - {name: b}
blocks: [{prefix: 192.0.2.0/24}]
events: {sample: 1, per_s: 100k}
EOF
start_agent node --gateway-socket "$sl_dir/gateway.sock" || { not_ok "the agent starts" && exit 1; }

ask() {
	tests/harness/ask.py "$sl_dir/agent.sock" "$@"
}

# done_by NAME REQUEST: it is answered by ok
done_by() {
	check "$1" json_is "d['ok']" < <(ask "$2")
}

# refused NAME WORDS REQUEST
refused() {
	check "$1" json_is "not d['ok'] and '$2' in d['error']" < <(ask "$3")
}

# send SOURCE COUNT [OPTIONS]
send() {
	local source=$1 count=$2

	shift 2
	flood client c0 1 --target 10.1.0.1 --port 80 --source "$source" --count "$count" \
		--rate 20000 "$@" >"$sl_dir/flood"
}

# counted REGEX: more of it now than when it was last asked
counted() {
	agent_metric "^sluice_packets_total[{].*$1"
}

# rises NAME REGEX COUNT COMMAND...: the counter rises by COUNT while COMMAND runs
rises() {
	local name=$1 regex=$2 want=$3 before

	shift 3
	before=$(counted "$regex")
	"$@"
	risen() {
		[ "$(counted "$regex")" -eq $((before + want)) ]
	}
	check "$name" wait_for 3 risen
}

check "ping" json_is "d['ok'] and d['version']" < <(ask '{"cmd":"ping"}')
check "status" json_is "d['ready'] and d['sandbox'] and d['tenants'] == 2 and
	d['interfaces'][0]['xdp'] == 'native'" < <(ask '{"cmd":"status"}')
refused "an unknown tenant is named" 'no tenant is called' \
	'{"cmd":"limit.set","tenant":"nobody","set":{"blocked":true}}'
refused "an unknown command is named" 'is not a command' '{"cmd":"explode"}'

# ---- limits -------------------------------------------------------------------------------

rises "without a limit all passes" 'tenant="a".*reason="pass"' 500 send 10.1.0.2/32 500
done_by "a limit is set" \
	'{"cmd":"limit.set","tenant":"a","set":{"ingress.packets_per_s":1,"ingress.packets_burst":100},"for":"1h"}'
rises "and limits" 'tenant="a".*ingress.*reason="pass"' 100 send 10.1.0.2/32 500
check "and is listed" json_is "[(o['field'], o['tenant'], o['per_s'], o['burst'])
	for o in d['overrides']] == [('ingress_packets', 'a', '1', '100')]" < <(ask '{"cmd":"limit.list"}')
done_by "a limit is cleared" '{"cmd":"limit.clear","tenant":"a"}'
rises "and limits no more" 'tenant="a".*reason="pass"' 500 send 10.1.0.2/32 500
refused "there is nothing more to clear" 'nothing is set' '{"cmd":"limit.clear","tenant":"a"}'
done_by "a tenant is blocked for a second" \
	'{"cmd":"limit.set","tenant":"a","set":{"blocked":true},"for":"1s"}'
rises "and drops" 'tenant="a".*reason="blocked_tenant"' 50 send 10.1.0.2/32 50
ended() {
	json_is "d['overrides'] == []" < <(ask '{"cmd":"limit.list"}')
}
check "until it ends by itself" wait_for 5 ended
rises "and passes again" 'tenant="a".*reason="pass"' 50 send 10.1.0.2/32 50

# ---- blocks -----------------------------------------------------------------------------------

rises "the configuration's block drops" 'reason="blocked_prefix"' 50 send 192.0.2.0/24 50
done_by "it is lifted" '{"cmd":"block.del","prefix":"192.0.2.0/24"}'
rises "and drops no more" 'reason="blocked_prefix"' 0 send 192.0.2.0/24 50
refused "twice is refused" 'is not blocked' '{"cmd":"block.del","prefix":"192.0.2.0/24"}'
done_by "a prefix is blocked" '{"cmd":"block.add","prefix":"10.1.0.2"}'
rises "and dropped" 'reason="blocked_prefix"' 50 send 10.1.0.2/32 50
done_by "and let go" '{"cmd":"block.del","prefix":"10.1.0.2/32"}'
rises "and passes" 'tenant="a".*reason="pass"' 50 send 10.1.0.2/32 50

# ---- modes --------------------------------------------------------------------------------------

done_by "a tenant is limited to nothing" \
	'{"cmd":"limit.set","tenant":"a","set":{"ingress.packets_per_s":0}}'
rises "and drops" 'tenant="a".*reason="blocked_tenant"' 50 send 10.1.0.2/32 50
done_by "in shadow" '{"cmd":"mode.set","mode":"shadow","tenant":"a"}'
rises "it passes" 'tenant="a".*reason="pass"' 50 send 10.1.0.2/32 50
check "and what enforce would do is counted" test \
	"$(agent_metric '^sluice_shadow_packets_total[{]tenant="a".*reason="blocked_tenant"')" -eq 50
done_by "the mode is cleared" '{"cmd":"mode.clear","tenant":"a"}'
rises "and it drops" 'tenant="a".*reason="blocked_tenant"' 50 send 10.1.0.2/32 50
done_by "the node is off" '{"cmd":"mode.set","mode":"off","for":"1h"}'
before=$(agent_metric 'sluice_bypass_packets_total[{]direction="ingress",kind="off"')
send 10.1.0.2/32 50
check "and judges nothing" test \
	"$(agent_metric 'sluice_bypass_packets_total[{]direction="ingress",kind="off"')" -ge $((before + 50))
done_by "the node is on" '{"cmd":"mode.clear"}'
done_by "the limit is cleared" '{"cmd":"limit.clear","tenant":"a"}'

# ---- shedding ------------------------------------------------------------------------------------

done_by "all of a tenant is shed" '{"cmd":"shed.set","tenant":"a","permille":1000,"for":"1h"}'
rises "and is dropped" 'tenant="a".*reason="shed"' 200 send 10.1.0.2/32 200
done_by "another plan comes" '{"cmd":"reload"}'
rises "and the level stays" 'tenant="a".*reason="shed"' 200 send 10.1.0.2/32 200
done_by "it is ended" '{"cmd":"shed.set","tenant":"a","permille":0,"for":"1s"}'
rises "and nothing is shed" 'tenant="a".*reason="pass"' 200 send 10.1.0.2/32 200
done_by "half is shed for a second" '{"cmd":"shed.set","tenant":"a","permille":500,"for":"1s"}'
sleep 1.2
rises "and the kernel ends it" 'tenant="a".*reason="pass"' 200 send 10.1.0.2/32 200

# ---- flows ------------------------------------------------------------------------------------------

flow='"protocol":"udp","remote":"10.1.0.2","remote_port":4000,"local":"10.1.0.1","local_port":80'
done_by "a flow is bound" "{\"cmd\":\"flow.bind\",\"tenant\":\"b\",$flow}"
rises "and is that tenant's" 'tenant="b".*reason="pass"' 50 send 10.1.0.2/32 50 --source-port 4000
rises "the others are not" 'tenant="a".*reason="pass"' 50 send 10.1.0.2/32 50 --source-port 4001
done_by "it is unbound" "{\"cmd\":\"flow.unbind\",$flow}"
rises "and is the source's again" 'tenant="a".*reason="pass"' 50 send 10.1.0.2/32 50 --source-port 4000
refused "twice is refused" 'not bound' "{\"cmd\":\"flow.unbind\",$flow}"

# ---- gateways -------------------------------------------------------------------------------

gateway_asks() {
	tests/harness/ask.py "$sl_dir/gateway.sock" "$@"
}

check_equal "a gateway gets the maps, and may not write the limits" \
	"$(gateway_asks '{"cmd":"maps.fds"}' | sed 's/.*# //')" \
	"9 descriptors, read-only: sl_limits sl_ctl sl_names sl_req_limits"
check "a gateway is told that it may not do more" json_is \
	"not d['ok'] and 'use the admin socket' in d['error']" < <(gateway_asks '{"cmd":"status"}')
check_equal "its requests are counted" "$(agent_metric '^sluice_gateway_requests_total')" 2
check_equal "and its refusals" "$(agent_metric '^sluice_gateway_request_failures_total')" 1

# ---- events ------------------------------------------------------------------------------------------

done_by "a tenant is blocked" '{"cmd":"limit.set","tenant":"a","set":{"blocked":true}}'
ask --follow 60 '{"cmd":"events.follow"}' >"$sl_dir/events" &
follower=$!
drops_followed() {
	[[ $(grep -c '"reason":"blocked_tenant"' "$sl_dir/events") -ge $1 ]]
}
check "who follows is answered" wait_for 20 test -s "$sl_dir/events"
send 10.1.0.2/32 20 --source-port 4242
check "drops are followed" wait_for 20 drops_followed 20
kill "$follower"
wait "$follower"
check "with all that is known" json_is "d['tenant'] == 'a' and d['direction'] == 'ingress' and
	d['interface'] == 'n0' and d['protocol'] == 'udp' and d['remote'] == '10.1.0.2' and
	d['remote_port'] == 4242 and d['local'] == '10.1.0.1' and d['local_port'] == 80 and
	not d['shadow']" < <(sed -n 2p "$sl_dir/events")
check "who changed what is in the log" \
	grep -q 'msg="request done" request=".*limit.set.*blocked' "$sl_dir/agent.log"
