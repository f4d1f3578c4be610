# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $stack_...: of scripts/stack.sh, $sl_...: of netns.sh
# Sourced after scripts/stack.sh by what wants three nats-servers with JetStream in the namespace
# "pipe", where any port is free. Each has a port for clients, one for the others, one for questions.
#
#   pipe_begin                 # the namespace, and the stack's folder, ports and keys
#   cluster_begin              # $cluster_all "nats://a,nats://b,nats://c"; JetStream has a leader
#   stack_end nats2 KILL       # a crash
#   cluster_start 2            # it is back, with what its disk has
#   cluster_leader 1           # "node3": who leads JetStream, as server 1 says

pipe_begin() {
	ns_add pipe
	stack_dir=$sl_dir/stack
	stack_port=20000
	# shellcheck disable=SC2034 # for scripts/stack.sh
	stack_prefix=(nsenter "--net=/run/netns/$(ns pipe)" --)
	stack_ports
	mkdir -p "$stack_dir/log"
	stack_make_keys
}

# cluster_port N KIND: clients 110, servers 120, questions 130
cluster_port() {
	echo $((stack_port + $2 + $1))
}

# cluster_addresses KIND: of all three
cluster_addresses() {
	echo "nats://$stack_host:$(cluster_port 1 "$1"),nats://$stack_host:$(cluster_port 2 "$1"),nats://$stack_host:$(cluster_port 3 "$1")"
}

cluster_begin() {
	local n

	# shellcheck disable=SC2034 # for who sources this
	cluster_all=$(cluster_addresses 110)
	for n in 1 2 3; do
		cluster_start "$n" || return 1
	done
	wait_for 30 cluster_leader_is_there
}

cluster_start() {
	stack_spawn "nats$1" nats-server -a "$stack_host" -p "$(cluster_port "$1" 110)" -n "node$1" -js \
		-sd "$stack_dir/jetstream$1" -m "$(cluster_port "$1" 130)" --cluster_name tests \
		--cluster "nats://$stack_host:$(cluster_port "$1" 120)" --routes "$(cluster_addresses 120)"
	stack_wait "nats$1" 10 curl -fsS -m 2 "http://$stack_host:$(cluster_port "$1" 130)/varz"
}

cluster_leader() {
	in_ns pipe curl -fsS -m 2 "http://$stack_host:$(cluster_port "$1" 130)/jsz" 2>"$sl_dir/curl" |
		json 'd.get("meta_cluster", {}).get("leader", "")' 2>"$sl_dir/json"
}

cluster_leader_is_there() {
	[ -n "$(cluster_leader 1)" ]
}
