# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # for who sources this
# The faults. A row: name | world | seconds that it stays | over blend | over closed | once | what
#   world         world_NAME.sh begins the servers and the load
#   over X        the tenant's bound beyond its limit, as a part of it (docs/quotas.md)
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
	chaos_bound=$(awk -v over="$chaos_over" -v once="$chaos_once" \
		'BEGIN { printf "%.1f %%%s", 100 * over, (once > 0) ? " +" once "s" : "" }')
}
