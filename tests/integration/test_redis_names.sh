#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Redis by a name, of which the addresses change: a name that nobody knows yet, another server
# behind it, sentinels and a cluster by name. The hosts file is the client's own.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/redis_calls.sh

netns_begin
trap finish EXIT
trap : PIPE # of a caller that died: what it does not say then fails
redis_host=127.0.0.2
redis_begin || exit 1

finish() {
	local code=$?

	calls_end
	redis_end
	(exit "$code")
	netns_end
}

rate=200
limits=limits.test
echo "nameserver 127.0.0.1" >"$sl_dir/resolv.conf" # where nobody is: nothing leaves this machine
# shellcheck disable=SC2016 # of the inner shell
calls_run=(unshare --mount sh -c 'mount --bind "$0/hosts" /etc/hosts &&
	mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"' "$sl_dir")

# name_is [ADDRESS...]: in place, for the file is what is mounted
name_is() {
	printf "%s $limits\n" "$@" >"$sl_dir/hosts.new"
	[ $# -gt 0 ] || : >"$sl_dir/hosts.new"
	cat "$sl_dir/hosts.new" >"$sl_dir/hosts"
}

says_why() {
	tell stats
	grep -q "addresses: $limits" <<<"$said"
}

# ---- one server --------------------------------------------------------------------------------

start_redis one || exit 1
name_is
begin --addresses "$limits:${redis_port[one]}" --rate $rate -- INCR k:%
check "a name that nobody knows: it starts, and says so" wait_for 15 says_why
check_equal "and is down" "$(of 'd["state"]')" down
check "it is counted" [ "$(of 'd["redis_name_failures_total"]')" -ge 1 ]
name_is 127.0.0.2
check "the name has an address: calls succeed" wait_for 15 all_succeed

redis_kill one 2>/dev/null
sleep 0.1
tell stats
redis_port[two]=${redis_port[one]}
redis_options[two]=
mkdir -p "$redis_dir/two"
redis_host=127.0.0.3
start_redis two || exit 1
sleep 0.5
tell stats
check_equal "the server is gone from its address: nothing succeeds" "$(status 0)" 0
name_is 127.0.0.3
check "another address is behind the name: calls succeed" wait_for 15 all_succeed
check_equal "counted as another master" "$(of 'd["redis_master_changes_total"]')" 1

# What the name says does not disturb a connection that is good.
name_is 127.0.0.4
sleep 1.5
check "the name moves away from a server that answers: calls go on" all_succeed
check_equal "on the same connection" "$(of 'd["redis_disconnects_total"]')" 1
end_with "a name"

begin --addresses "127.0.0.3:${redis_port[two]},$limits:1" --rate $rate -- INCR k:%
check "an address beside a name: it is used at once" wait_for 5 all_succeed
end_with "an address and a name"

# ---- sentinels and a cluster ---------------------------------------------------------------------------

start_watched() {
	start_replica copy two && start_sentinels two s1
}

name_is 127.0.0.3
check "a replica and a sentinel start" start_watched
begin --mode sentinel --master main --addresses "$limits:${redis_port[s1]}" --rate $rate -- INCR k:%
check "sentinels by name: the master is found" wait_for 15 all_succeed
end_with "sentinels by name"
for server in s1 copy two; do
	redis_kill $server 2>/dev/null
done

redis_host=127.0.0.1
check "a cluster of three starts" start_cluster 3 0
name_is
begin --mode cluster --addresses "$limits:${redis_port[c1]}" --rate $rate -- INCR k:%
check "a cluster by a name that nobody knows" wait_for 15 says_why
name_is 127.0.0.1
check "it has an address: calls to all masters succeed" wait_for 15 all_succeed
check_equal "of which there are three" "$(of 'd["redis_masters_usable"]')" 3
end_with "a cluster by name"
