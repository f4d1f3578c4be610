#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The seam between gateway and kernel, with a real agent, nginx and traffic: connections
# are bound to their tenant and unbound, whoever dies; who hammers after 429 is refused in
# the kernel, for its time, and only it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/shielded_gateway.sh

# says NAME WANT COMMAND...: of the client
says() {
	local name=$1 want=$2

	shift 2
	check_equal "$name" "$(client "$@")" "$want"
}

# said_is REGEX: what hammering came to
said_is() {
	grep -q "$1" <<<"$said" || { echo "# $said" && return 1; }
}

# flows [TENANT]: how many connections are bound, in the kernel's map
flows() {
	ctl flows list --limit 5000 | awk -v tenant="${1:-}" 'NR > 1 && (tenant == "" || $4 == tenant)' | wc -l
}

flows_are() {
	[ "$(flows "${2:-}")" = "$1" ]
}

# packets TENANT REASON: so many came in
packets() {
	agent_metric "^sluice_packets_total[{]tenant=\"$1\".*direction=\"ingress\".*reason=\"$2\""
}

metric_rose() {
	[ "$(gateway_metric "$1")" -gt "$2" ]
}

acme() {
	client "$1" "$2" "${key[acme]}" acme "${@:3}"
}

shielded_begin acme beta small
check "the router starts" shielded_start_router
check "a gateway without privileges gets the maps" shielded_start_gateway
[ "$sl_failed" -eq 0 ] || { tail -n 5 "$sl_dir"/*.log && exit 1; }
client_start

# ---- binding ------------------------------------------------------------------------------

client open a 10.1.0.1 80 >"$sl_dir/said"
before=$(packets acme pass)
check_equal "a connection is nobody's before it says who it is" "$(flows) $before" "0 0"
check_equal "a request is answered" "$(acme ask a)" 200
port=$(cut -d ' ' -f 2 "$sl_dir/said")
check "its connection is bound, as it is on the wire" \
	grep -q "tcp *10.1.0.2:$port *10.1.0.1:80 *acme" <(ctl flows list)
acme ask a >"$sl_dir/said"
check "from then on the kernel counts its packets for the tenant" test "$(packets acme pass)" -gt "$before"
says "a stranger's request is refused" 401 ask a wrong acme
check "and changes nothing" flows_are 1 acme
says "another tenant's request on the connection" 200 ask a "${key[beta]}" beta
check_equal "takes it over" "$(flows acme) $(flows beta)" "0 1"
says "a tenant that the agent does not know is served" 200 ask a "${key[nowhere]}" nowhere
check_equal "and not bound" "$(flows)" 0
check_equal "which is counted" "$(gateway_metric 'gateway_flows_unbound_total{reason="no_tenant"}')" 1
client close a >"$sl_dir/said"

client open six fd00:1::1 80 >"$sl_dir/said"
acme ask six >"$sl_dir/said"
check "IPv6 is bound" grep -q "fd00:1::2.*fd00:1::1.*80 *acme" <(ctl flows list)
client open mapped 10.1.0.1 81 >"$sl_dir/said"
acme ask mapped >"$sl_dir/said"
check "IPv4 on an IPv6 listener is bound as IPv4" grep -q "10.1.0.2:.*10.1.0.1:81 *acme" <(ctl flows list)
client open proxied 10.1.0.1 83 192.0.2.9 >"$sl_dir/said"
check_equal "a request by way of a proxy" "$(acme ask proxied)" 200
check "is bound by the proxy's own address" grep -q "10.1.0.2:.*10.1.0.1:83 *acme" <(ctl flows list)
for name in six mapped proxied; do client close $name; done >"$sl_dir/said"
check "closed connections are unbound" wait_for 3 flows_are 0

bound=$(gateway_metric gateway_flows_bound_total)
in_ns client curl -s -m 10 --http2-prior-knowledge -o "$sl_dir/said" -o "$sl_dir/said" \
	-H "X-API-Key: ${key[acme]}" http://10.1.0.1:82/api/v1/messages http://10.1.0.1:82/api/v1/messages
check_equal "two requests of one HTTP/2 connection bind it once" "$(gateway_metric gateway_flows_bound_total)" $((bound + 1))
check "and its end unbinds it" wait_for 3 flows_are 0

says "1,000 connections to two workers" 1000 many crowd 10.1.0.1 80 1000 "${key[acme]}" acme
check_equal "are all bound" "$(flows acme)" 1000
check "and counted by the gateway" wait_for 3 gateway_metric_is gateway_flows 1000

# ---- the agent dies ---------------------------------------------------------------------------

stop_agent KILL
check "the agent's death is noticed" wait_for 5 gateway_metric_is gateway_agent_connected 0
ready_is() {
	[ "$(in_ns node curl -s -o "$sl_dir/said" -w '%{http_code}' http://127.0.0.1/health/ready)" = "$1" ]
}
check "a gateway that requires it is not ready" ready_is 503
client open b 10.1.0.1 80 >"$sl_dir/said"
check_equal "without it requests are served" "$(acme ask b)" 200
check_equal "and connections bound" "$(flows acme)" 1001
client close b >"$sl_dir/said"
start_agent node --gateway-socket "$sl_dir/gateway.sock" --gateway-group nogroup
check "its successor is found" wait_for 10 gateway_metric_is gateway_agent_connected 1
check "the gateway is ready again" ready_is 200
check_equal "and the flows are there" "$(flows acme)" 1000
sed -i 's/{name: acme}/{name: acme2}/' "$sl_dir/agent.yaml"
ctl reload >"$sl_dir/said"
check "a tenant that leaves the configuration loses its connections" wait_for 5 flows_are 0
sed -i 's/{name: acme2}/{name: acme}/' "$sl_dir/agent.yaml"
ctl reload >"$sl_dir/said"
client close crowd >"$sl_dir/said"
sleep 0.2 # the gateway looks at the names ten times a second at most

# ---- the gateway dies --------------------------------------------------------------------------

client many crowd 10.1.0.1 80 50 "${key[acme]}" acme >"$sl_dir/said"
in_ns node "$sl_bin/sluicectl" --pin-dir "$sl_pins" --socket "$sl_dir/agent.sock" \
	flows bind tcp 10.1.0.2:4000 10.1.0.1:8080 beta >"$sl_dir/said"
check_equal "50 connections, and one of somebody else" "$(flows)" 51
# One worker may have taken all of them.
worker=$(in_ns node ss -Htnp state established '( sport = :80 )' | sed -n '1s/.*pid=\([0-9]*\).*/\1/p')
kill -KILL "$worker"
swept() {
	[ "$(flows acme)" = "$(in_ns node ss -Htn state established '( sport = :80 )' | wc -l)" ] &&
		[ "$(gateway_metric gateway_flows_swept_total)" -gt 0 ]
}
check "what a killed worker left bound is swept by its successor" wait_for 10 swept
client many more 10.1.0.1 80 10 "${key[acme]}" acme >"$sl_dir/said"
shielded_kill_gateway
check "a killed gateway leaves flows" test "$(flows acme)" -gt 0
check "it is started again" shielded_start_gateway
check "and sweeps them, and nobody else's" wait_for 10 flows_are 1
ctl flows unbind tcp 10.1.0.2:4000 10.1.0.1:8080 >"$sl_dir/said"
client close more >"$sl_dir/said"
client close crowd >"$sl_dir/said"
client many crowd 10.1.0.1 80 20 "${key[acme]}" acme >"$sl_dir/said"
kill -HUP "$nginx_pid"
check "a reload unbinds what it closes" wait_for 10 flows_are 0
client close crowd >"$sl_dir/said"
client many crowd 10.1.0.1 80 20 "${key[acme]}" acme >"$sl_dir/said"
kill -TERM "$nginx_pid"
check "a gateway that ends unbinds its connections" wait_for 5 flows_are 0
wait "$nginx_pid"
client close crowd >"$sl_dir/said"
check "and starts" shielded_start_gateway

# ---- a limit of packets ---------------------------------------------------------------------------

client open a 10.1.0.1 80 >"$sl_dir/said"
acme ask a >"$sl_dir/said"
ctl limit set acme ingress.packets_per_s=0 >"$sl_dir/said"
check_equal "the kernel's limit of the tenant acts on its connection" "$(acme ask a 1)" late
ctl limit clear acme >"$sl_dir/said"
says "and ends" 200 wait a 10

# ---- escalation -----------------------------------------------------------------------------------

client open s 10.1.0.1 80 >"$sl_dir/said"
client open t 10.1.0.1 80 >"$sl_dir/said"
client ask t "${key[small]}" small >"$sl_dir/said"
said=$(client hammer s "${key[small]}" small 5)
check "who hammers after 429 gets no answer any more" said_is '^200=[0-9]* 429=1[01] late=1$'
check_equal "an escalation is counted" "$(gateway_metric 'gateway_escalations_total{scope="connection"}')" 1
refused() {
	[ "$(packets small escalated)" -gt "${before:-0}" ]
}
before=0
check "and its packets are dropped in the kernel" wait_for 5 refused
exceeded='gateway_rate_limit_exceeded_total{endpoint="routes_decide",tenant_id="small"}'
before=$(gateway_metric "$exceeded")
client blast s "${key[small]}" small 1 >"$sl_dir/said"
check_equal "however much it sends, the gateway has no more work by it" "$(gateway_metric "$exceeded")" "$before"
check "another tenant's connection is served" test "$(acme ask a)" = 200
check "another connection of the tenant is told 429 by the gateway" \
	test "$(client ask t "${key[small]}" small)" = 429
before=0
says "when its Retry-After is over it is answered, by nobody's doing" 200 wait s 10

# ... also when nobody is there to end it. What the client still repeats tells.
shielded_config -e 's/routes_decide: 20/routes_decide: 1/; s/after: 10/longest: 4s, after: 1/'
check "a reload takes another configuration" shielded_reload
client open u 10.1.0.1 80 >"$sl_dir/said"
before=$(packets small escalated)
said=$(client hammer u "${key[small]}" small 5)
check "a tenant of one request a minute is escalated" said_is 'late=1$'
check "its packets are dropped" wait_for 3 refused
shielded_kill_gateway
sleep 0.3
before=$(packets small escalated)
passed=$(packets small pass)
check "the refusal outlives the gateway" wait_for 4 refused
passes() {
	[ "$(packets small pass)" -gt "$passed" ]
}
check "nothing of it passes before its time is over" test "$(packets small pass)" = "$passed"
check "and ends by itself" wait_for 8 passes
check "a gateway comes back" shielded_start_gateway
client open v 10.1.0.1 80 >"$sl_dir/said"
check "to which others connect at once" test "$(acme ask v)" = 200

# ---- a whole tenant --------------------------------------------------------------------------------

# One request in four seconds: so long it is refused.
shielded_config -e 's/routes_decide: 20/routes_decide: 15/; s/after: 10/after: 0/; s/tenant_after: 0/tenant_after: 5/; s/tenant_after: 5}/tenant_after: 5, longest: 4s}/'
check "a reload" shielded_reload
client open x 10.1.0.1 80 >"$sl_dir/said"
client open y 10.1.0.1 80 >"$sl_dir/said"
client ask y "${key[small]}" small >"$sl_dir/said"
said=$(client hammer x "${key[small]}" small 5)
check "a tenant that hammers is refused" said_is 'late=1$'
check "as a tenant" metric_rose 'gateway_escalations_total{scope="tenant"}' 0
says "on its other connections too" late ask y "${key[small]}" small 1
client open w 10.1.0.1 80 >"$sl_dir/said"
check "others are served" test "$(acme ask w)" = 200
check "until its time is over" grep -qE '^(200|429)$' <(client wait x 15)

# ---- shadow -------------------------------------------------------------------------------------------

shielded_config -e 's/^limits:/&\n  mode: shadow/; s/routes_decide: 20/routes_decide: 1/'
check "a reload to shadow" shielded_reload
client open z 10.1.0.1 80 >"$sl_dir/said"
before=$(packets small escalated)
said=$(client hammer z "${key[small]}" small 1)
check "in shadow all pass" said_is '^200=[0-9]*$'
check "and what enforce would push is counted" metric_rose gateway_escalations_shadow_total 0
check_equal "nothing is refused in the kernel" "$(packets small escalated)" "$before"
check "nginx has nothing to complain of" test -z "$(grep -E '\[(alert|emerg)\]' "$sl_dir/nginx.log" | grep -v 'exited on signal 9')" ||
	sed 's/^/# /' "$sl_dir/nginx.log"
check_sanitized "$nginx_pid"
