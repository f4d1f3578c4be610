#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits of requests that the agent sets, with a real agent, two nginx of two workers each
# and concurrent clients: all of them share one bucket to the request; who dies changes
# nothing, and who comes back finds it as it was.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/shielded_gateway.sh

# A second nginx on the node, other ports and the same configuration.
start_second() {
	sed -e 's/listen 80 /listen 8000 /; /listen \[::\]/d; /listen 8[23] /d; s/:9101/:9102/' \
		-e "s,$sl_dir/nginx,$sl_dir/second,g" "$sl_dir/nginx.conf" >"$sl_dir/second.conf"
	mkdir -p "$sl_dir/second"
	spawn node "${gateway_with[@]}" nginx -e "$sl_dir/second.log" -p "$sl_dir" -c "$sl_dir/second.conf"
	second_pid=$spawned_pid
	wait_for 10 second_is_linked
}

second_is_linked() {
	[ "$(in_ns node curl -sf -m 5 http://127.0.0.1:9102/metrics |
		awk '$1 == "gateway_agent_connected" { print $2 }')" = 1 ]
}

# burst COUNT TENANT: so many decides at once, over both gateways; how many were 200
burst() {
	# shellcheck disable=SC2016 # the shells in the namespace expand it
	in_ns client bash -c 'seq "$1" | xargs -P 16 -I N bash -c "
		curl -s -m 10 -o /dev/null -w \"%{http_code}\n\" -H \"X-API-Key: $2\" \
			-H \"Content-Type: application/json\" -d \"\$3\" \
			http://10.1.0.1:\$((N % 2 ? 80 : 8000))/api/v1/routes/decide" burst "" "$2" "$3"' \
		burst "$1" "${key[$2]}" "$(request "$2")" >"$sl_dir/burst"
	grep -c '^200$' "$sl_dir/burst"
}

request() {
	printf '{"version":"1","tenant_id":"%s","request_id":"r1","task":{"type":"chat","payload":{"text":"long enough"}}}' "$1"
}

# decide TENANT [PORT] [HEADERS FILE]: the status
decide() {
	in_ns client curl -s -m 10 -D "${3:-$sl_dir/fields}" -o "$sl_dir/answer" -w '%{http_code}' \
		-H "X-API-Key: ${key[$1]}" -H 'Content-Type: application/json' -d "$(request "$1")" \
		"http://10.1.0.1:${2:-80}/api/v1/routes/decide"
}

decides() {
	[ "$(decide "${@:2}")" = "$1" ]
}

# refused TENANT: at both gateways
refused() {
	decides 429 "$1" 80 && decides 429 "$1" 8000
}

counted() {
	ctl tenants get acme --json | json "next(c['$2'] for c in d['requests'] if c['class'] == '$1')"
}

# requests TENANT TEXT: its `requests` in the configuration
requests() {
	sed -i "s/  - {name: $1[,}].*/  - {name: $1, $2}/" "$sl_dir/agent.yaml"
	ctl reload >"$sl_dir/said" && sleep 0.1 # a worker keeps what it read for 50 ms
}

limit() {
	ctl limit set acme "$@" >"$sl_dir/said" && sleep 0.1
}

shielded_begin acme beta small
gateway_options=(--gateway-socket "$sl_dir/gateway.sock" --gateway-group nogroup)
check "the router starts" shielded_start_router || exit 1
router_pid=$spawned_pid
check "a gateway starts" shielded_start_gateway || exit 1
check "and another on the same node" start_second || exit 1
admin=$(openssl rand -hex 16)
printf '  - {hmac: %s, tenant: beta, plan: large, roles: [admin]}\n' "$(printf %s "$admin" | openssl dgst \
	-sha256 -mac HMAC -macopt hexkey:9f86d081884c7d659a2feaa0c55ad015 | sed 's/.* //')" >>"$sl_dir/keys.yaml"

# ---- who says the limit ------------------------------------------------------------------

