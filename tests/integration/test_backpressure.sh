#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the gateway does when the router is overloaded, and about patterns of abuse: a real
# gateway and a real nats-server; backpressure.py plays the router and the clients.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

# Nobody comes near a limit but the tenant "few".
stack_gateway_sed=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 10000/'
	-e 's/^  plans:/&\n    - {name: few, routes_decide: 4, messages: 4, global: 4}/'
	-e 's/^  plans:/&\n    - {name: low, criticality: sheddable, routes_decide: 10000, global: 10000}/'
	-e 's/worker_processes auto/worker_processes 2/')

stack_begin
check "more callers have keys" tests/integration/backpressure.py keys "$stack_dir/api-keys.yaml"
check "nats-server starts" stack_start_nats || exit 1
check "the gateway starts" stack_start_gateway || exit 1
all_ok tests/integration/backpressure.py "$stack_url" "http://$stack_host:$stack_metrics_port" \
	"$stack_nats" "$stack_dir" ${ONLY_TEST:+"$ONLY_TEST"}
