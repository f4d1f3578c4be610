#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the pipeline costs, beside its peers on the same machine in the same minute: one
# worker of nginx with our module, one of plain nginx, a gateway that opens a connection to
# NATS for each request, and NATS without a gateway. The same load for all: a POST of 627
# bytes. The router that answers at once is tests/tools/nats_answer.c, so that the gateway
# is measured and not the router. At the end the real router, workers and ledger take its
# place, and each request is followed by its trace. Prints "sample NAME PEER VALUE" lines.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/harness/stack.sh
. tests/harness/stack.sh

rounds=5
connections=64
for=800ms
idle_rounds=3
idle_connections=2000
followed_requests=2000
subject=beamline.router.v1.decide
answer='{"ok":true,"decision":{"provider_id":"fast","reason":"bench","priority":50,"expected_latency_ms":50,"expected_cost":0.02}}'
# What the contract wants said with a 429, as plain nginx can say it: of our answer's size, with
# an id of its own each.
refusal='{"ok":false,"error":{"code":"rate_limit_exceeded","message":"rate limit exceeded",'
refusal+='"intake_error_code":null,"details":{"endpoint":"/api/v1/routes/decide","limit":1,'
refusal+='"retry_after_seconds":60}},"context":{"request_id":"00000000-0000-4000-8000-000000000001",'
# shellcheck disable=SC2016 # nginx expands it
refusal+='"trace_id":"$request_id","tenant_id":"small"}}'
full=gateway.full_path
refused=gateway.r429

# No limit for tenant "acme"; of tenant "small" only the first request passes.
stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/'
	-e 's/routes_decide: 20,/routes_decide: 1,/' -e 's/worker_processes auto/worker_processes 1/')

die() {
	echo "bench: pipeline: $*" >&2
	exit 1
}

sample() {
	echo "sample $1 $2 $3"
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f\n", a / b }'
}

# ---- who is measured ----------------------------------------------------------------------

