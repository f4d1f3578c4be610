#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits that gateways count together in Redis (GATEWAY_RATE_LIMIT_MODE): two nginx of two
# workers each and concurrent clients share one count to the request; Redis that dies, or
# freezes, costs nobody more than its deadline, and is made up for as the settings say.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh
. tests/harness/redis.sh

limit=40
patient_ms=5000 # where it is counted to the request, on a machine with other work
timeout_ms=$patient_ms
slack_ms=3000 # of a busy machine; without a deadline curl gives up after 10 s

finish() {
	local code=$?

	redis_end
	(exit "$code")
	stack_finish
}

# A window that does not end while the test runs.
long_window() {
	local now length

	now=$(date +%s)
	for length in 86400 80000 70000; do
		[ $((now % length)) -gt $((length - 1800)) ] || break
	done
	echo "$length"
}

# ---- two gateways ------------------------------------------------------------------------------

second_port() {
	echo $((stack_port + 6))
}

# settings NAME=VALUE...: the environment of both, after what all have
settings() {
	gateway_environment=(env GATEWAY_RATE_LIMIT_ROUTES_DECIDE_LIMIT="$limit"
		GATEWAY_RATE_LIMIT_TTL_SECONDS="$window" GATEWAY_RATE_LIMIT_REDIS_TIMEOUT_MS="$timeout_ms"
		GATEWAY_RATE_LIMIT_REDIS_URI="redis://:right@$redis_host:${redis_port[one]}/3" "$@")
	stack_gateway_with=("${gateway_with[@]}" "${gateway_environment[@]}")
}

# Another node's, as far as it knows: its own memory, the same Redis.
start_second() {
	sed -e "s|$stack_gateway_host:$stack_port|$stack_gateway_host:$(second_port)|" \
		-e "s|$stack_host:$stack_metrics_port|$stack_host:$((stack_port + 9))|" \
		-e "s|$stack_dir/nginx.own|$stack_dir/second.own|; s|$stack_dir/body|$stack_dir/body2|" \
		"$stack_dir/nginx.conf" >"$stack_dir/second.conf"
	stack_spawn second "${stack_gateway_with[@]}" nginx -e "$stack_dir/log/second.log" -p "$stack_dir" \
		-c "$stack_dir/second.conf"
	stack_wait second 20 curl -fsS -m 2 "http://$stack_gateway_host:$(second_port)/health/ready"
}

# start NAME=VALUE...
start() {
	settings "$@"
	stack_gateway_sed[2]=-e
	stack_gateway_sed[3]="s|^log:|distributed: {redis: {$redis_in_file}}\n&|"
	stack_start_gateway && start_second
}

stop() {
	stack_end gateway QUIT
	stack_end second QUIT
}

restart() {
	stop
	cli FLUSHALL >"$sl_dir/cli"
	start "$@"
}

