#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The limit of a policy over all nodes: two nodes, each with its agent, its gateway and a router
# that always agrees, and a real Redis. What both admit together keeps to the one limit, wherever
# the requests come, and without Redis too.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh
. tests/harness/shielded_gateway.sh

limit=400
quota_test 2
chmod 711 "$sl_dir"
gateway_sanitized

quota_config "nodes: 2, redis: {addresses: \"$(quota_redis one)\"}" <<EOC
services: [{address: any, port: any, protocol: tcp, bind: true}]
unknown: {on_miss: pass}
tenants: [{name: acme}, {name: beta}]
policies:
  - {name: premium, requests: {global: $limit, window: 1s}, global: true}
EOC
for n in 1 2; do
	sed -i "s|^paths: {|&gateway_socket: $sl_dir/gateway$n.sock, |" "$sl_dir/node$n.yaml"
done
quota_start_all

{
	printf 'version: 1\nsalt: 9f86d081884c7d659a2feaa0c55ad015\nkeys:\n'
	for name in acme beta; do
		key[$name]=$(openssl rand -hex 16)
		printf '  - {hmac: %s, tenant: %s, plan: large}\n' "$(printf %s "${key[$name]}" | openssl dgst \
			-sha256 -mac HMAC -macopt hexkey:9f86d081884c7d659a2feaa0c55ad015 | sed 's/.* //')" "$name"
	done
} >"$sl_dir/keys.yaml"

gateway_answers() {
	in_ns client curl -fsS -m 2 -o "$sl_dir/ready" "http://10.$1.0.1/health/ready" 2>"$sl_dir/curl" &&
		[ "$(in_ns "node$1" curl -fsS -m 2 http://127.0.0.1:9101/metrics |
			awk '$1 == "gateway_agent_connected" { print $2 }')" = 1 ]
}

# start_gateway N: with NATS and the router, all in the node's own namespace
start_gateway() {
	local dir=$sl_dir/gateway$1.d

	mkdir -p "$dir/nginx"
	spawn "node$1" nats-server -a 127.0.0.1 -p 4222 -js -sd "$dir/js" >"$dir/nats.log" 2>&1
	wait_for 10 grep -q 'Server is ready' "$dir/nats.log" || return 1
	spawn "node$1" "$sl_bin/nats_answer" nats://127.0.0.1:4222 beamline.router.v1.decide "$node_reply"
	cat >"$dir/gateway.yaml" <<-YAML
		version: 1
		nats: {servers: "nats://127.0.0.1:4222"}
		auth: {api_keys_file: $sl_dir/keys.yaml}
		agent: {socket: $sl_dir/gateway$1.sock, required: true}
		escalation: {after: 0, tenant_after: 0}
		limits:
		  window: 60s
		  plans: [{name: large, routes_decide: unlimited, messages: unlimited, registry_blocks: unlimited, global: unlimited}]
		log: {file: $dir/gateway.log, level: info}
	YAML
	cat >"$dir/nginx.conf" <<-NGINX
		daemon off;
		load_module $gateway_module;
		user root root; # whom the agent hands its maps without being told a group
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx.log warn;
		events { worker_connections 512; }
		http {
			access_log off;
			keepalive_requests 1000000;
			client_body_temp_path $dir/nginx;
			proxy_temp_path $dir/nginx;
			fastcgi_temp_path $dir/nginx;
			uwsgi_temp_path $dir/nginx;
			scgi_temp_path $dir/nginx;
			sluice_config $dir/gateway.yaml;
			server { listen 80; location / { sluice on; } }
			server { listen 127.0.0.1:9101; location / { sluice metrics; } }
		}
	NGINX
	spawn "node$1" "${gateway_with[@]}" nginx -e "$dir/nginx.log" -p "$dir" -c "$dir/nginx.conf"
	wait_for 20 gateway_answers "$1"
}
for n in 1 2; do
	check "the gateway of node $n starts" start_gateway "$n" || exit 1
done

