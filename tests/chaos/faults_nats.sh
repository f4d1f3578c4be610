# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # shared with world_pipeline.sh
# Faults of NATS and of the way to it, under gateway, router, worker and ledger.

healed_pipeline() {
	wait_for 30 ready && echo "the gateway says that it is ready"
}

inject_nats_killed() {
	stack_end nats KILL
}

injected_nats_killed() {
	wait_for 10 not_ready && ! stack_runs nats && echo "no nats-server; the gateway says that it is not ready"
}

heal_nats_killed() {
	stack_start_nats
}

healed_nats_killed() {
	healed_pipeline
}

# ---- three servers ------------------------------------------------------------------------------

servers_three() {
	local name

	cluster_begin || return 1
	for name in "${programs[@]}"; do
		nats_for[$name]=${cluster_all#nats://}
	done
}

inject_nats_leader() {
	lost=$(cluster_leader 1)
	lost=${lost#node}
	[ -n "$lost" ] || return 1
	witness=$((lost % 3 + 1))
	stack_end "nats$lost" KILL
}

another_leader() {
	local leader

	leader=$(cluster_leader "$witness")
	[ -n "$leader" ] && [ "$leader" != "node$lost" ]
}

injected_nats_leader() {
	wait_for 30 another_leader &&
		echo "node$lost, which led JetStream, is dead; $(cluster_leader "$witness") leads"
}

heal_nats_leader() {
	cluster_start "$lost"
}

healed_nats_leader() {
	healed_pipeline
}

# ---- the way to it ------------------------------------------------------------------------------

# The router reads next to nothing while more is sent to it than buffers hold: large requests
# that it would refuse. The server gives it up.
inject_nats_slow() {
	proxy router "throttle 300" || return 1
	in_ns pipe python3 - "$stack_nats" <<-'PYTHON'
		import sys
		sys.path.insert(0, "tests/contract")
		from nats_peer import Peer
		peer = Peer(sys.argv[1])
		for _ in range(40):
		    peer.publish("beamline.router.v1.decide", b"x" * 400000)
		peer.flush(20)
	PYTHON
}

slow_is_said() {
	grep -qi 'slow consumer' "$stack_dir/log/nats.log"
}

injected_nats_slow() {
	wait_for 60 slow_is_said && grep -io 'slow consumer.*' "$stack_dir/log/nats.log" | head -n 1
}

heal_nats_slow() {
	proxy router clear
}

healed_nats_slow() {
	healed_pipeline
}

inject_nats_delay() {
	proxies "delay 50 50"
}

injected_nats_delay() {
	proxied delayed 10
}

heal_nats_delay() {
	proxies clear
}

healed_nats_delay() {
	healed_pipeline
}

inject_nats_slice() {
	proxies "slice 400"
}

injected_nats_slice() {
	proxied sliced 50
}

heal_nats_slice() {
	proxies clear
}

healed_nats_slice() {
	healed_pipeline
}

inject_nats_reset() {
	proxies "reset 2"
}

injected_nats_reset() {
	proxied resets 1
}

heal_nats_reset() {
	proxies clear
}

healed_nats_reset() {
	healed_pipeline
}

inject_nats_blackhole() {
	proxy gateway blackhole && proxy router blackhole
}

injected_nats_blackhole() {
	wait_for 15 proxy_counts gateway held 1 && wait_for 15 proxy_counts router held 1 &&
		wait_for 30 not_ready && echo "gateway and router hear nothing; the gateway says that it is not ready"
}

heal_nats_blackhole() {
	proxies clear
}

healed_nats_blackhole() {
	healed_pipeline
}
