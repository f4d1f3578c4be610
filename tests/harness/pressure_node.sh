# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # $sl_...: of netns.sh; $nats_pid: the caller's
# Sourced after netns.sh by what shows that overload of a worker reaches the NIC: an agent, a
# nats-server of its own, and a worker whose jobs are the datagrams that pass, in the
# namespace "node"; three tenants of three classes that send from the namespace "client".
#
#   netns_begin
#   pressure_begin || exit 1            # all of it runs; traffic is the caller's
#   traffic 60
#   slow_down                           # ten times; waits until the kernel sheds
#   said slow_to_shed_ms                # what the worker measured (tests/tools/pressure_worker.c)
#   heal && wait_for 30 has_said recovery_s

nats_pid=
worker_pid=

pressure_begin() {
	ns_add node client
	ns_link node n0 client c0 1
	agent_config <<-CONF
		interfaces: [{name: n0}]
		services: [{address: 10.1.0.1, port: 80, protocol: udp}]
		sizes: {tenants: 16}
		nats: {servers: "nats://127.0.0.1:4222"}
		tenants:
		  - {name: gold, class: critical_plus, sources: [198.18.1.0/24]}
		  - {name: steady, sources: [198.18.2.0/24]}
		  - {name: batch, class: sheddable, sources: [198.18.3.0/24]}
	CONF
	start_nats && start_agent node && start_worker
}

start_nats() {
	echo 'listen: "127.0.0.1:4222"' >"$sl_dir/nats.conf"
	: >"$sl_dir/nats.log"
	spawn node nats-server -c "$sl_dir/nats.conf" >>"$sl_dir/nats.log" 2>&1
	nats_pid=$spawned_pid
	wait_for 10 grep -q 'Server is ready' "$sl_dir/nats.log"
}

# It has room for 1000 packets a second: 50 slots of 50 ms.
start_worker() {
	spawn node "$sl_bin/pressure_worker" nats://127.0.0.1:4222 default "$sl_pins" 10.1.0.1 80 \
		50 50 >>"$sl_dir/worker.log" 2>&1
	worker_pid=$spawned_pid
	wait_for 5 grep -q '^ready' "$sl_dir/worker.log"
}

# traffic SECONDS: of the three tenants, each from many addresses
traffic() {
	local seconds=$1 tenant

	for tenant in 1:30 2:30 3:490; do
		spawn client "$sl_bin/flood" --interface c0 --mac "$(ns_mac 1 1)" \
			--target 10.1.0.1 --source "198.18.${tenant%%:*}.0/24" --rate "${tenant#*:}" \
			--for "${seconds}s" >>"$sl_dir/flood.log" 2>&1
	done
}

slow_down() {
	: >"$sl_dir/worker.log"
	kill -USR1 "$worker_pid"
	wait_for 5 has_said slow_to_shed_ms
}

heal() {
	kill -USR2 "$worker_pid"
}

# said WORD: the last figure after it in the worker's log
said() {
	awk -v word="$1" '$1 == word { value = $2 } END { print value }' "$sl_dir/worker.log"
}

has_said() {
	[ -n "$(said "$1")" ]
}

# pressure_is EXPRESSION: of what sluicectl says
pressure_is() {
	ctl --json pressure | json_is "$1"
}

state_is() {
	pressure_is "d['node']['state'] == '$1'"
}
