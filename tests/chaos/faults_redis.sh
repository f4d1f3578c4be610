# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with world_quota.sh
# Faults of Redis: one server, one behind sentinels, a cluster.

# ---- one server ------------------------------------------------------------------------------

inject_redis_killed() {
	redis_kill one 2>/dev/null
}

injected_redis_killed() {
	wait_for 10 redis_says down "${nodes[@]}" && ! redis_answers one &&
		echo "no answer to PING; all agents say that Redis is down"
}

heal_redis_killed() {
	start_redis one
}

healed_redis_killed() {
	wait_for 30 redis_says ok "${nodes[@]}" && echo "all agents say that Redis is ok"
}

inject_redis_stopped() {
	redis_signal one STOP
}

injected_redis_stopped() {
	local state

	state=$(awk '/^State:/ { print $2 }' "/proc/${redis_pid[one]}/status")
	[ "$state" = T ] && wait_for 10 redis_says down "${nodes[@]}" &&
		echo "its process is in state T; all agents say that Redis is down"
}

heal_redis_stopped() {
	redis_signal one CONT
}

healed_redis_stopped() {
	healed_redis_killed
}

# It ends by itself: CLIENT UNPAUSE is a command, which waits as well.
inject_redis_paused() {
	redis one CLIENT PAUSE 14000 ALL | grep -qx OK
}

injected_redis_paused() {
	wait_for 10 redis_says down "${nodes[@]}" || return 1
	! redis one SET chaos 1 | grep -q OK &&
		echo "SET gets no answer in 5 s; all agents say that Redis is down"
}

heal_redis_paused() {
	wait_for 20 redis_answers one
}

healed_redis_paused() {
	healed_redis_killed
}

# ---- sentinels ---------------------------------------------------------------------------------

servers_sentinel() {
	start_redis main && start_replica spare main && start_sentinels main s1 s2 s3 || return 1
	redis_at="mode: sentinel, master: main, addresses: \"$redis_sentinels\""
}

inject_redis_failover() {
	redis_kill main 2>/dev/null
}

# The sentinels have made the replica the master.
promoted() {
	[ "$(redis_info spare role)" = master ] &&
		redis s1 SENTINEL GET-MASTER-ADDR-BY-NAME main | grep -qx "${redis_port[spare]}"
}

injected_redis_failover() {
	wait_for 20 promoted && echo "the replica is master, s1 names its port ${redis_port[spare]}"
}

# What is healed is the pair: the former master is back as a replica.
heal_redis_failover() {
	start_redis main
}

main_follows() {
	[ "$(redis_info main role)" = slave ] && redis_linked main
}

healed_redis_failover() {
	wait_for 30 main_follows && wait_for 30 redis_says ok "${nodes[@]}" &&
		echo "the former master follows the new one; all agents say that Redis is ok"
}

# ---- a cluster -----------------------------------------------------------------------------------

servers_cluster() {
	start_cluster 3 1 || return 1
	redis_at="mode: cluster, addresses: \"$redis_cluster\""
}

# The key of the tenant "blend", as Redis has it.
blend_key() {
	local name

	for name in c1 c2 c3 c4 c5 c6; do
		redis "$name" --scan --pattern 'q:{b*}:blend:p'
	done | head -n 1
}

# The master that has the slot of "blend".
blend_owner() {
	redis_owner "$(redis "$1" CLUSTER KEYSLOT "$(blend_key)")" "$1"
}

inject_cluster_master() {
	lost=$(blend_owner c1) && [ -n "$lost" ] || return 1
	witness=c1
	[ "$lost" != c1 ] || witness=c2
	lost_slot=$(redis "$witness" CLUSTER KEYSLOT "$(blend_key)")
	redis_kill "$lost" 2>/dev/null
}

another_owner() {
	local owner

	owner=$(redis_owner "$lost_slot" "$witness")
	[ -n "$owner" ] && [ "$owner" != "$lost" ]
}

injected_cluster_master() {
	wait_for 20 another_owner &&
		echo "$lost, which had the tenant, is dead; $(redis_owner "$lost_slot" "$witness") has its slot"
}

heal_cluster_master() {
	start_redis "$lost"
}

lost_follows() {
	redis "$lost" ROLE | head -n 1 | grep -qx slave && redis_cluster_whole "$witness" 3
}

healed_cluster_master() {
	wait_for 30 lost_follows && wait_for 30 redis_says ok "${nodes[@]}" &&
		echo "$lost follows; the cluster is whole; all agents say that Redis is ok"
}

# The slot of "blend" moves to another master and back, key by key, while agents renew in it.
move_slot() {
	local slot=$1 from=$2 to=$3 keys name

	redis "$to" CLUSTER SETSLOT "$slot" IMPORTING "$(redis_id "$from")" &&
		redis "$from" CLUSTER SETSLOT "$slot" MIGRATING "$(redis_id "$to")" || return 1
	sleep 1 # real time: what is asked of the moving slot
	while keys=$(redis "$from" CLUSTER GETKEYSINSLOT "$slot" 10) && [ -n "$keys" ]; do
		# shellcheck disable=SC2086 # keys are words
		redis "$from" MIGRATE "$redis_host" "${redis_port[$to]}" "" 0 1000 KEYS $keys || return 1
	done
	sleep 2 # real time: the keys are there, the slot is not: ASK
	for name in "$to" "$from" c1 c2 c3; do
		redis "$name" CLUSTER SETSLOT "$slot" NODE "$(redis_id "$to")"
	done
}

inject_cluster_reshard() {
	moved_slot=$(redis c1 CLUSTER KEYSLOT "$(blend_key)")
	moved_from=$(redis_owner "$moved_slot")
	moved_to=c1
	[ "$moved_from" != c1 ] || moved_to=c2
	move_slot "$moved_slot" "$moved_from" "$moved_to" >"$sl_dir/move"
}

asked() {
	local n sum=0

	for n in "${nodes[@]}"; do
		sum=$((sum + $(quota_metric "$n" "^sluice_quota_redis_$1_total")))
	done
	echo "$sum"
}

injected_cluster_reshard() {
	[ "$(redis_owner "$moved_slot")" = "$moved_to" ] && [ "$(asked ask)" -gt 0 ] &&
		wait_for 10 told_moved &&
		echo "slot $moved_slot went from $moved_from to $moved_to; agents were told ASK" \
			"$(asked ask) times, MOVED $(asked moved) times"
}

told_moved() {
	[ "$(asked moved)" -gt 0 ]
}

heal_cluster_reshard() {
	move_slot "$moved_slot" "$moved_to" "$moved_from" >"$sl_dir/move"
}

healed_cluster_reshard() {
	[ "$(redis_owner "$moved_slot")" = "$moved_from" ] && wait_for 30 redis_says ok "${nodes[@]}" &&
		echo "slot $moved_slot is back on $moved_from; all agents say that Redis is ok"
}
