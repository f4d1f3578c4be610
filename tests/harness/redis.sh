# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by integration tests: redis-servers of the test's own, alone, behind sentinels
# or as a cluster, on 127.0.0.1 and ports that follow from the process id. The test's
# exit trap calls redis_end; without redis-server redis_begin fails.
#
#   . tests/harness/redis.sh
#   trap redis_end EXIT
#   redis_begin || exit 1
#   start_redis one                       # ${redis_port[one]}, ${redis_pid[one]}
#   start_redis two --maxmemory 1mb       # with options
#   redis one SET key value               # redis-cli
#   redis_kill one; start_redis one       # a crash; same port, files and options
#   redis_signal one STOP; redis_signal one CONT
#
#   start_replica copy one
#   start_sentinels one a b c             # $redis_sentinels, they know it as "main"
#   start_cluster 3 1                     # masters, replicas of each: c1 ... c6,
#                                         # $redis_cluster "127.0.0.1:port,..."
#
# redis_host is where they listen: set it before redis_begin, with redis_run as what
# runs a program there ("ip netns exec NAME"), to have them in a namespace. They listen at
# the addresses of redis_also too, and speak of themselves as of redis_host.

redis_dir=
redis_base=
redis_used=0
redis_host=${redis_host:-127.0.0.1}
redis_run=${redis_run:-}
redis_also=${redis_also:-}
redis_sentinels=
redis_cluster=
declare -A redis_port=() redis_pid=() redis_options=()

redis_begin() {
	command -v redis-server redis-cli redis-sentinel >/dev/null || {
		echo "redis-server is not installed: scripts/setup.sh" >&2
		return 1
	}
	redis_base=$((10000 + ($$ * 64) % 9600))
	redis_dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-redis-XXXXXX")
}

# The next port that nobody listens on: sets redis_next.
redis_next_port() {
	local try

	for try in $(seq 9600); do
		redis_next=$((10000 + (redis_base - 10000 + redis_used) % 9600))
		redis_used=$((redis_used + 1))
		$redis_run bash -c "exec 3<>/dev/tcp/$redis_host/$redis_next" 2>/dev/null || return 0
	done
	echo "no free port after $try tries" >&2
	return 1
}

