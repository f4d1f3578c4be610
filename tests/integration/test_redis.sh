#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our Redis client against real servers that are killed, frozen, failed over and
# resharded under load, and against peers that lie: every call is answered exactly once,
# within its deadline, and the client finds back by itself.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh
. tests/harness/redis.sh
. tests/harness/redis_calls.sh

netns_begin
trap finish EXIT
trap : PIPE # of a caller that died: what it does not say then fails
redis_begin || exit 1

rate=200
deadline_ms=250
slack_ms=150 # for a machine with other work

finish() {
	local code=$?

	calls_end
	redis_end
	(exit "$code")
	netns_end
}

# within NAME: nothing that ended since the last look took longer than the deadline
within() {
	check "$1: nobody waited longer than the deadline" [ "$(of 'int(d["max_ms"])')" -le \
		$((deadline_ms + slack_ms)) ]
}

# sum_of NAME...: of all counters k:*
sum_of() {
	local name

	for name in "$@"; do
		redis "$name" --scan --pattern 'k:*' | sed 's/^/GET /' | redis "$name"
	done | awk '{ n += $1 } END { print n + 0 }'
}

# ---- one server --------------------------------------------------------------------------------

at() {
	echo "$redis_host:${redis_port[$1]}"
}

start_redis one || exit 1
begin --addresses "$(at one)" --rate $rate -- INCR k:%
check "one server: calls succeed" wait_for 5 all_succeed

redis_signal one STOP
sleep 0.05
tell stats
sleep 1
tell stats
check_equal "frozen: nothing succeeds" "$(status 0)" 0
check "frozen: calls end by their deadline, then by the breaker" \
	[ "$(status ETIMEDOUT)" -gt 0 -a "$(status EHOSTUNREACH)" -gt 0 ]
check_equal "frozen: it says so" "$(of 'd["state"]')" down
check "frozen: the breaker opened" [ "$(of 'd["redis_breaker_opened_total"]')" -ge 1 ]
within frozen
redis_signal one CONT
check "thawed: calls succeed again" wait_for 5 all_succeed

redis one CLIENT PAUSE 700 >"$sl_dir/cli"
sleep 0.6
tell stats
within paused
check "paused: calls ended by their deadline" [ "$(status ETIMEDOUT)" -gt 0 ]
check "paused no more: calls succeed again" wait_for 5 all_succeed

redis_kill one 2>/dev/null
sleep 0.7
tell stats
within killed
check_equal "killed: it says so" "$(of 'd["state"]')" down
start_redis one
check "restarted: calls succeed again" wait_for 6 all_succeed
end_with "one server"

begin --addresses "$(at one)" --calls-max 8 -- GET k:%
check "one server: a value comes back" wait_for 5 once "0 "
tell "fill 20"$'\n'stats
check_equal "more calls than fit are refused at once" "$(status EBUSY)" 12
end_with "bounded"

# ---- a server that loads its data ----------------------------------------------------------------

redis one DEBUG SET-ACTIVE-EXPIRE 1 >"$sl_dir/cli"
redis one EVAL 'for i = 1, 3000 do redis.call("SET", "fill:" .. i, i) end' 0 >"$sl_dir/cli"
redis one SAVE >"$sl_dir/cli"
redis_kill one 2>/dev/null
redis_options[one]="--key-load-delay 400 --loading-process-events-interval-bytes 1024"
begin --addresses "$(at one)" --rate $rate -- INCR k:%
start_redis one
loading() {
	tell stats
	[ "$(of 'd["redis_loading_total"]')" -gt 0 ]
}
check "loading: the server says so" wait_for 5 loading
check "loaded: calls succeed" wait_for 10 all_succeed
end_with loading

# ---- two servers, one of them the master ---------------------------------------------------------

check "a replica starts" start_replica two one
begin --addresses "$(at two),$(at one)" --rate $rate -- INCR k:%
check "a list: the one that is a master is found" wait_for 5 all_succeed
redis two REPLICAOF NO ONE >"$sl_dir/cli"
redis one REPLICAOF "$redis_host" "${redis_port[two]}" >"$sl_dir/cli"
check "roles change: the other one is found" wait_for 6 all_succeed
check "roles change: after an answer READONLY or a lost connection" \
	[ "$(of 'd["redis_read_only_total"] + d["redis_disconnects_total"]')" -ge 1 ]