check_equal "what the agent does not limit is as the plan says" "$(burst 20 acme)" 20
before=$(counted routes_decide admitted)
own=$(gateway_metric 'gateway_request_limits_source_total{source="gateway"}')
check "which is counted" test "$own" -gt 0
check_equal "a plan's limit is one over both gateways as well" "$(burst 40 small)" 20
requests acme 'requests: {window: 1d}'
limit requests.routes_decide=40
check_equal "of 120 concurrent requests to four workers the agent's 40 pass" "$(burst 120 acme)" 40
check "the rest is told 429, with the node's limit" grep -qi '^x-ratelimit-limit: 40' \
	<(decide acme 80 /dev/stdout)
check_equal "what passed is counted in the kernel's map" "$(counted routes_decide admitted)" $((before + 40))
check "and what did not" test "$(counted routes_decide refused)" -ge 80
check_equal "nothing is left" "$(counted routes_decide left)" 0
check "who said so is counted" test \
	"$(gateway_metric 'gateway_request_limits_source_total{source="agent"}')" -gt 0
check_equal "other tenants are served" "$(burst 20 beta)" 20
check "sluicectl shows what was set" grep -q 'acme *requests_routes_decide *40 a window' <(ctl limit list)

override() {
	in_ns client curl -s -m 10 -o "$sl_dir/answer" -w '%{http_code}' -H "X-API-Key: $admin" \
		-H 'Content-Type: application/json' http://10.1.0.1/api/v1/admin/rate-limit/overrides \
		-d "{\"tenant_id\":\"$1\",\"class\":\"routes_decide\",\"limit\":$2}"
}
check "one gateway's operator may not change it" wait_for 5 test "$(override acme 9)" = 409
check_equal "what the agent leaves open may be overridden" "$(override beta 0)" 200
check "at this gateway" decides 429 beta 80
check "and no other" decides 200 beta 8000
check_equal "and back" "$(override beta null)" 200

# ---- policies ----------------------------------------------------------------------------------

