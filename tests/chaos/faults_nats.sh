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

# Each with a port for clients, one for the others, one for questions.
servers_three() {
	local n name routes all

	routes=$(printf "nats://$stack_host:%s," $((stack_port + 121)) $((stack_port + 122)) $((stack_port + 123)))
	all=$(printf "nats://$stack_host:%s," $((stack_port + 111)) $((stack_port + 112)) $((stack_port + 113)))
	cluster_routes=${routes%,}
	for n in 1 2 3; do
		cluster_start "$n" || return 1
	done
	all=${all%,}
	for name in "${programs[@]}"; do
		nats_for[$name]=${all#nats://}
	done
	wait_for 30 cluster_leader_is_there
}

cluster_start() {
	stack_spawn "nats$1" nats-server -a "$stack_host" -p $((stack_port + 110 + $1)) -n "node$1" -js \
		-sd "$stack_dir/jetstream$1" -m $((stack_port + 130 + $1)) --cluster_name tests \
		--cluster "nats://$stack_host:$((stack_port + 120 + $1))" --routes "$cluster_routes"
	stack_wait "nats$1" 10 curl -fsS -m 2 "http://$stack_host:$((stack_port + 130 + $1))/varz"
}

# cluster_leader SERVER: who leads JetStream, as that one says
cluster_leader() {
	in_ns pipe curl -fsS -m 2 "http://$stack_host:$((stack_port + 130 + $1))/jsz" 2>"$sl_dir/curl" |
		json 'd.get("meta_cluster", {}).get("leader", "")' 2>"$sl_dir/json"
}

cluster_leader_is_there() {
	[ -n "$(cluster_leader 1)" ]
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