check_equal "roles change: counted" "$(of 'd["redis_master_changes_total"] >= 1')" True
end_with "a list"
redis_kill one 2>/dev/null

# ---- who may ------------------------------------------------------------------------------------

printf 'right\n' >"$sl_dir/right"
printf 'wrong\n' >"$sl_dir/wrong"
redis two ACL SETUSER sluice on '>right' '~k:*' resetchannels -@all +ping +role +incr +select \
	+fcall >"$sl_dir/cli"
redis two ACL SETUSER default off >"$sl_dir/cli"
begin --addresses "$(at two)" --user sluice --password-file "$sl_dir/right" --database 2 -- INCR k:%
check "a user with a password is let in, into its database" wait_for 5 once "0 1"
end_with "a user"
begin --addresses "$(at two)" --user sluice --password-file "$sl_dir/wrong" -- INCR k:%
check "a wrong password is said at once" wait_for 5 once "EACCES "
tell stats
check "and by the reason" grep -q WRONGPASS <<<"$said"
cp "$sl_dir/right" "$sl_dir/wrong"
check "a password that was changed is read again" wait_for 6 once "0 "
end_with "a password"
begin --addresses "$(at two)" --user sluice --password-file "$sl_dir/right" -- SET other:% x
check "a right that is missing is said" wait_for 5 once "EACCES NOPERM"
end_with "a right"
begin --addresses "$(at two)" -- INCR k:%
check "no user where one is needed is said" wait_for 5 once "EACCES "
end_with "no user"
redis_kill two 2>/dev/null

"$sl_bin/redis_calls" --addresses "$redis_host:1" --tls -- PING </dev/null >"$sl_dir/out" 2>&1
check_equal "TLS is refused at the start" "$? $(grep -c 'tls: ' "$sl_dir/out")" "2 1"

# ---- functions -----------------------------------------------------------------------------------

# library FILE VERSION RESULT
library() {
	cat >"$sl_dir/$1" <<-LUA
		#!lua name=probe
		-- version: $2
		redis.register_function('probe', function(keys) return '$3' end)
	LUA
}

start_redis three
library v2 2 two
library v3 3 three
begin --addresses "$(at three)" --library "probe=$sl_dir/v2" -- FCALL probe 1 k:%
check "a library that is missing is loaded" wait_for 5 once "0 two"
redis three FUNCTION FLUSH >"$sl_dir/cli"
check "one that was flushed is loaded again, and the call comes again" once "0 two"
tell stats
check_equal "twice in all" "$(of 'd["redis_library_loads_total"]')" 2
redis three FUNCTION FLUSH >"$sl_dir/cli"
end_with "a library"
begin --addresses "$(at three)" --library "probe=$sl_dir/v3" -- FCALL probe 1 k:%
check "a newer one" wait_for 5 once "0 three"
end_with "a newer one"
begin --addresses "$(at three)" --library "probe=$sl_dir/v2" -- FCALL probe 1 k:%
check "is not replaced by an older one" wait_for 5 once "0 three"
tell stats
check_equal "which is counted" "$(of 'd["redis_library_newer_total"]')" 1
end_with "an older one"
redis three FUNCTION FLUSH >"$sl_dir/cli"
library v2 2 two
begin --addresses "$(at three)" --library "probe=$sl_dir/v2" -- FCALL other 1 k:%
check "a function that is in no library stays unknown" wait_for 5 once "ENOENT ERR Function not found"
end_with "no function"
redis three ACL SETUSER default on nopass '~*' +@all -function >"$sl_dir/cli"
redis three ACL SETUSER admin on '>right' '~*' +@all >"$sl_dir/cli"
redis three --user admin --pass right --no-auth-warning FUNCTION LOAD REPLACE "$(cat "$sl_dir/v3")" \
	>"$sl_dir/cli"
