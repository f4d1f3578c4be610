# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # $chaos_...: of table.sh; $sl_..., $stack_...: of the harness
# The world of messages: gateway, router, worker and usage ledger in a namespace ("pipe"), each
# with a TCP proxy of its own before NATS; a tenant "acme" without a limit, and "small", who asks
# four times as often as its limit. Each accepted request must come into the ledger, once.
. scripts/stack.sh
. tests/harness/nats_cluster.sh

small_rate=5 small_window=4 # requests a second; the window is its burst
small_asks=20 acme_asks=15

world_begin() {
	pipe_begin
	NATS_ACK_WAIT_MS=3000
	export NATS_ACK_WAIT_MS # of what is not acknowledged, that it comes again soon
	"servers_$(servers_of_fault)" && pipeline_begin || return 1
	history_begin
}

servers_of_fault() {
	case $fault in
	nats-leader) echo three ;;
	*) echo one ;;
	esac
}

# One nats-server, and a proxy before it for each program.
servers_one() {
	local name port=$((stack_port + 100))

	cat >"$stack_dir/nats.conf" <<-CONF
		write_deadline: "1s"
	CONF
	stack_nats_options=(-c "$stack_dir/nats.conf")
	stack_start_nats || return 1
	for name in gateway router worker usage; do
		proxy_begin pipe "$name" 1 "$stack_host:$port=$stack_nats" || return 1
		nats_for[$name]=$stack_host:$port
		port=$((port + 1))
	done
}

declare -gA nats_for=()
programs=(usage router worker gateway)

pipeline_begin() {
	local own=$stack_nats

	stack_gateway_sed=(-e 's/worker_processes auto/worker_processes 1/' -e 's/timeout: 5s/timeout: 2s/'
		-e "s/window: 60s/window: ${small_window}s/" -e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/'
		-e "s/routes_decide: 20,/routes_decide: $((small_rate * small_window)),/")
	stack_nats=${nats_for[usage]} && stack_start_usage &&
		stack_nats=${nats_for[router]} && stack_start_router 1 &&
		stack_nats=${nats_for[worker]} && stack_start_worker 1 &&
		stack_nats=${nats_for[gateway]} && stack_start_gateway || return 1
	stack_nats=$own
}

world_end() {
	stack_down
}

# ---- the history ---------------------------------------------------------------------------

history_begin() {
	cat <<-JSON | tr '\n' ' ' >"$history"
		{"event": "plan", "fault": "$fault", "nodes": [], "tenants": {}, "recovery_s": 30, "messages": 50,
		"requests": {"small": {"rate": $small_rate, "burst": $((small_rate * small_window)),
		"over": $chaos_over, "refusal_gap_s": 4}}}
	JSON
	echo >>"$history"
	mkfifo "$sl_dir/events"
	exec 8<>"$sl_dir/events"
	in_ns pipe python3 tests/chaos/requests.py load "$stack_url" \
		"$stack_tenant=$stack_dir/keys/$stack_tenant=$acme_asks" \
		"$stack_small_tenant=$stack_dir/keys/$stack_small_tenant=$small_asks" \
		<"$sl_dir/events" >>"$history" 2>"$sl_dir/requests.err" &
	load_pid=$!
	sl_pids+=("$load_pid")
}

event() {
	echo "$1 $2" >&8
}

load_begin() {
	wait_for 20 calm || return 1
	event flood "requests of two tenants"
	sleep 6 # real time: longer than the window of a limit
}

# The last three seconds: answers of both kinds, and no other.
calm() {
	python3 tests/chaos/check.py --steady "$history"
}

load_end() {
	wait_for 35 calm
	sleep 3 # real time: some good answers more, for the checker
}

# Until all that was accepted is in the ledger, or has had the time to.
history_end() {
	echo quiet >&8
	wait_for 45 all_seen
	python3 tests/chaos/requests.py ledger "$stack_dir/usage.db" >"$sl_dir/seen"
	echo . >&8
	exec 8>&-
	wait_for 20 gone "$load_pid"
	cat "$sl_dir/seen" >>"$history"
	[ ! -s "$sl_dir/requests.err" ] || cat "$sl_dir/requests.err" >&2
}

all_seen() {
	python3 - "$history" "$stack_dir/usage.db" <<-'PYTHON'
		import json, sqlite3, sys
		acked = {json.loads(line)["id"] for line in open(sys.argv[1]) if '"ack"' in line}
		book = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
		seen = {row[0] for row in book.execute("select request_id from usage_events")}
		sys.exit(bool(acked - seen))
	PYTHON
}

# ready: the gateway says that it is
ready() {
	in_ns pipe curl -fsS -m 3 -o "$sl_dir/answer" "$stack_url/health/ready" 2>"$sl_dir/curl"
}

not_ready() {
	! ready
}
