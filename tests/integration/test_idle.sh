#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 5,000 idle connections on one worker of the gateway: what they take beside plain nginx's;
# then 1,000 busy ones, each of whose requests is answered, and after that each idle one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

idle_connections=5000
busy_connections=1000
more_bytes_max=1024 # for each, over plain nginx's
decide=/api/v1/routes/decide
body='{"version":"1","tenant_id":"acme","request_id":"r1","task":{"type":"chat","payload":{"text":"hello there"}}}'
reply='{"ok":true,"decision":{"provider_id":"p1","priority":50,"expected_latency_ms":9,"expected_cost":0.1,"reason":"best"},"context":{"request_id":"r1"}}'

plain_port() {
	echo $((stack_port + 8))
}

start_plain() {
	mkdir -p "$stack_dir/plain"
	cat >"$stack_dir/plain.conf" <<-NGINX
		daemon off;
		worker_processes 1;
		worker_rlimit_nofile 16384;
		pid $stack_dir/plain.own;
		error_log $stack_dir/log/plain.nginx.log;
		events { worker_connections 16384; }
		http {
			access_log off;
			tcp_nodelay on;
			keepalive_timeout 75s;
			keepalive_requests 1000000;
			large_client_header_buffers 4 16k;
			client_body_temp_path $stack_dir/plain;
			proxy_temp_path $stack_dir/plain;
			fastcgi_temp_path $stack_dir/plain;
			uwsgi_temp_path $stack_dir/plain;
			scgi_temp_path $stack_dir/plain;
			server {
				listen $stack_host:$(plain_port) backlog=4096;
				location / { return 200 "ok"; }
			}
		}
	NGINX
	stack_spawn plain nginx -e "$stack_dir/log/plain.nginx.log" -p "$stack_dir" -c "$stack_dir/plain.conf"
	stack_wait plain 10 curl -fsS -m 2 "http://$stack_host:$(plain_port)/"
}

# hold NAME PORT PATH: what is_held tells of, in the background
hold() {
	coproc holder { tests/harness/idle_connections.py --port "$2" --path "$3" --key "$stack_key" --body "$body" \
		--connections $idle_connections --master "$(cat "$stack_dir/$1.own")" 2>"$sl_dir/hold.log"; }
	sl_pids+=("$holder_PID")
	holder_reads=${holder[0]}
	holder_writes=${holder[1]}
}

# told WORD: the number that the holder says after it
told() {
	local word number

	read -r -t 60 word number <&"$holder_reads" && [ "$word" = "$1" ] && echo "$number" && return
	sed 's/^/# /' "$sl_dir/hold.log" >&2
	return 1
}

let_go() {
	local pid=$holder_PID

	exec {holder_writes}>&-
	wait "$pid"
}

established() {
	ss -Htn state established "( sport = :$stack_port )" | wc -l
}

busy() {
	"$sl_bin/http_load" --target "$stack_host" --port "$stack_port" --path $decide --body "$body" \
		--header "X-API-Key: $stack_key" --connections $busy_connections --for 4s >"$sl_dir/busy"
}

[ "$(ulimit -n)" -ge 16384 ] || ulimit -n 16384 || exit 1
stack_begin
stack_gateway_sed=(-e 's/worker_processes auto/worker_processes 1/' -e 's/worker_rlimit_nofile 65536/worker_rlimit_nofile 16384/'
	-e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/')
check "nats-server starts" stack_start_nats
check "the gateway starts" stack_start_gateway
check "nginx without it starts" start_plain
stack_spawn peer "$sl_bin/nats_answer" "nats://$stack_nats" beamline.router.v1.decide "$reply"
[ "$sl_failed" -eq 0 ] || exit 1
wait_for 10 curl -fsS -m 5 -o "$sl_dir/answer" -H "X-API-Key: $stack_key" -H 'Content-Type: application/json' \
	-d "$body" "$stack_url$decide" 2>"$sl_dir/curl"
cp "$stack_dir/nginx.own" "$stack_dir/gateway.own"

hold plain "$(plain_port)" /
plain_bytes=$(told bytes)
check "plain nginx holds them" test -n "$plain_bytes" || exit 1
let_go
hold gateway "$stack_port" $decide
bytes=$(told bytes)
check "the gateway holds $idle_connections connections" test -n "$bytes" || exit 1
check "they are there" test "$(established)" -ge $idle_connections
echo "# private bytes of an idle connection: $bytes, of plain nginx's: $plain_bytes"
check "each takes at most $more_bytes_max bytes over plain nginx's" \
	test $((bytes - plain_bytes)) -le $more_bytes_max
check "$busy_connections busy ones beside them" busy
sed 's/^/# /' "$sl_dir/busy"
check "of which each request is answered 200" json_is \
	"d['ok'] > $busy_connections and d['other'] == 0 and d['broken'] == 0" <"$sl_dir/busy"
echo >&"$holder_writes"
check_equal "and each idle one is served after that" "$(told served)" $idle_connections
let_go
check_equal "nginx has nothing to complain of" "$(grep -cE '\[(alert|crit|emerg)\]' "$stack_dir/log/nginx.log")" 0
