# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # for who sources this
# The faults. A row: name | world | seconds that it stays | over blend | over closed | once | what
#   world         world_NAME.sh begins the servers and the load
#   over X        the tenant's bound beyond its limit, as a part of it; or S:X,... from S seconds
#                 after the fault began (docs/chaos.md, "The bounds")
#   once          seconds' worth of the limit that may pass once on top (docs/quotas.md)
# The functions inject_NAME, injected_NAME (prints the proof), heal_NAME and healed_NAME are in
# faults_*.sh, with _ for -.

chaos_table() {
	cat <<-'ROWS'
		redis-killed | quota | 14 | 0 | 0 | 0 | Redis is killed and comes back empty
		redis-stopped | quota | 12 | 0 | 0 | 0 | Redis is frozen by SIGSTOP
		redis-paused | quota | 1 | 0 | 0 | 0 | Redis is frozen by CLIENT PAUSE
		redis-failover | quota | 6 | 0 | 0 | 1 | a master dies, Sentinel takes its replica
		cluster-master | quota | 6 | 0 | 0 | 1 | a cluster of six loses a master
		cluster-reshard | quota | 2 | 0 | 0 | 0 | a slot moves to another master and back under load
		partition-redis | quota | 14 | 3.5:0.334 | 0 | 0 | one node of three is cut off from Redis
		partition-nats | quota | 1 | 0 | 0 | 0 | one node of three is cut off from NATS
		partition-both | quota | 1 | 3.5:0.334 | 0 | 0 | one node of three is cut off from both
		loss | quota | 15 | 3.5:0.667,8.5:1.334,13.5:2 | 0 | 0 | 30 % of the packets between nodes and the store are lost
		proxy-delay | quota | 8 | 0 | 0 | 0 | each piece to and from Redis and NATS comes late
		proxy-slice | quota | 8 | 0 | 0 | 0 | all comes in pieces of a few bytes
		proxy-stall | quota | 12 | 3.5:0.667,8.5:1.334,13.5:2 | 0 | 0 | connections stand still, as by loss
		proxy-reset | quota | 10 | 3.5:0.667,8.5:1.334,13.5:2 | 0 | 0 | connections are reset, over and over
		proxy-blackhole | quota | 14 | 0 | 0 | 0 | nothing passes and nobody is told
		sentinel-delay | quota | 8 | 0 | 0 | 0 | each piece to and from Sentinel and its servers comes late
		sentinel-slice | quota | 8 | 0 | 0 | 0 | all of it comes in pieces of a few bytes
		sentinel-reset | quota | 10 | 3.5:0.667,8.5:1.334,13.5:2 | 0 | 0 | its connections are reset, over and over
		cluster-delay | quota | 8 | 0 | 0 | 0 | each piece to and from a cluster of six comes late
		cluster-slice | quota | 8 | 0 | 0 | 0 | all of it comes in pieces of up to 40 bytes
		cluster-reset | quota | 10 | 3.5:0.667,8.5:1.334,13.5:2 | 0 | 0 | its connections are reset, over and over
		agent-killed | quota | 8 | 3.5:0.334 | 0 | 0 | an agent is killed, its kernel goes on alone
		agents-restarted | quota | 0 | 3.5:0.667 | 0 | 0 | all agents are killed and started at once
		clock-forward | quota | 8 | 0 | 0 | 2 | the clock of Redis goes an hour forward, and back
		clock-back | quota | 8 | 0 | 0 | 2 | the clock of Redis goes an hour back, and forward
		nats-killed | pipeline | 5 | 0 | 0 | 0 | the nats-server is killed
		nats-leader | pipeline | 5 | 0 | 0 | 0 | three nats-servers lose the one that leads JetStream
		nats-slow | pipeline | 3 | 0 | 0 | 0 | a slow consumer: the router reads next to nothing
		nats-delay | pipeline | 6 | 0 | 0 | 0 | each piece to and from NATS comes late
		nats-slice | pipeline | 6 | 0 | 0 | 0 | all comes in pieces of a few bytes
		nats-reset | pipeline | 6 | 0 | 0 | 0 | connections to NATS are reset, over and over
		nats-blackhole | pipeline | 2 | 0 | 0 | 0 | gateway and router hear nothing and are not told
	ROWS
}

chaos_names() {
	chaos_table | cut -d '|' -f 1 | tr -d ' '
}

# chaos_row NAME: sets chaos_world, chaos_seconds, chaos_over, chaos_closed, chaos_once, chaos_what
chaos_row() {
	local row

	row=$(chaos_table | awk -F ' *[|] *' -v name="$1" '$1 == name' | sed 's/ *| */|/g')
	[ -n "$row" ] || return 1
	IFS='|' read -r _ chaos_world chaos_seconds chaos_over chaos_closed chaos_once chaos_what <<<"$row"
	chaos_bound=$(awk -v over="$chaos_over" -v once="$chaos_once" 'BEGIN {
		n = split(over, step, ",")
		for (i = 1; i <= n; i++) {
			sub(/.*:/, "", step[i])
			text = text (i > 1 ? "-" : "") sprintf("%.0f", 100 * step[i])
		}
		print text " %" (once > 0 ? " +" once "s" : "")
	}')
}