# start_redis NAME [OPTIONS of redis-server]: and waits until it answers
start_redis() {
	local name=$1

	shift
	if [ -z "${redis_port[$name]:-}" ]; then
		redis_next_port || return 1
		redis_port[$name]=$redis_next
		redis_options[$name]=$([ $# -eq 0 ] || printf "%q " "$@")
		mkdir -p "$redis_dir/$name"
	fi
	redis_spawn "$name" redis-server --save "''" --appendonly no
	redis_wait 10 redis_answers "$name" && return
	echo "the redis-server $name does not answer:" >&2
	tail -n 5 "$redis_dir/$name/log" >&2
	return 1
}

# redis_spawn NAME PROGRAM [OPTIONS]
redis_spawn() {
	local name=$1 options=()

	shift
	eval "options=(${redis_options[$name]})"
	# shellcheck disable=SC2086 # redis_run and redis_also are words
	(cd "$redis_dir/$name" && exec $redis_run "$@" --port "${redis_port[$name]}" \
		--bind "$redis_host" $redis_also --protected-mode no --dir . --daemonize no "${options[@]}" >>log 2>&1) &
	redis_pid[$name]=$!
}

redis_wait() {
	local until

	until=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt "$until" ] || return 1
		sleep 0.05
	done
}

# redis NAME COMMAND...
redis() {
	local name=$1

	shift
	# shellcheck disable=SC2086
	$redis_run timeout 5 redis-cli -h "$redis_host" -p "${redis_port[$name]}" "$@" 2>&1
}

redis_answers() {
	redis "$1" PING | grep -qE 'PONG|NOAUTH'
}

redis_signal() {
	kill "-$2" "${redis_pid[$1]}" 2>/dev/null
}

redis_kill() {
	[ -n "${redis_pid[$1]:-}" ] || return 0
	kill -KILL "${redis_pid[$1]}" 2>/dev/null
	wait "${redis_pid[$1]}" 2>/dev/null
	unset "redis_pid[$1]"
}

redis_end() {
	local name

	for name in "${!redis_pid[@]}"; do
		redis_kill "$name"
	done
	[ -z "$redis_dir" ] || rm -rf "$redis_dir"
	redis_dir=
}

# ---- replicas and sentinels ---------------------------------------------------------------------

# redis_info NAME FIELD: a line of INFO
redis_info() {
	redis "$1" INFO | tr -d '\r' | sed -n "s/^$2://p"
}

# start_replica NAME MASTER [OPTIONS]: and waits until it has what the master has
start_replica() {
	local name=$1 master=$2

	shift 2
	start_redis "$name" --replicaof "$redis_host ${redis_port[$master]}" \
		--repl-diskless-sync-delay 0 "$@" || return 1
	redis_wait 10 redis_linked "$name"
}

redis_linked() {
	[ "$(redis_info "$1" master_link_status)" = up ]
}

# start_sentinels MASTER NAME...: which agree by majority that it is gone after 500 ms
start_sentinels() {
	local master=$1 name

	shift
	redis_sentinels=
	for name in "$@"; do
		redis_next_port || return 1
		redis_port[$name]=$redis_next
		redis_options[$name]=
		mkdir -p "$redis_dir/$name"
		cat >"$redis_dir/$name/conf" <<-CONF
			sentinel monitor main $redis_host ${redis_port[$master]} $(($# / 2 + 1))
			sentinel down-after-milliseconds main 500
			sentinel failover-timeout main 3000
			sentinel parallel-syncs main 1
		CONF
		redis_spawn "$name" redis-sentinel "$redis_dir/$name/conf"
		redis_sentinels+=${redis_sentinels:+,}$redis_host:${redis_port[$name]}
	done
	for name in "$@"; do
		redis_wait 10 redis_knows "$name" $(($# - 1)) || return 1
	done
}

# redis_knows SENTINEL COUNT: that many other sentinels, and a replica to turn to
redis_knows() {
	[ "$(redis "$1" SENTINEL SENTINELS main | grep -c '^name$')" -ge "$2" ] &&
		[ "$(redis "$1" SENTINEL REPLICAS main | grep -c '^name$')" -ge 1 ]
}

# ---- a cluster ---------------------------------------------------------------------------------

# start_cluster MASTERS REPLICAS [OPTIONS]: c1, c2, ...; masters first
start_cluster() {
	local masters=$1 replicas=$2 count=$(($1 * (1 + $2))) i nodes=() bus

	shift 2
	redis_cluster=
	for i in $(seq "$count"); do
		redis_next_port || return 1
		bus=$redis_next
		start_redis "c$i" --cluster-enabled yes --cluster-port "$bus" \
			--cluster-node-timeout 1000 --repl-diskless-sync-delay 0 \
			--cluster-require-full-coverage no "$@" || return 1
		nodes+=("$redis_host:${redis_port[c$i]}")
		redis_cluster+=${redis_cluster:+,}$redis_host:${redis_port[c$i]}
	done
	# shellcheck disable=SC2086
	$redis_run timeout 30 redis-cli --cluster create "${nodes[@]}" \
		--cluster-replicas "$replicas" --cluster-yes >"$redis_dir/create" 2>&1 || {
		tail -n 5 "$redis_dir/create" >&2
		return 1
	}
	for i in $(seq "$count"); do
		redis_wait 20 redis_cluster_whole "c$i" "$masters" || return 1
	done
}

# Every node sees all slots with all masters, and their replicas.
redis_cluster_whole() {
	redis "$1" CLUSTER INFO | tr -d '\r' | grep -qx 'cluster_state:ok' &&
		[ "$(redis "$1" CLUSTER NODES | grep -c 'master -')" = "$2" ]
}

# redis_owner SLOT [ASKED]: the name of the master that has it, as ASKED (c1) says
redis_owner() {
	local name port

	port=$(redis "${2:-c1}" CLUSTER NODES | tr -d '\r' | awk -v slot="$1" '
		$3 ~ /master/ && $3 !~ /fail/ {
			for (i = 9; i <= NF; i++) {
				n = split($i, range, "-")
				if ($i !~ /^\[/ && range[1] <= slot && slot <= range[n]) {
					split($2, at, /[:@]/)
					print at[2]
				}
			}
		}' | head -n 1)
	for name in "${!redis_port[@]}"; do
		[ "${redis_port[$name]}" != "${port:-none}" ] || echo "$name"
	done
}

# redis_id NAME: of a node in its cluster
redis_id() {
	redis "$1" CLUSTER MYID
}
