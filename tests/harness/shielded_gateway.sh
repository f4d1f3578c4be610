# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2119,SC2120
# Sourced after netns.sh by tests and benches of the seam between gateway and kernel: in
# the namespace `node` an agent, a nats-server with a router that always agrees, and an
# nginx whose workers are nobody; a client in the namespace `client`.
#
#   shielded_begin; shielded_start_router; shielded_start_gateway
#   said=$(client ask a "$acme_key" acme)

node_reply='{"ok":true,"decision":{"provider_id":"p1","priority":50,"expected_latency_ms":9,"expected_cost":0.1,"reason":"best"},"context":{"request_id":"r1"}}'

# The tenants acme, beta and small (plans of gateway.yaml), and "nowhere", which the agent
# does not know. Keys are in ${key[NAME]}. What is in ${sources[NAME]} before
# shielded_begin is where the tenant's packets come from.
declare -A key sources

. tests/harness/sanitized_module.sh

shielded_begin() {
	local name

	netns_begin
	chmod 711 "$sl_dir"
	gateway_sanitized
	ns_add node client
	ns_link node n0 client c0 1
	agent_config <<-YAML
		interfaces: [{name: n0}]
		services: [{address: any, port: any, protocol: tcp, bind: true}]
		unknown: {on_miss: pass}
		tenants:
		$(for name in "$@"; do echo "  - {name: $name${sources[$name]:+, sources: [${sources[$name]}]}}"; done)
	YAML
	start_agent node --gateway-socket "$sl_dir/gateway.sock" --gateway-group nogroup ||
		{ not_ok "the agent starts" && exit 1; }
	{
		echo "version: 1"
		echo "salt: 9f86d081884c7d659a2feaa0c55ad015"
		echo "keys:"
		for name in "$@" nowhere; do
			key[$name]=$(openssl rand -hex 16)
			printf '  - {hmac: %s, tenant: %s, plan: %s}\n' "$(printf %s "${key[$name]}" |
				openssl dgst -sha256 -mac HMAC -macopt hexkey:9f86d081884c7d659a2feaa0c55ad015 |
				sed 's/.* //')" "$name" "$([ "$name" = small ] && echo small || echo large)"
		done
	} >"$sl_dir/keys.yaml"
}

shielded_start_router() {
	mkdir -p "$sl_dir/js"
	spawn node nats-server -a 127.0.0.1 -p 4222 -js -sd "$sl_dir/js" >"$sl_dir/nats.log" 2>&1
	wait_for 10 grep -q 'Server is ready' "$sl_dir/nats.log" || return 1
	spawn node "$sl_bin/nats_answer" nats://127.0.0.1:4222 beamline.router.v1.decide "$node_reply"
}

# shielded_config [SED...]: gateway.yaml, edited
shielded_config() {
	sed -e '' "$@" >"$sl_dir/gateway.yaml" <<-YAML
		version: 1
		nats: {servers: "nats://127.0.0.1:4222"}
		auth: {api_keys_file: $sl_dir/keys.yaml}
		agent: {socket: $sl_dir/gateway.sock, required: true}
		escalation: {after: 10, within: 1s, tenant_after: 0}
		limits:
		  window: 60s
		  plans:
		    - {name: large, routes_decide: unlimited, messages: unlimited, registry_blocks: unlimited, global: unlimited}
		    - {name: small, routes_decide: 20, messages: unlimited, registry_blocks: unlimited, global: unlimited}
		log: {file: $sl_dir/gateway.log, level: info}
		metrics: {tenants: [acme, small]}
	YAML
}

shielded_start_gateway() {
	[ -s "$sl_dir/gateway.yaml" ] || shielded_config
	mkdir -p "$sl_dir/nginx"
	cat >"$sl_dir/nginx.conf" <<-NGINX
		daemon off;
		load_module $gateway_module;
		user nobody nogroup;
		worker_processes 2;
		worker_rlimit_nofile 8192;
		pid $sl_dir/nginx.pid;
		error_log $sl_dir/nginx.log warn;
		events { worker_connections 4096; }
		http {
			access_log off;
			keepalive_timeout 75s;
			keepalive_requests 1000000;
			client_body_temp_path $sl_dir/nginx;
			proxy_temp_path $sl_dir/nginx;
			fastcgi_temp_path $sl_dir/nginx;
			uwsgi_temp_path $sl_dir/nginx;
			scgi_temp_path $sl_dir/nginx;
			sluice_config $sl_dir/gateway.yaml;
			server {
				listen 80 backlog=4096;
				listen [::]:80 backlog=4096 ipv6only=on;
				listen [::]:81 ipv6only=off;
				listen 82 http2;
				listen 83 proxy_protocol;
				set_real_ip_from 10.1.0.0/16;
				real_ip_header proxy_protocol;
				location / { sluice on; }
			}
			server {
				listen 127.0.0.1:9101;
				location / { sluice metrics; }
			}
		}
	NGINX
	shielded_start_alone || return 1
	wait_for 10 in_ns node curl -fsS -m 2 -o "$sl_dir/ready" http://127.0.0.1/health/ready 2>"$sl_dir/curl" &&
		wait_for 10 gateway_metric_is gateway_agent_connected 1
}

# The nginx of nginx.conf, whether there is an agent or not.
shielded_start_alone() {
	spawn node "${gateway_with[@]}" nginx -e "$sl_dir/nginx.log" -p "$sl_dir" -c "$sl_dir/nginx.conf"
	nginx_pid=$spawned_pid
	wait_for 10 in_ns node curl -fsS -m 2 -o "$sl_dir/ready" http://127.0.0.1/health/live 2>"$sl_dir/curl"
}

# The master and its workers, by their ids: nobody can tidy up after themselves.
shielded_kill_gateway() {
	local pid pids

	pids="$nginx_pid $(pgrep -P "$nginx_pid")"
	# shellcheck disable=SC2086 # ids
	kill -KILL $pids
	wait "$nginx_pid" 2>/dev/null
	for pid in $pids; do # they keep the ports until they are gone
		wait_for 5 gone "$pid"
	done
}

# New workers, and the old ones are gone.
shielded_reload() {
	local old pid

	old=$(pgrep -P "$nginx_pid")
	kill -HUP "$nginx_pid"
	for pid in $old; do
		wait_for 10 gone "$pid" || return 1
	done
	wait_for 10 gateway_metric_is gateway_agent_connected 1
}

# gateway_metric NAME [LABELS]: its value
gateway_metric() {
	in_ns node curl -sf -m 5 http://127.0.0.1:9101/metrics | awk -v name="$1" '$1 == name { print $2 }'
}

gateway_metric_is() {
	[ "$(gateway_metric "$1")" = "$2" ]
}

# client COMMAND: of keep_alive.py, which keeps its connections between commands
client_start() {
	coproc keep_alive { in_ns client tests/harness/keep_alive.py; }
	sl_pids+=("$keep_alive_PID")
}

client() {
	local answer

	echo "$*" >&"${keep_alive[1]}"
	read -r -t 100 answer <&"${keep_alive[0]}" || answer="no answer"
	echo "$answer"
}