begin --addresses "$(at three)" --library "probe=$sl_dir/v2" -- FCALL probe 1 k:%
check "without the right to load, what is there is called" wait_for 5 once "0 three"
tell stats
check_equal "and that is counted" "$(of 'd["redis_library_load_failures_total"] > 0')" True
end_with "no right to load"
redis_kill three 2>/dev/null

# ---- peers that lie ----------------------------------------------------------------------------------

# lie MODE BYTES: a server that answers the handshake, then this
lie() {
	redis_next_port
	python3 - "$redis_host" "$redis_next" "$2" <<-'PYTHON' &
		import socket, sys
		host, port, lie = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode().decode("unicode_escape").encode("latin1")
		server = socket.socket()
		server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		server.bind((host, port))
		server.listen(8)
		while True:
		    peer, _ = server.accept()
		    try:
		        while True:
		            asked = peer.recv(65536)
		            if not asked:
		                break
		            peer.sendall(b"+PONG\r\n" if b"PING" in asked else lie)
		    except OSError:
		        pass
		    peer.close()
	PYTHON
	liar=$!
	sl_pids+=("$liar")
	begin --mode "$1" --addresses "$redis_host:$redis_next" -- INCR k:%
	lied() {
		tell once
		tell stats
		[ "$(of "d['redis_hostile_total']")" -gt 0 ]
	}
	check "a peer that lies ($3) is left" wait_for 6 lied
	end_with "$3"
	kill "$liar"
	wait "$liar" 2>/dev/null
}

lie standalone ':1\r\n+OK\r\n+OK\r\n' "more answers than questions"
lie standalone '*2147483647\r\n' "an endless array"
lie standalone "*70000\r\n" "a large array"
# shellcheck disable=SC2016 # $7 is a length
lie cluster '*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$7\r\n0.0.0.0\r\n:6379\r\n' "a host that cannot be"
lie cluster '*2\r\n*3\r\n:0\r\n:9\r\n*2\r\n$-1\r\n:1\r\n*3\r\n:9\r\n:16383\r\n*2\r\n$-1\r\n:2\r\n' \
	"a slot of two masters"

start_watched() {
	start_redis main && start_replica spare main && start_replica other main &&
		start_sentinels main s1 s2 s3
}

# ---- Sentinel -----------------------------------------------------------------------------------------

check "a master, two replicas and three sentinels start" start_watched
begin --mode sentinel --master main --addresses "$redis_host:1,$redis_sentinels" --rate $rate -- INCR k:%
check "sentinels: the master is found, though one does not answer" wait_for 6 all_succeed
redis_kill s1 2>/dev/null
redis_kill main 2>/dev/null
sleep 0.5
tell stats
within "the master is killed"
check "failover: the new master is found" wait_for 12 all_succeed
check_equal "failover: counted" "$(of 'd["redis_master_changes_total"]')" 1
end_with failover
begin --mode sentinel --master nobody --addresses "$(at s2)" -- INCR k:%
check "a master that nobody knows" wait_for 5 once ETIMEDOUT
tell stats
check "is said" grep -q 'no such master' <<<"$said"
end_with "an unknown master"
for name in spare other s2 s3; do
	redis_kill $name 2>/dev/null
done

# ---- a cluster ------------------------------------------------------------------------------------------

check "a cluster of six starts" start_cluster 3 1
library v2 2 two
begin --mode cluster --addresses "$redis_host:1,$redis_cluster" --rate $rate --library "probe=$sl_dir/v2" \
	-- INCR k:%
check "cluster: calls to all masters succeed" wait_for 8 all_succeed
check_equal "cluster: of which there are three" "$(of 'd["redis_masters_usable"]')" 3
check_equal "cluster: the library is on each" \
	"$(for n in c1 c2 c3; do redis $n FUNCTION LIST; done | grep -c -A1 library_name)" 3

