#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The contract, row by row (tests/contract): the real gateway with a router that the suite
# plays, then the real router, workers and ledger behind it; and every example of docs/api.md.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

# Nobody comes near a limit but the tenant "small"; the clocks of the gateway run faster.
stack_gateway_sed=(-e 's/timeout: 5s/timeout: 700ms/' -e 's/client_header_timeout 10s/client_header_timeout 1s/'
	-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 1000000/'
	-e 's/^  plans:/  strangers: 2000\n  plans:/'
	-e 's/^log:/requests: {body_timeout: 1s}\n\n&/')

suite() {
	tests/contract/run.py --url "$stack_url" --nats "$stack_nats" --tenant acme --key "$stack_key" \
		--other-tenant beta --other-key "$stack_other_key" \
		--limited-tenant small --limited-key "$stack_small_key" --admin-key "$stack_admin_key" \
		--metrics-url "http://$stack_host:$stack_metrics_port" \
		--router-timeout 0.7 --client-timeout 1 "$@"
}

# passes_none FILE: against a server that answers 200 and {} to everything, no row of a file
# is ok: a row that cannot fail tests nothing
passes_none() {
	local log=$sl_dir/wrong.$1

	tests/contract/run.py --url "http://$stack_host:$stack_port" --tenant acme --key key \
		--admin-key key --metrics-url "http://$stack_host:$stack_port" --only "$1" >"$log" 2>&1
	! grep '^ok' "$log" && grep -q '^not ok' "$log"
}

stack_begin
stack_spawn wrong tests/contract/wrong_server.py "$stack_port"
wait_for 5 curl -fsS -o "$sl_dir/wrong" "$stack_url/health" 2>/dev/null
for rules in auth fields trace registry messages metrics; do
	check "a server without rules passes no row of $rules" passes_none "$rules"
done
stack_end wrong

check "nats-server starts" stack_start_nats || exit 1
check "the gateway starts" stack_start_gateway || exit 1
all_ok suite --router peer

check "the usage ledger starts" stack_start_usage || exit 1
check "the router starts" stack_start_router || exit 1
check "a worker starts" stack_start_worker 1 || exit 1
all_ok suite --router real
URL=$stack_url TENANT=acme KEY=$stack_key ADMIN_KEY=$stack_admin_key \
	all_ok tests/contract/examples.py docs/api.md
check_sanitized "$(cat "$stack_dir/nginx.own")"
