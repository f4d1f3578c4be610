#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every accepted request can be followed by one trace id, from the client's header through
# decide, assignment, result and usage to the ledger: 10,000 under load; then while
# each program is killed in turn: nothing accepted is lost, and nothing is counted twice.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

requests=${SL_TRACE_REQUESTS:-10000}
stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/')
# A job that comes again after its worker died has taken 30 s, which opens breakers for a
# minute: the contract wants it, but it is not what is tested here.
stack_router_sed=(-e '1i breaker: {open_for: 1s, latency: 10m}')

# load FILE REQUESTS [OPTION...]
load() {
	local file=$1 count=$2

	shift 2
	tests/contract/follow.py load --url "$stack_url" --nats "$stack_nats" --key "$stack_key" \
		--requests "$count" --out "$file" "$@"
}

# followed FILE
followed() {
	tests/contract/follow.py check "$1" --nats "$stack_nats" --ledger "$stack_dir/usage.db" --wait 60
}

# killed NAME START...: SIGKILL in the midst of a load, a second without it, and back
killed() {
	local name=$1 file=$sl_dir/$1.json pid

	shift
	load "$file" 3000 --connections 8 --deadline 60 >"$sl_dir/load.log" 2>&1 &
	pid=$!
	sleep 0.7
	stack_end "$name" KILL
	sleep 1
	check "$name is back" "$@"
	check "while $name was killed, every request was accepted in the end" wait "$pid"
	grep '^#' "$sl_dir/load.log"
	followed "$file" >"$sl_dir/followed.log"
	sed "s/^ok - /&$name killed: /; s/^not ok - /&$name killed: /" "$sl_dir/followed.log"
	! grep -q '^not ok' "$sl_dir/followed.log" || sl_failed=$((sl_failed + 1))
}

stack_begin
check "the stack is up" stack_up || exit 1

check "$requests requests are accepted" load "$sl_dir/load.json" "$requests" --listen
all_ok followed "$sl_dir/load.json"

killed worker1 stack_start_worker 1
killed router1 stack_start_router 1
killed usage stack_start_usage
killed nats stack_start_nats
killed gateway stack_start_gateway