body_of() {
	local head tail='"}}}' fill

	head='{"version":"1","tenant_id":"'$1'","request_id":"3f2b7c1e-0000-4000-8000-000000000001",'
	head+='"task":{"type":"chat","payload":{"text":"'
	printf -v fill '%*s' $((627 - ${#head} - ${#tail})) ''
	echo "$head${fill// /x}$tail"
}

# The gateway's settings but for the module; refusals are not logged.
plain_nginx() {
	cat <<-CONF
		daemon off;
		user $(id -un);
		worker_processes 1;
		worker_rlimit_nofile 65536;
		pid $stack_dir/plain.own;
		error_log $stack_dir/log/plain-error.log warn;
		events { worker_connections 16384; }
		http {
			access_log off;
			server_tokens off;
			tcp_nodelay on;
			keepalive_timeout 75s;
			keepalive_requests 1000000;
			request_pool_size 8k;
			default_type application/json;
			client_body_temp_path $stack_dir/plain;
			proxy_temp_path $stack_dir/plain;
			fastcgi_temp_path $stack_dir/plain;
			uwsgi_temp_path $stack_dir/plain;
			scgi_temp_path $stack_dir/plain;
			limit_req_zone \$http_x_api_key zone=keys:10m rate=1r/m;
			server {
				listen $stack_host:$plain_port backlog=4096;
				location / { return 200 '$answer'; }
				location /limited/ {
					limit_req zone=keys;
					limit_req_status 429;
					limit_req_log_level info;
				}
				location /limited/same/ {
					limit_req zone=keys;
					limit_req_status 429;
					limit_req_log_level info;
					error_page 429 @refused;
				}
				location @refused {
					add_header traceparent 00-\$request_id-00f067aa0ba902b7-03 always;
					add_header X-Request-ID 00000000-0000-4000-8000-000000000001 always;
					add_header X-RateLimit-Limit 1 always;
					add_header X-RateLimit-Remaining 0 always;
					add_header X-RateLimit-Reset 1798571234 always;
					add_header RateLimit '"routes_decide";r=0;t=60' always;
					add_header RateLimit-Policy '"routes_decide";q=1;w=60' always;
					add_header Retry-After 60 always;
					return 429 '$refusal';
				}
			}
		}
	CONF
}

start() {
	plain_port=$((stack_port + 7))
	connecting_port=$((stack_port + 8))
	stack_start_nats || die "nats-server does not start"
	stack_spawn answer "$sl_bin/nats_answer" "nats://$stack_nats" "$subject" "$answer"
	stack_start_gateway || die "the gateway does not start"
	plain_nginx >"$stack_dir/plain.conf"
	stack_spawn plain nginx -e "$stack_dir/log/plain.log" -p "$stack_dir" -c "$stack_dir/plain.conf"
	stack_wait plain 10 curl -fsS -m 2 "http://$stack_host:$plain_port/" || exit 1
	stack_spawn connecting "$sl_bin/connecting_gateway" "$connecting_port" "nats://$stack_nats" \
		"$subject"
	stack_wait connecting 10 curl -fsS -m 2 -d '{}' "http://$stack_host:$connecting_port/" || exit 1
}

# ---- load -------------------------------------------------------------------------------------

# load NAME PORT PATH TENANT STATUS CONNECTIONS: sets cpu_us, p50_us, req_per_s; fails when
# other answers came than those of STATUS (but the first few).
load() {
	local key got requests

	key=$(cat "$stack_dir/keys/$4")
	got=$("$sl_bin/http_load" --target "$stack_host" --port "$2" --path "$3" --for "$for" \
		--connections "$6" --header "X-API-Key: $key" --body "$(body_of "$4")" \
		--cpu-of "$(cat "$stack_dir/$1.pid")") || die "http_load failed"
	requests=$(field requests "$got")
	echo "# $1 $3, $6 connections: $got"
	if [ "$requests" -lt 100 ] || [ "$(field "$5" "$got")" -lt $((requests - 5)) ]; then
		die "$1 $3: $got"
	fi
	cpu_us=$(field cpu_us "$got")
	p50_us=$(field p50_us "$got")
	req_per_s=$(field req_per_s "$got")
}

# field NAME JSON
field() {
	sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<<"$2"
}

# without_gateway [--library]: sets p50_us
without_gateway() {
	local got

	got=$("$sl_bin/nats_ask" "nats://$stack_nats" "$subject" "$(body_of acme)" 1 "$@") ||
		die "nats_ask failed"
	p50_us=$(field p50_us "$got")
}

route=/api/v1/routes/decide

# Each right beside what it is divided by.
busy_round() {
	local nginx_us limit_us same_us

	load plain "$plain_port" / acme ok $connections
	nginx_us=$cpu_us
	sample $full.cpu_us nginx_return200 "$cpu_us"
	load gateway "$stack_port" $route acme ok $connections
	sample $full.cpu_us - "$cpu_us"
	sample $full.cpu_over_nginx200 - "$(ratio "$cpu_us" "$nginx_us")"
	sample $full.req_per_s - "$req_per_s"
	load connecting "$connecting_port" / acme ok $connections
	sample $full.cpu_us connection_a_request "$cpu_us"
	sample $full.cpu_over_nginx200 connection_a_request "$(ratio "$cpu_us" "$nginx_us")"
	sample $full.req_per_s connection_a_request "$req_per_s"

	load plain "$plain_port" /limited/ small limited $connections
	limit_us=$cpu_us
	sample $refused.cpu_us nginx_limit_req "$cpu_us"
	load plain "$plain_port" /limited/same/ small limited $connections
	same_us=$cpu_us
	sample $refused.cpu_us nginx_limit_req_same_answer "$cpu_us"
	sample $refused.cpu_over_limit_req nginx_limit_req_same_answer "$(ratio "$cpu_us" "$limit_us")"
	load gateway "$stack_port" $route small limited $connections
	sample $refused.cpu_us - "$cpu_us"
	sample $refused.cpu_over_limit_req - "$(ratio "$cpu_us" "$limit_us")"
	sample $refused.cpu_over_same_answer - "$(ratio "$cpu_us" "$same_us")"
}

# One request at a time. What NATS takes without a gateway is told of two clients: nats.c's
# own blocking request, which is what a program would call, and our bus, which has no thread
# between the socket and its caller.
quiet_round() {
	local name=$full.p50_over_nats library_us bus_us

	without_gateway --library
	library_us=$p50_us
	sample $full.p50_us nats_request "$p50_us"
	load gateway "$stack_port" $route acme ok 1
	sample $full.p50_us - "$p50_us"
	sample $name - "$(ratio "$p50_us" "$library_us")"
	gateway_us=$p50_us
	without_gateway
	bus_us=$p50_us
	sample $full.p50_us sluice_bus "$p50_us"
	sample $full.p50_over_bus - "$(ratio "$gateway_us" "$bus_us")"
	load plain "$plain_port" / acme ok 1
	sample $full.p50_us nginx_return200 "$p50_us"
	sample $full.p50_over_nginx200_and_bus - "$(awk -v g="$gateway_us" -v b="$bus_us" \
		-v n="$p50_us" 'BEGIN { printf "%.4f\n", g / (b + n) }')"
	load connecting "$connecting_port" / acme ok 1
	sample $full.p50_us connection_a_request "$p50_us"
	sample $name connection_a_request "$(ratio "$p50_us" "$library_us")"
}

# ---- idle connections --------------------------------------------------------------------

# idle NAME PORT PATH: bytes that a fresh worker holds for a connection that had an answer
idle() {
	kill -HUP "$(cat "$stack_dir/$1.pid")"
	sleep 0.7
	tests/bench/idle.py --port "$2" --path "$3" --key "$stack_key" --body "$(body_of acme)" \
		--connections $idle_connections --master "$(cat "$stack_dir/$1.pid")" || die "idle.py failed"
}

idle_round() {
	local ours plain

	ours=$(idle gateway "$stack_port" $route) || exit 1
	plain=$(idle plain "$plain_port" /) || exit 1
	sample gateway.idle_connection_total_bytes - "$ours"
	sample gateway.idle_connection_total_bytes nginx_return200 "$plain"
	sample gateway.idle_connection_bytes - $((ours - plain))
}

# ---- each request followed ----------------------------------------------------------------------

follow() {
	local file=$sl_dir/followed.json said

	stack_end connecting
	stack_end plain
	stack_end answer
	stack_up >&2 || die "the stack does not start"
	tests/contract/follow.py load --url "$stack_url" --nats "$stack_nats" --key "$stack_key" \
		--requests $followed_requests --out "$file" --listen >&2 || die "not all were accepted"
	said=$(tests/contract/follow.py check "$file" --nats "$stack_nats" --ledger "$stack_dir/usage.db" \
		--wait 30)
	grep '^not ok' <<<"$said" | sed 's/^/# /'
	said=$(sed -n 's/^# followed .*: \([0-9.]*\) %$/\1/p' <<<"$said")
	sample trace.followed_percent - "${said:?}"
}

ulimit -Sn "$(ulimit -Hn)"
stack_begin
start
for ((round = 0; round < idle_rounds; round++)); do idle_round; done
for ((round = 0; round < rounds; round++)); do
	busy_round
	quiet_round
done
follow
