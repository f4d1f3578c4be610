#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Streams and buckets in a cluster of three nats-servers: what an operator chose stays; with
# nats.replicas all have copies, and the loss of a stream's leader with its disk loses no message
# that was acknowledged.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. scripts/stack.sh
. tests/harness/nats_cluster.sh

streams=(SLUICE_ASSIGN SLUICE_ACKS SLUICE_RESULTS SLUICE_USAGE SLUICE_DLQ KV_SLUICE_DECISIONS
	KV_SLUICE_IDEMPOTENCY KV_SLUICE_REGISTRY KV_SLUICE_MESSAGES)

# api CALL [BODY]: of JetStream, its answer
api() {
	in_ns pipe python3 - "$cluster_first" "$@" <<-'PYTHON'
		import json, sys
		sys.path.insert(0, "tests/contract")
		from nats_peer import Peer
		print(json.dumps(Peer(sys.argv[1]).js(sys.argv[2], *map(json.loads, sys.argv[3:]), timeout=5)))
	PYTHON
}

# stream_is NAME PYTHON: of its info as d
stream_is() {
	api "STREAM.INFO.$1" | json_is "$2"
}

# shellcheck disable=SC2016 # $KV is a part of the subject
operator_makes() {
	api STREAM.CREATE.SLUICE_RESULTS '{"name": "SLUICE_RESULTS", "subjects": ["caf.exec.result.v1", "ours.>"],
		"retention": "limits", "storage": "file", "num_replicas": 3, "max_age": 2592000000000000,
		"max_bytes": 2147483648, "description": "kept for a month", "placement": {"cluster": "tests"}}' |
		json_is "d['config']['num_replicas'] == 3" &&
		api STREAM.CREATE.KV_SLUICE_REGISTRY '{"name": "KV_SLUICE_REGISTRY", "subjects": ["$KV.SLUICE_REGISTRY.>"],
			"retention": "limits", "storage": "file", "num_replicas": 3, "max_msgs_per_subject": 5,
			"allow_direct": true, "allow_rollup_hdrs": true, "discard": "new"}' |
		json_is "d['config']['num_replicas'] == 3"
}

as_the_operator_made_it() {
	stream_is SLUICE_RESULTS "(lambda c: c['num_replicas'] == 3 and c['max_age'] == 2592000000000000
		and c['max_bytes'] == 2147483648 and c['description'] == 'kept for a month'
		and c['placement'] == {'cluster': 'tests'} and 'ours.>' in c['subjects'])(d['config'])" &&
		stream_is KV_SLUICE_REGISTRY "d['config']['num_replicas'] == 3
			and d['config']['max_msgs_per_subject'] == 5"
}

# Results are recognised for an hour: that is Sluice's.
window_is_ours() {
	stream_is SLUICE_RESULTS "d['config']['duplicate_window'] == 3600 * 10**9"
}

# all_have N: copies, and one of them leads
all_have() {
	local name

	for name in "${streams[@]}"; do
		stream_is "$name" "d['config']['num_replicas'] == $1 and d['cluster']['leader']
			and all(r['current'] for r in d['cluster'].get('replicas', []))" || return 1
	done
}

programs_start() {
	stack_nats=${cluster_all#nats://}
	stack_start_usage && stack_start_router 1 && stack_start_worker 1 && stack_start_gateway
}

programs_end() {
	local name

	for name in gateway worker1 router1 usage; do
		stack_end "$name"
	done
}

# ---- load ---------------------------------------------------------------------------------

load_begin() {
	mkfifo "$sl_dir/events"
	exec 8<>"$sl_dir/events"
	in_ns pipe python3 tests/chaos/requests.py load "$stack_url" \
		"$stack_tenant=$stack_dir/keys/$stack_tenant=20" <"$sl_dir/events" >"$sl_dir/history" &
	load_pid=$!
	sl_pids+=("$load_pid")
}

# acked LEAST: so many requests were accepted
acked() {
	[ "$(grep -c '"ack"' "$sl_dir/history")" -ge "$1" ]
}


load_end() {
	echo quiet >&8
	echo . >&8
	exec 8>&-
	wait_for 20 gone "$load_pid"
}

# Each that was accepted, once.
in_the_ledger() {
	python3 - "$sl_dir/history" "$stack_dir/usage.db" <<-'PYTHON'
		import json, sqlite3, sys
		acked = {json.loads(line)["id"] for line in open(sys.argv[1]) if '"ack"' in line}
		book = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
		seen = dict(book.execute("select request_id, count(*) from usage_events group by request_id"))
		sys.exit(not acked or any(seen.get(name) != 1 for name in acked))
	PYTHON
}

leader_of() {
	api "STREAM.INFO.$1" | json "d['cluster'].get('leader', '')"
}

# another_leads STREAM FORMER
another_leads() {
	local leader

	leader=$(leader_of "$1" 2>"$sl_dir/api") && [ -n "$leader" ] && [ "$leader" != "$2" ]
}

leader_is_lost() {
	lost=$(leader_of SLUICE_USAGE)
	lost=${lost#node}
	[ -n "$lost" ] || return 1
	cluster_first=$stack_host:$(cluster_port $((lost % 3 + 1)) 110)
	stack_end "nats$lost" KILL
	rm -rf "$stack_dir/jetstream$lost"
}

# ---- the test --------------------------------------------------------------------------------

netns_begin
trap 'stack_down; netns_end' EXIT
pipe_begin
stack_gateway_sed=(-e 's/worker_processes auto/worker_processes 1/'
	-e '/^limits:/,/^  plans:/s/: [0-9]*$/: unlimited/')
check "three servers are a cluster" cluster_begin || exit 1
cluster_first=$stack_host:$(cluster_port 1 110)
check "an operator makes a stream and a bucket with three copies" operator_makes || exit 1
check "the programs start" programs_start || exit 1
check "what the operator chose is as it was" wait_for 10 as_the_operator_made_it
check "what Sluice needs of it was added" window_is_ours
check "what Sluice made itself has one copy" stream_is SLUICE_USAGE "d['config']['num_replicas'] == 1"

programs_end
stack_sed=(-e '/^nats:/a\  replicas: 3')
check "they start with replicas: 3" programs_start || exit 1
check "each stream and bucket has three copies" wait_for 30 all_have 3 || exit 1
check "and the rest is as the operator chose" as_the_operator_made_it
stack_end usage # what is metered from now on is in the stream alone
load_begin
check "requests are accepted" wait_for 20 acked 40 || exit 1
check "the leader of a stream is killed, its disk is lost" leader_is_lost
check "another server leads" wait_for 20 another_leads SLUICE_USAGE "node$lost"
at=$(grep -c '"ack"' "$sl_dir/history")
check "requests are accepted without it" wait_for 20 acked $((at + 40))
check "it comes back with nothing" cluster_start "$lost"
check "and has its copies again" wait_for 30 all_have 3
load_end
check "the ledger is back" stack_start_usage
check "no acknowledged message is lost, none is counted twice" wait_for 45 in_the_ledger

programs_end
stack_sed=(-e '')
check "they start without replicas:" programs_start || exit 1
check "three copies stay" all_have 3
