# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with world_quota.sh
# Faults of agents and of the clock of Redis.

inject_agent_killed() {
	quota_kill 3 2>/dev/null
}

injected_agent_killed() {
	gone "${quota_pid[3]}" && ! quota_ctl 3 quota >"$sl_dir/said" 2>&1 &&
		wait_for 20 mode_was node3 closed closed &&
		echo "node3 has no agent; its kernel ended the lease of the tenant that closes"
}

# mode_was NODE TENANT MODE: by the history, since the fault began
mode_was() {
	sed -n '/"event":"inject"/,$p' "$history" |
		grep -q "\"node\":\"$1\",\"tenant\":\"$2\",.*\"mode\":\"$3\""
}

heal_agent_killed() {
	quota_start 3
}

healed_agent_killed() {
	wait_for 30 redis_says ok "${nodes[@]}" && echo "all agents say that Redis is ok"
}

inject_agents_restarted() {
	local n

	old_pids=("${quota_pid[@]}")
	for n in "${nodes[@]}"; do
		kill -KILL "${quota_pid[$n]}"
	done
	for n in "${nodes[@]}"; do
		quota_kill "$n" 2>/dev/null || return 1
	done
}

injected_agents_restarted() {
	local pid

	for pid in "${old_pids[@]}"; do
		gone "$pid" || return 1
	done
	echo "the processes ${old_pids[*]} are gone"
}

heal_agents_restarted() {
	agents_start
}

healed_agents_restarted() {
	healed_agent_killed
}

# ---- the clock of Redis --------------------------------------------------------------------------

# Its wall clock is the machine's and what the file says: tests/chaos/step_clock.c.
servers_stepped() {
	local plain=$redis_run code=0

	clock_set 0
	redis_run="$plain env LD_PRELOAD=$sl_bin/step_clock.so STEP_CLOCK=$sl_dir/clock"
	servers_alone || code=1
	redis_run=$plain
	return $code
}

# clock_set SECONDS: beside the machine's, at once
clock_set() {
	python3 -c 'import struct, sys
open(sys.argv[1], "r+b" if int(sys.argv[3]) else "wb").write(struct.pack("q", int(sys.argv[2]) * 10**9))' \
		"$sl_dir/clock" "$1" "$([ -e "$sl_dir/clock" ] && echo 1 || echo 0)"
}

# clock_is SECONDS: what Redis itself tells, to within 5
clock_is() {
	local skew

	skew=$(($(redis one TIME | head -n 1) - $(date +%s)))
	[ $((skew - $1)) -ge -5 ] && [ $((skew - $1)) -le 5 ] && echo "the TIME of Redis is $skew s off"
}

inject_clock_forward() {
	clock_set 3600
}

injected_clock_forward() {
	clock_is 3600
}

heal_clock_forward() {
	clock_set 0
}

healed_clock_forward() {
	clock_is 0
}

inject_clock_back() {
	clock_set -3600
}

injected_clock_back() {
	clock_is -3600
}

heal_clock_back() {
	clock_set 0
}

healed_clock_back() {
	clock_is 0
}
