#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an agent says of a Redis that is away: once that it is, why and what holds, and once that it
# is back. A name that nobody knows, a server that dies, one that stands still.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/quota_nodes.sh

quota_test 1

name=limits.test log=$sl_dir/node1.log
quota_config "redis: {addresses: \"$name:${redis_port[one]}\"}" <<EOC
services:
  - {address: any, port: 1000, protocol: udp, tenant: kept}
tenants:
  - {name: kept, ingress: {packets_per_s: 3000, packets_burst: 600}, global: {packets: true}}
  - {name: closed, ingress: {packets_per_s: 3000, packets_burst: 600}, global: {packets: true},
     on_lease_expiry: closed}
EOC
: >"$sl_dir/hosts"
echo "nameserver 127.0.0.1" >"$sl_dir/resolv.conf" # where nobody is: nothing leaves this machine
# shellcheck disable=SC2016 # of the inner shell
spawn node1 unshare --mount sh -c 'mount --bind "$0/hosts" /etc/hosts &&
	mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"' "$sl_dir" \
	"$sl_bin/sluiced" --config "$sl_dir/node1.yaml" >>"$log" 2>&1
quota_pid[1]=$spawned_pid

# lines WORDS...: how many lines since the last forget() have all of them
lines() {
	local word said

	said=$(cat "$log")
	for word in "$@"; do
		said=$(grep -F -e "$word" <<<"$said")
	done
	grep -c . <<<"$said"
}

said() {
	[ "$(lines "$@")" -ge 1 ]
}

# What is said next is no part of what was.
forget() {
	: >"$log"
}

check "Redis by a name that nobody knows: the agent says so" wait_for 20 said "Redis is away" "$name"
check "by why" said "Redis is away" "reason=\"addresses: $name: "
check "since when" said "Redis is away" since=20 away_s=
check "and what holds" said "Redis is away" \
	"1 keep their share, which turns into an equal one within 30 s; 1 let nothing pass"
echo "$redis_host $name" >"$sl_dir/hosts"
check "the name has an address: it says that Redis answers" wait_for 20 said "Redis answers again" away_s=
check_equal "each of it once" "$(lines Redis level=warn) $(lines Redis answers)" "1 1"

quota_flood 1 300 --rate 1000 --port 1000
sleep 10 # after a word there is none for ten seconds that it is away
forget
redis_kill one
check "Redis dies: the agent says so" wait_for 20 said "Redis is away" "port ${redis_port[one]}: "
sleep 12
check_equal "once, however long it lasts" "$(lines Redis)" 1
start_redis one || not_ok "Redis starts again"
check "it is back: the agent says so" wait_for 20 said "Redis answers again"
check_equal "once" "$(lines Redis)" 2

sleep 10
forget
redis_signal one STOP
check "Redis stands still: the agent says so" wait_for 20 said "Redis is away"
redis_signal one CONT
check "and that it goes on" wait_for 20 said "Redis answers again"
check_equal "and nothing else" "$(lines Redis)" 2