# load N SECONDS CONNECTIONS TENANT POLICY: in the background, each connection asks again at once
load() {
	spawn client "$sl_bin/http_load" --target "10.$1.0.1" --path /api/v1/routes/decide --for "$2s" \
		--connections "$3" --header "X-API-Key: ${key[$4]}" --body "{\"version\":\"1\",\"tenant_id\":\"$4\",\"request_id\":\"r1\",\"policy_id\":\"$5\",\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"long enough\"}}}" \
		>"$sl_dir/load$1.$4" 2>&1
	load_pids+=("$spawned_pid")
}

# admitted N: the time in ns, and what was admitted of the policy there
admitted() {
	local began ended count

	began=$(date +%s%N)
	count=$(quota_ctl "$1" tenants get '*/premium' --json |
		json "next(c['admitted'] for c in d['requests'] if c['class'] == 'global')")
	ended=$(date +%s%N)
	echo "$(((began + ended) / 2)) $count"
}

# measure COMMAND...: requests per second of both while it runs, and each one's
measure() {
	local before=() n

	for n in 1 2; do before+=("$(admitted "$n")"); done
	"$@" || echo "# $* failed" >&2
	for n in 1 2; do echo "${before[$((n - 1))]} $(admitted "$n")"; done |
		awk '{ rate[NR] = ($4 - $2) * 1e9 / ($3 - $1) } END { printf "%.0f %.0f %.0f\n", rate[1] + rate[2], rate[1], rate[2] }'
}

# between NAME LEAST MOST COMMAND...: of the limit in percent, while it runs
between() {
	local name=$1 least=$2 most=$3 sum one two

	shift 3
	measure "$@" >"$sl_dir/measured" # in this shell, which ends what is begun meanwhile
	read -r sum one two <"$sl_dir/measured"
	echo "# $name: $one and $two of $limit requests a second"
	check "$name" test $((sum * 100)) -ge $((limit * least)) -a $((sum * 100)) -le $((limit * most))
}

# has N: its part of the limit is leased, and by terms that Redis took
has() {
	quota_says "$1" "[l for l in d['leases'] if l['tenant'] == '*/premium' and l['state'] == 'held']"
}

# ---- it is used, and kept to ----------------------------------------------------------------

load_pids=()
load 1 200 12 acme premium
load 2 200 4 beta premium
check "node 1 leases its part of the policy's limit" wait_for 30 has 1
check "and node 2" wait_for 10 has 2
sleep 4
between "both nodes and both tenants share the one limit" 90 105 sleep 10
check "all nodes are seen to hold parts of it" quota_says 1 \
	"d['limits'][0]['nodes'] == 2" show '*/premium'
load 1 3 2 beta cheap
not_limited() {
	[ -s "$sl_dir/load1.beta" ] && json_is "d['limited'] == 0 and d['ok'] > 0" <"$sl_dir/load1.beta"
}
check "another policy is not limited" wait_for 20 not_limited
kill "${load_pids[@]}" 2>/dev/null
load 2 200 12 acme premium
sleep 8
between "all of it moves to the one node that is asked" 90 105 sleep 8

# ---- agents that start anew -----------------------------------------------------------------

# What a gateway may let pass lies in maps, and the next agent goes on with it. One that needs longer
# than the lease has left finds it cut: so little of the limit is asked for.
anew() {
	local n

	for n in 1 2; do quota_kill "$n" KILL 2>/dev/null || return 1; done
	for n in 1 2; do quota_start "$n" || return 1; done
	sleep 4
}
took_over() {
	[ "$(grep -c 'took over the leases' "$sl_dir/node2.log")" = 1 ]
}
between "both agents are killed and start anew: the limit is kept to" 50 105 anew
check "the one of the node that is asked took over what the one before had leased" took_over
between "and it is used as before" 90 105 sleep 8

# ---- without Redis --------------------------------------------------------------------------

redis_kill one
sleep 6
between "without Redis the limit is kept to" 20 105 sleep 8