# Slots that have keys of ours move to another master, key by key, under load.
moved=0
asks() {
	[ "$(of 'd["redis_ask_total"]')" -gt 0 ]
}
for key in k:1 k:2 k:3; do
	slot=$(redis c1 CLUSTER KEYSLOT $key)
	from=$(redis_owner "$slot")
	to=c1
	[ "$from" != c1 ] || to=c2
	redis "$to" CLUSTER SETSLOT "$slot" IMPORTING "$(redis_id "$from")" >"$sl_dir/cli"
	redis "$from" CLUSTER SETSLOT "$slot" MIGRATING "$(redis_id "$to")" >"$sl_dir/cli"
	while keys=$(redis "$from" CLUSTER GETKEYSINSLOT "$slot" 10) && [ -n "$keys" ]; do
		# shellcheck disable=SC2086
		redis "$from" MIGRATE "$redis_host" "${redis_port[$to]}" "" 0 1000 KEYS $keys >"$sl_dir/cli"
	done
	# Each key is called once in KEYS / rate seconds.
	sleep 1.5
	for name in "$to" "$from" c1 c2 c3; do
		redis "$name" CLUSTER SETSLOT "$slot" NODE "$(redis_id "$to")" >"$sl_dir/cli"
	done
	moved=$((moved + 1))
done
sleep 0.2
tell stats
check_equal "resharding: no call failed" "$(of 'list(d["statuses"])')" "['0']"
check "resharding: calls were sent after the keys (ASK)" asks
sleep 1.5
check "resharding: and after the slots (MOVED)" wait_for 5 all_succeed
tell stats
end_with resharding
check_equal "resharding: each call was executed once" "$(sum_of c1 c2 c3)" \
	"$(of 'd["redis_answers_total"]')"

# Two keys of a slot, one on each side: TRYAGAIN until the other one has come as well.
slot=$(redis c1 CLUSTER KEYSLOT '{pair}')
from=$(redis_owner "$slot")
to=c1
[ "$from" != c1 ] || to=c2
redis "$from" MSET '{pair}a' 1 '{pair}b' 2 >"$sl_dir/cli"
redis "$to" CLUSTER SETSLOT "$slot" IMPORTING "$(redis_id "$from")" >"$sl_dir/cli"
redis "$from" CLUSTER SETSLOT "$slot" MIGRATING "$(redis_id "$to")" >"$sl_dir/cli"
redis "$from" MIGRATE "$redis_host" "${redis_port[$to]}" '{pair}a' 0 1000 >"$sl_dir/cli"
begin --mode cluster --addresses "$redis_cluster" -- MGET '{pair}a' '{pair}b'
check "half a slot: TRYAGAIN until there is no time" wait_for 5 once "EAGAIN TRYAGAIN"
redis "$from" MIGRATE "$redis_host" "${redis_port[$to]}" '{pair}b' 0 1000 >"$sl_dir/cli"
check "the whole slot: it comes back by ASK" once "0 [1 2]"
for name in "$to" "$from" c1 c2 c3; do
	redis "$name" CLUSTER SETSLOT "$slot" NODE "$(redis_id "$to")" >"$sl_dir/cli"
done
check "and by MOVED" once "0 [1 2]"
end_with "two keys"
begin --mode cluster --addresses "$redis_cluster" -- MGET 'a' 'b'
check "keys of two slots are refused" wait_for 5 once "EXDEV CROSSSLOT"
end_with "two slots"

# A master is killed under load.
begin --mode cluster --addresses "$redis_cluster" --rate $rate --library "probe=$sl_dir/v2" -- INCR k:%
check "cluster: calls succeed before" wait_for 8 all_succeed
redis_kill c1 2>/dev/null
sleep 1
tell stats
within "a master of the cluster is killed"
check "a master is killed: calls to the others go on" [ "$(status 0)" -gt $((rate / 4)) ]
check_equal "a master is killed: it says so" "$(of 'd["state"]')" degraded
check "a master is killed: its replica is found" wait_for 15 all_succeed
for name in c2 c3; do
	redis_signal $name STOP
done
sleep 0.7
tell stats
within "two masters are frozen"
for name in c2 c3; do
	redis_signal $name CONT
done
check "two masters thaw: calls succeed again" wait_for 15 all_succeed
end_with "a cluster"