# metric NAME [second]: of the first gateway, or the second
metric() {
	local port=$stack_metrics_port

	[ -z "${2:-}" ] || port=$((stack_port + 9))
	curl -sf -m 5 "http://$stack_host:$port/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

# outcome NAME [second]
outcome() {
	metric "gateway_rate_limit_redis_total{outcome=\"$1\"}" "${2:-}"
}

request() {
	printf '{"version":"1","tenant_id":"%s","request_id":"r1","task":{"type":"chat","payload":{"text":"long enough"}}}' "$1"
}

# ask PORT TENANT KEY [OPTIONS of curl]: the status of a decide; its fields and body are in
# $sl_dir/fields and $sl_dir/answer
ask() {
	curl -s -m 10 -D "$sl_dir/fields" -o "$sl_dir/answer" -w '%{http_code}' -H "X-API-Key: $3" \
		-H 'Content-Type: application/json' -d "$(request "$2")" "${@:4}" \
		"http://$stack_gateway_host:$1/api/v1/routes/decide"
}

# burst COUNT PORTS: so many decides of acme at once, over these; the statuses and seconds
burst() {
	# shellcheck disable=SC2016 # the shells of xargs expand it
	seq "$1" | xargs -P 16 -I N bash -c '
		ports=($3); curl -s -m 10 -o /dev/null -w "%{http_code} %{time_total}\n" -H "X-API-Key: $1" \
			-H "Content-Type: application/json" -d "$2" \
			"http://$4:${ports[N % ${#ports[@]}]}/api/v1/routes/decide"' \
		burst "$stack_key" "$(request acme)" "$2" "$stack_gateway_host" >"$sl_dir/burst"
}

# one_limit NAME: of the burst one limit passed
one_limit() {
	check_equal "$1: of all at once to four workers one limit passes" "$(of_burst 200) $(of_burst 429)" \
		"$limit $((120 - limit))" && return
	for gateway in "" second; do
		for name in admitted refused timeout lost breaker_open busy error invalid; do
			printf '# %s %s %s\n' "$gateway" "$name" "$(outcome $name $gateway)"
		done
	done
}

# of_burst STATUS: how many were so
of_burst() {
	grep -c "^$1 " "$sl_dir/burst"
}

# in_time: nobody waited longer than the deadline
in_time() {
	awk -v most="$((timeout_ms + slack_ms))" '$2 * 1000 > most { bad++ } END { exit bad > 0 }' "$sl_dir/burst" ||
		{
			sort -k 2 -n "$sl_dir/burst" | tail -n 2 | sed 's/^/# /'
			return 1
		}
}

field() {
	tr -d '\r' <"$sl_dir/fields" | awk -v name="$1:" 'tolower($1) == tolower(name) { $1 = ""; sub(/^ /, ""); print }'
}

# cli COMMAND...: of the server, and the gateways' database
cli() {
	redis one -a right --no-auth-warning -n 3 "$@"
}

# counter_of TENANT CLASS
counter_of() {
	cli GET "ratelimit:{$1}:$2:$window"
}

counter() {
	counter_of acme "$1"
}

window_end() {
	echo $((($(date +%s) / window + 1) * window))
}

# said_between LEAST MOST: lines that say that Redis does not count
said_between() {
	local lines

	lines=$(grep -c 'Redis does not count' "$stack_dir/log/gateway.log")
	echo "# $lines lines"
	[ "$lines" -ge "$1" ] && [ "$lines" -le "$2" ]
}

# list PORT: the status of a request of the class messages
list() {
	curl -s -m 10 -o "$sl_dir/answer" -w '%{http_code}' -H "X-API-Key: $stack_key" \
		"http://$stack_gateway_host:$1/api/v1/messages"
}

# usage CLASS: what is left of it for acme, and who says so
usage() {
	curl -s -m 10 -H "X-API-Key: $stack_admin_key" "$stack_url/api/v1/admin/rate-limit/usage?tenant=acme" |
		json "'%d%s' % (d['classes']['$1']['remaining'], d['classes']['$1']['counted_by'])"
}

# healthy WORD: each worker says so, sooner or later
healthy() {
	wait_for 10 says_health "$1"
}

says_health() {
	[ "$(curl -s -m 5 "$stack_url/health" | json 'd["status"]')" = "$1" ]
}

# bodies COUNT: decides of beta with 200 KiB each, of which the gateway has the head first;
# how many were answered 200
bodies() {
	python3 - "$stack_gateway_host" "$stack_port" "$stack_other_key" "$1" <<-'PYTHON'
		import http.client, json, sys, time
		host, port, key, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
		good = 0
		connection = http.client.HTTPConnection(host, port, timeout=10)
		for i in range(count):
		    body = json.dumps({"version": "1", "tenant_id": "beta", "request_id": f"big-{i}",
		                       "task": {"type": "chat", "payload": {"text": "x" * (200 << 10)}}}).encode()
		    connection.putrequest("POST", "/api/v1/routes/decide")
		    for name, value in (("X-API-Key", key), ("Content-Type", "application/json"),
		                        ("Content-Length", str(len(body)))):
		        connection.putheader(name, value)
		    connection.endheaders()
		    # Sometimes the body is there at once, sometimes after Redis has answered.
		    time.sleep(0.003 * (i % 3))
		    half = len(body) // 2
		    connection.send(body[:half])
		    time.sleep(0.003 * (i % 2))
		    connection.send(body[half:])
		    answer = connection.getresponse()
		    good += answer.status == 200 and json.loads(answer.read())["ok"] is True
		print(good)
	PYTHON
}

# ---- settings -------------------------------------------------------------------------------------

# takes NAME=VALUE...: nginx -t with it, which asks nobody
takes() {
	"${gateway_with[@]}" "${gateway_environment[@]}" "$@" nginx -t -e "$stack_dir/log/nginx.log" \
		-p "$stack_dir" -c "$stack_dir/nginx.conf" >"$sl_dir/said" 2>&1
}

# refuses WORDS NAME=VALUE...: nginx says so, and does not start
refuses() {
	local words=$1

	shift
	takes "$@" && return 1
	grep -qE -- "$words" "$sl_dir/said" && return
	sed 's/^/# /' "$sl_dir/said"
	return 1
}

stack_begin
trap finish EXIT
redis_begin || exit 1
window=$(long_window)
both="$stack_port $(second_port)"
stack_gateway_sed=(-e 's/worker_processes auto/worker_processes 2/')
redis_in_file="connect_timeout: 5s"
check "redis starts" start_redis one --requirepass right --save '' || exit 1
check "nats-server starts" stack_start_nats || exit 1
check "the router starts" stack_start_router || exit 1
check "a worker starts" stack_start_worker 1 || exit 1

# ---- local ----------------------------------------------------------------------------------------

received() {
	cli INFO stats | tr -d '\r' | sed -n 's/^total_connections_received://p'
}

before=$(received)
check "two gateways start, each of which counts for itself" start GATEWAY_RATE_LIMIT_MODE=local || exit 1
burst 120 "$both"
check_equal "local: each lets its limit pass" "$(of_burst 200) $(of_burst 429)" "$((2 * limit)) $((120 - 2 * limit))"
check_equal "local: nobody talks to Redis but this test" "$(received)" $((before + 1))

check "a mode that does not exist is refused" refuses 'GATEWAY_RATE_LIMIT_MODE: .*local, redis or hybrid' \
	GATEWAY_RATE_LIMIT_MODE=both
check "and what contradicts itself" refuses 'distributed.mode: local, but distributed.enabled is true' \
	GATEWAY_RATE_LIMIT_MODE=local GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED=true
check "an answer that is none" refuses 'GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL: ' GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL=maybe
check "a port that is none" refuses 'GATEWAY_RATE_LIMIT_REDIS_PORT: ' GATEWAY_RATE_LIMIT_REDIS_PORT=0
check "a host that is none" refuses 'distributed.host: ' GATEWAY_RATE_LIMIT_REDIS_URI= \
	GATEWAY_RATE_LIMIT_REDIS_HOST=a/b
check "a name that nobody knows may be known later: it is taken" takes \
	GATEWAY_RATE_LIMIT_REDIS_URI= GATEWAY_RATE_LIMIT_REDIS_HOST=nobody.invalid GATEWAY_RATE_LIMIT_MODE=redis
check "TLS" refuses 'distributed.uri: rediss: ' GATEWAY_RATE_LIMIT_REDIS_URI=rediss://127.0.0.1
check "a time that is none" refuses 'GATEWAY_RATE_LIMIT_REDIS_TIMEOUT_MS: ' GATEWAY_RATE_LIMIT_REDIS_TIMEOUT_MS=soon
check "a URI is not shown, as it may hold a password" refuses 'distributed.uri: ' \
	GATEWAY_RATE_LIMIT_REDIS_URI=redis://me:hush@:x
check_equal "which it did" "$(grep -c hush "$sl_dir/said")" 0

# ---- redis ----------------------------------------------------------------------------------------

check "they start again and count together" restart GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED=true || exit 1
burst 120 "$both"
one_limit redis
check_equal "redis: the documented keys say so" "$(counter routes_decide) $(counter global)" "$limit $limit"
check_equal "redis: they expire with the window" "$(cli EXPIRETIME "ratelimit:{acme}:routes_decide:$window")" "$(window_end)"
check_equal "redis: both gateways refuse" "$(ask "$stack_port" acme "$stack_key") $(ask "$(second_port)" acme "$stack_key")" \
	"429 429"
check_equal "redis: the fields say the shared limit" \
	"$(field X-RateLimit-Limit) $(field X-RateLimit-Remaining)" "$limit 0"
check_equal "redis: and when the window ends" "$(field X-RateLimit-Reset)" "$(window_end)"
check "redis: which is when to come again" [ "$(field Retry-After)" -le $(($(window_end) - $(date +%s) + 1)) ]
check_equal "redis: another tenant is served" "$(ask "$stack_port" beta "$stack_other_key")" 200
check_equal "redis: and told what is left" "$(field X-RateLimit-Remaining)" 599
check_equal "redis: other classes are counted apart" "$(list "$stack_port")" 200
check_equal "redis: and all classes together" "$(counter messages) $(counter global)" "1 $((limit + 1))"
check_equal "redis: operators see what Redis has" "$(usage routes_decide) $(usage messages)" "0redis 99redis"
check_equal "redis: each answer is counted" \
	"$(($(outcome admitted) + $(outcome admitted second))) $(($(outcome refused) + $(outcome refused second)))" \
	"$((limit + 2)) $((120 - limit + 2))"
check "redis: /health says that it counts" healthy healthy
check_equal "redis: bodies that come before or after its answer pass whole" "$(bodies 30)" 30

nginx_pid=$(cat "$stack_dir/nginx.own")
workers() {
	pgrep -P "$nginx_pid" | sort | xargs
}
old_workers=$(workers)
renewed() {
	[ -z "$(comm -12 <(tr ' ' '\n' <<<"$old_workers" | sort) <(workers | tr ' ' '\n' | sort))" ]
}
kill -HUP "$nginx_pid"
check "reload: new workers" wait_for 20 renewed
check_equal "reload: what was counted stays" "$(ask "$stack_port" acme "$stack_key")" 429
check_equal "reload: and others are served" "$(ask "$stack_port" beta "$stack_other_key")" 200
check_equal "reload: by Redis" "$(counter_of beta routes_decide)" 32

# ---- Redis freezes, and is killed ---------------------------------------------------------------

timeout_ms=250
served_by_redis() {
	[ "$(ask "$stack_port" beta "$stack_other_key")" = 200 ] &&
		[ "$(counter_of beta routes_decide)" -gt "$1" ] 2>/dev/null
}

check "a short deadline" restart GATEWAY_RATE_LIMIT_MODE=redis || exit 1
check "Redis counts" wait_for 10 served_by_redis 0
before=$(counter_of beta routes_decide)
redis_signal one STOP
burst 120 "$stack_port"
check "frozen: nobody waits longer than the deadline" in_time
check_equal "frozen: the node's own limit holds" "$(of_burst 200) $(of_burst 429)" "$limit $((120 - limit))"
check "frozen: some ended by the deadline, then the breaker is open" \
	[ "$(outcome timeout)" -gt 0 -a "$(outcome breaker_open)" -gt 0 ]
check "frozen: each is made up for, and counted" [ "$(metric gateway_rate_limit_fallback_total)" -ge 120 ]
check "frozen: /health says so" healthy degraded
check "frozen: it is said, and not for each request" said_between 1 8
# Clients that leave while their request waits, body and all.
for _ in $(seq 12); do
	ask "$stack_port" acme "$stack_key" -m 0.06 >"$sl_dir/cli"
	sleep 0.1
done
redis_signal one CONT
check "thawed: Redis counts again, from where it was" wait_for 10 served_by_redis "$before"

check "both start again" restart GATEWAY_RATE_LIMIT_MODE=redis || exit 1
check "Redis counts" wait_for 10 served_by_redis 0
redis_kill one 2>/dev/null
burst 200 "$both"
check "killed: nobody waits longer than the deadline" in_time
check_equal "killed: each node counts for itself" "$(of_burst 200) $(of_burst 429)" "$((2 * limit)) $((200 - 2 * limit))"
start_redis one
check "started again: Redis counts again, from nothing" wait_for 10 served_by_redis 0

check "without a fallback" restart GATEWAY_RATE_LIMIT_MODE=redis GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL=false || exit 1
check "Redis counts" wait_for 10 served_by_redis 0
redis_kill one 2>/dev/null
burst 60 "$both"
check "killed: nobody waits longer than the deadline, to be refused" in_time
check_equal "killed: all of them are answered 503" "$(of_burst 503)" 60
check_equal "503" "$(ask "$stack_port" acme "$stack_key")" 503
check_equal "with the contract's code" "$(json 'd["error"]["code"]' <"$sl_dir/answer") $(field Retry-After)" "unavailable 1"
check "and counted" [ "$(($(metric gateway_rate_limit_unavailable_total) + \
	$(metric gateway_rate_limit_unavailable_total second)))" -ge 61 ]
check_equal "but for what has no limit" "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$stack_url/health/ready")" 200
start_redis one
check "started again: Redis counts again" wait_for 10 served_by_redis 0

