# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by integration tests: a nats-server with JetStream of the test's own, on
# 127.0.0.1 and a port that follows from the process id. The test's exit trap calls
# nats_end; without nats-server nats_begin fails.
#
#   . tests/harness/nats.sh
#   trap nats_end EXIT
#   nats_begin || exit 1               # $nats_url, $nats_port, $nats_dir
#   nats_begin 'max_payload: 4096'     # more of its configuration
#   nats_kill; nats_start              # a crash; same port, same files

nats_port=
nats_url=
nats_dir=
nats_pid=

# True when nobody listens on port $1 of 127.0.0.1.
nats_port_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

nats_begin() {
	local try

	command -v nats-server >/dev/null || {
		echo "nats-server is not installed: scripts/setup.sh" >&2
		return 1
	}
	for try in $(seq 0 99); do
		nats_port=$((30000 + ($$ * 16 + try) % 2000))
		nats_port_free "$nats_port" && break
	done
	# shellcheck disable=SC2034
	nats_url=nats://127.0.0.1:$nats_port
	nats_dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-nats-XXXXXX") || return 1
	cat >"$nats_dir/conf" <<-CONF
		listen: "127.0.0.1:$nats_port"
		jetstream { store_dir: "$nats_dir/js" }
		${1:-}
	CONF
	nats_start
}

# Runs it and waits until it says INFO.
nats_start() {
	local try info

	nats-server -c "$nats_dir/conf" >>"$nats_dir/log" 2>&1 &
	nats_pid=$!
	for try in $(seq 200); do
		info=$( (exec 3<>"/dev/tcp/127.0.0.1/$nats_port" && read -r -N 4 -t 1 head <&3 &&
			echo "$head") 2>/dev/null)
		[ "$info" = INFO ] && return 0
		kill -0 "$nats_pid" 2>/dev/null || break
		sleep 0.05
	done
	echo "nats-server does not answer after $try tries:" >&2
	tail -n 5 "$nats_dir/log" >&2
	return 1
}

nats_kill() {
	[ -n "$nats_pid" ] || return 0
	kill -KILL "$nats_pid" 2>/dev/null
	wait "$nats_pid" 2>/dev/null
	nats_pid=
}

nats_end() {
	nats_kill
	[ -z "$nats_dir" ] || rm -rf "$nats_dir"
	nats_dir=
}