# ask TENANT POLICY [PORT]: the status of a decide by it
ask() {
	in_ns client curl -s -m 10 -D "$sl_dir/fields" -o "$sl_dir/answer" -w '%{http_code}' \
		-H "X-API-Key: ${key[$1]}" -H 'Content-Type: application/json' "http://10.1.0.1:${3:-80}/api/v1/routes/decide" \
		-d "$(request "$1" | sed "s/^{/{\"policy_id\":\"$2\",/")"
}

# asks COUNT TENANT POLICY: so many, over both gateways; how many were 200
asks() {
	local i

	for ((i = 0; i < $1; i++)); do
		ask "$2" "$3" $((i % 2 ? 80 : 8000))
		echo
	done | grep -c '^200$'
}

# Eight in a row: each of the four workers was asked, but for bad luck.
all_refuse() {
	[ "$(asks 8 "$@")" = 0 ]
}

all_admit() {
	[ "$(asks 8 "$@")" = 8 ]
}

# row NAME COLUMN: of what the row's limit of all classes counted
row() {
	ctl tenants get "$1" --json | json "next(c['$2'] for c in d['requests'] if c['class'] == 'global')"
}

limit requests.routes_decide=unlimited
limit requests.global=1k
cat >>"$sl_dir/agent.yaml" <<-YAML
	policies:
	  - {name: premium, tenant: acme, requests: {global: 6, window: 1d}}
	  - {name: premium, requests: {routes_decide: 9, window: 1d}}
	  - {name: none, requests: {global: 0}}
YAML
ctl reload >"$sl_dir/said"
check "a policy that admits nothing is refused by all workers" wait_for 10 all_refuse acme none
left=$(counted global left)
check_equal "of 12 requests by one policy its 6 pass, over both gateways" "$(asks 12 acme premium)" 6
check "the rest is told by which limit" grep -qi '^ratelimit-policy: "policy/premium";q=6;w=86400' "$sl_dir/fields"
check "and which policy" grep -q '"limit":6,.*"policy":"premium"' "$sl_dir/answer"
check "an escape in its name changes nothing" test "$(ask acme 'pr\\u0065mium')" = 429
check_equal "other policies pass" "$(asks 4 acme cheap)" 4
check_equal "what was refused was not charged to the tenant" $((left - $(counted global left))) 10
check_equal "another tenant has what is left of the policy" "$(asks 6 beta premium)" 3
check_equal "sluicectl shows what the policy refused" "$(row acme/premium refused)" 7
check "metrics say which level did" test \
	"$(gateway_metric 'gateway_rate_limit_refused_total{level="policy"}')" -gt 0
check "and which" test \
	"$(gateway_metric 'gateway_rate_limit_refused_total{level="policy_endpoint"}')" -gt 0
ctl mode set shadow --tenant acme/premium >"$sl_dir/said"
ctl limit set '*/premium' requests.routes_decide=unlimited >"$sl_dir/said" && sleep 0.1
check "in shadow it passes" test "$(ask acme premium)" = 200
ctl mode clear --tenant acme/premium >"$sl_dir/said"
ctl limit set acme/premium requests.global=unlimited >"$sl_dir/said" && sleep 0.1
check_equal "an operator's limit of it acts on both" "$(asks 4 acme premium)" 4
ctl limit clear acme/premium >"$sl_dir/said"
sleep 0.1
check "and back" test "$(ask acme premium)" = 429
cat >>"$sl_dir/agent.yaml" <<-YAML
	  - {requests: {global: 0}}
YAML
ctl reload >"$sl_dir/said"
check "the node's limit is everybody's" wait_for 10 all_refuse beta cheap
check "and says so" grep -qi '^ratelimit-policy: "node";q=0' "$sl_dir/fields"
sed -i '/^policies:/,$d' "$sl_dir/agent.yaml"
ctl reload >"$sl_dir/said"
check "a policy that is gone admits all" wait_for 10 all_admit acme none
check_equal "without policies nothing of it is left" "$(asks 8 acme premium)" 8
limit requests.routes_decide=0
before=$(($(counted routes_decide admitted) - 40))

# ---- who dies ---------------------------------------------------------------------------------

stop_agent KILL
check "without the agent the limit stays" refused acme
check "and others are served" decides 200 beta
shielded_kill_gateway
check "a gateway comes back without the agent" shielded_start_alone || exit 1
start_agent node "${gateway_options[@]}" || { not_ok "the agent starts again" && exit 1; }
check "both find it" wait_for 10 gateway_metric_is gateway_agent_connected 1
check "the words have outlived agent and gateway" refused acme
check_equal "the counters too" "$(counted routes_decide admitted)" $((before + 40))
limit requests.routes_decide=unlimited
check "a limit that is lifted acts on both" decides 200 acme 80
check "at once" decides 200 acme 8000
limit requests.global=0
check "none at all is refused" refused acme
ctl mode set shadow --tenant acme >"$sl_dir/said"
sleep 0.1
check "in shadow it passes" decides 200 acme
check "and is counted" test "$(gateway_metric gateway_rate_limit_shadow_total)" -gt 0
ctl mode clear --tenant acme >"$sl_dir/said"
ctl limit clear acme >"$sl_dir/said"
sleep 0.1
check "then the configuration's limit is back" decides 429 acme

# ---- cost --------------------------------------------------------------------------------------

# push ID [MAX-COST] [PORT]: a decide of beta that has work done; the status
push() {
	in_ns client curl -s -m 10 -D "$sl_dir/fields" -o "$sl_dir/answer" -w '%{http_code}' \
		-H "X-API-Key: ${key[beta]}" -H 'Content-Type: application/json' \
		-H "X-Trace-ID: $(trace_of "$1")" "http://10.1.0.1:${3:-80}/api/v1/routes/decide" \
		-d "{\"version\":\"1\",\"tenant_id\":\"beta\",\"request_id\":\"$1\",\"push_assignment\":true,
			\"constraints\":{${2:+\"max_cost\":$2}},
			\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"long enough\"}}}"
}

push_is() {
	[ "$(push "${@:2}")" = "$1" ]
}

trace_of() {
	printf '%032x' "$((16#${1#r} + 4096))"
}

# used ID COST: the usage event of its result
used() {
	local text

	text="{\"version\":\"1\",\"tenant_id\":\"beta\",\"request_id\":\"$1\",\"trace_id\":\"$(trace_of "$1")\",\"cost\":$2}"
	# shellcheck disable=SC2016 # the shell in the namespace expands it
	in_ns node bash -c 'exec 3<>/dev/tcp/127.0.0.1/4222 &&
		printf "CONNECT {\"verbose\":false}\r\nPUB beamline.usage.v1.metered %d\r\n%s\r\nPING\r\n" ${#1} "$1" >&3 &&
		while read -r -t 5 line <&3; do [[ $line != PONG* ]] || exit 0; done' used "$text"
}

# cost EVENT: so many reservations, over both gateways
cost() {
	{
		in_ns node curl -sf -m 5 http://127.0.0.1:9101/metrics
		in_ns node curl -sf -m 5 http://127.0.0.1:9102/metrics
	} | awk -v name="gateway_cost_reservations_total{event=\"$1\"}" '$1 == name { n += $2 } END { print n }'
}

cost_is() {
	[ "$(cost "$1")" = "$2" ]
}

requests beta 'requests: {routes_decide: unlimited, global: unlimited, cost: 10, cost_window: 1d, cost_estimate_milli: 2500}'
kill "$router_pid"
check "a router that is not there does no work" wait_for 5 push_is 503 r0
check "which costs nothing" test "$(cost returned)" -gt 0
spawn node "$sl_bin/nats_answer" nats://127.0.0.1:4222 beamline.router.v1.decide "$node_reply"
check "a router comes back" wait_for 5 decides 200 beta
check_equal "work that states no cost reserves the estimate" "$(push r1)" 200
check_equal "at both gateways" "$(push r2 '' 8000)" 200
check_equal "work that states its bound reserves that" "$(push r3 4)" 200
check_equal "what does not fit is refused" "$(push r4)" 429
check "and told when it would" grep -qiE '^retry-after: [0-9]{4}' "$sl_dir/fields"
check_equal "at the other gateway too" "$(push r5 1.5 8000)" 429
check_equal "what fits is not" "$(push r6 1)" 200
check "a request that has nothing done costs nothing" decides 200 beta
check "results settle what was reserved" used r3 0.5
check "once" used r3 0.5
check "wherever it was" used r2 2.5
check "which is counted" wait_for 5 cost_is settled 2
check_equal "what is over may be used" "$(push r7 3.4)" 200
check_equal "and no more" "$(push r8 0.3)" 429
check "a result may cost more than was reserved" used r7 5.4
check "and counts" wait_for 5 cost_is settled 3
check_equal "as a debt" "$(push r9 0.1)" 429
check_equal "the agent can read what was used" \
	"$(ctl tenants get beta --json | json "next(c['admitted'] for c in d['requests'] if c['class'] == 'cost')")" 8
check "refusals are counted" test "$(gateway_metric gateway_cost_refused_total)" -ge 3

# ---- other maps ---------------------------------------------------------------------------------

sed -i '/^metrics:/a sizes: {tenants: 2048}' "$sl_dir/agent.yaml"
stop_agent
start_agent node "${gateway_options[@]}" --migrate || { not_ok "the agent migrates" && exit 1; }
check "gateways follow into larger maps" wait_for 10 gateway_metric_is gateway_agent_connected 1
check "the other one too" wait_for 10 second_is_linked
check "where the bucket is as empty as before" refused acme
limit requests.routes_decide=unlimited
check "and the agent is listened to" decides 200 acme

# ---- leases ---------------------------------------------------------------------------------------

requests beta 'lease: 1s, on_lease_expiry: open, requests: {window: 1d, routes_decide: 1}'
check "a tenant with a lease may use its limit up" wait_for 5 refused beta
sleep 1.5
check "which lasts longer than one lease while the agent renews it" refused beta
stop_agent KILL
check "without the agent its fallback applies, which is open" wait_for 3 decides 200 beta
check "and only its" decides 200 acme
start_agent node "${gateway_options[@]}" || not_ok "the agent starts at last"
check "until the agent is back" wait_for 5 refused beta
check "nginx has nothing to complain of" test -z "$(cat "$sl_dir"/{nginx,second}.log |
	grep -E '\[(alert|emerg)\]' | grep -v 'exited on signal 9')"
kill -TERM "$second_pid"