# ---- hybrid -----------------------------------------------------------------------------------------

timeout_ms=2000
check "hybrid starts" restart GATEWAY_RATE_LIMIT_MODE=hybrid || exit 1
burst 120 "$stack_port"
check_equal "hybrid: one limit passes" "$(of_burst 200) $(counter routes_decide)" "$limit $limit"
check_equal "hybrid: who is over it here is refused here" "$(outcome admitted) $(outcome refused)" "$limit 0"
burst 30 "$(second_port)"
check_equal "hybrid: who is over it elsewhere is refused by Redis" \
	"$(of_burst 429) $(outcome refused second)" "30 30"
redis_signal one STOP
burst 60 "$(second_port)"
check "hybrid, frozen: nobody waits longer than the deadline" in_time
check_equal "hybrid, frozen: what Redis refused was given back here" "$(of_burst 200)" "$limit"
redis_signal one CONT

# ---- windows end -----------------------------------------------------------------------------------

window=2 timeout_ms=$patient_ms
check "short windows" restart GATEWAY_RATE_LIMIT_MODE=redis GATEWAY_RATE_LIMIT_ROUTES_DECIDE_LIMIT=3 || exit 1
refused() {
	[ "$(ask "$stack_port" acme "$stack_key")" = 429 ]
}
served() {
	[ "$(ask "$(second_port)" acme "$stack_key")" = 200 ]
}
check "a window is used up" wait_for 5 refused
check "the next one is new" wait_for 5 served
check_equal "with all but one left" "$(field X-RateLimit-Limit) $(field X-RateLimit-Remaining)" "3 2"

# ---- a cluster ----------------------------------------------------------------------------------

window=$(long_window)
check "a cluster of three starts" start_cluster 3 0 || exit 1
redis_in_file+=", mode: cluster, addresses: '$redis_cluster'"
stop
check "gateways that count in it start" start GATEWAY_RATE_LIMIT_MODE=redis GATEWAY_RATE_LIMIT_REDIS_URI= || exit 1
burst 120 "$both"
one_limit cluster
check_equal "cluster: another tenant is served" "$(ask "$stack_port" beta "$stack_other_key")" 200
check_equal "cluster: nobody was sent elsewhere for good" "$(outcome error)" 0
check_sanitized "$(cat "$stack_dir/nginx.own")"
