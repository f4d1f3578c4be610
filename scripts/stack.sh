#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole pipeline on this machine's loopback, for a developer and for tests:
# nats-server with JetStream, usage ledger, router, two workers, gateway (nginx).
#   scripts/stack.sh up       start what is not running; print how to use it (`make up`)
#   scripts/stack.sh down     end it and remove its files (`make down`)
#   scripts/stack.sh status   what runs
# Ports: SL_STACK_PORT (8080) is the gateway's; the others follow, see ports() below.
# Files, logs and pids: $SL_BUILD/stack.
#
# Sourced, it gives stack_* functions; stack_dir and stack_port say where, and
# stack_prefix (an array) is put before each command: (ip netns exec NAME), for example.

stack_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
stack_build=${SL_BUILD:-build}
[[ $stack_build = /* ]] || stack_build=$stack_root/$stack_build
stack_dir=${stack_dir:-$stack_build/stack}
stack_port=${SL_STACK_PORT:-8080}
stack_host=127.0.0.1
stack_gateway_host=$stack_host # where the gateway's public listener is
stack_prefix=()
stack_examples=$stack_root/docs/examples/stack
export PATH=$PATH:/usr/sbin:/sbin

stack_say() {
	printf '%s\n' "$*"
}

# Ports of the stack, from the gateway's.
stack_ports() {
	stack_url=http://$stack_gateway_host:$stack_port
	stack_metrics_port=$((stack_port + 1))
	stack_nats_port=$((stack_port + 2))
	stack_nats=$stack_host:$stack_nats_port
	stack_router_port=$((stack_port + 3)) # a second router: + 4
	stack_usage_port=$((stack_port + 5))
	stack_worker_port=$((stack_port + 6)) # worker N: + N
}

# ---- processes --------------------------------------------------------------------

# stack_runs NAME: its process is there and still the one that was started
stack_runs() {
	local pid

	pid=$(cat "$stack_dir/$1.pid" 2>/dev/null) && [ -n "$pid" ] &&
		[ "$(stack_started "$pid")" = "$(cat "$stack_dir/$1.started" 2>/dev/null)" ]
}

# When a process was started, in ticks since boot: no two of one pid have the same.
stack_started() {
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ] || return 1
	echo "$stat" | cut -d ' ' -f 20
}

# stack_spawn NAME COMMAND...: in the background; its output goes to log/NAME.log
stack_spawn() {
	local name=$1

	shift
	mkdir -p "$stack_dir/log"
	setsid "${stack_prefix[@]}" "$@" >>"$stack_dir/log/$name.log" 2>&1 </dev/null &
	disown $!
	echo $! >"$stack_dir/$name.pid"
	stack_started $! >"$stack_dir/$name.started"
}

# stack_wait NAME SECONDS COMMAND...: until the command succeeds, as long as NAME runs
stack_wait() {
	local name=$1 end=$((SECONDS + $2))

	shift 2
	until "${stack_prefix[@]}" "$@" >"$stack_dir/wait" 2>&1; do
		if [ "$SECONDS" -ge "$end" ] || ! stack_runs "$name"; then
			stack_say "stack: $name does not answer; $stack_dir/log/$name.log ends with" >&2
			tail -n 20 "$stack_dir/log/$name.log" | sed 's/^/  /' >&2
			return 1
		fi
		sleep 0.1
	done
}

# stack_end NAME [SIGNAL]: ends it and waits for it; after 10 s it is killed. KILL is for
# its children as well: nginx's workers would keep the port.
stack_end() {
	local pid end=$((SECONDS + 10))

	if stack_runs "$1"; then
		pid=$(cat "$stack_dir/$1.pid")
		if [ "${2:-TERM}" = KILL ]; then
			kill -KILL -- "-$pid" 2>/dev/null
		else
			kill -"${2:-TERM}" "$pid" 2>/dev/null
		fi
		while stack_runs "$1" && [ "$SECONDS" -lt "$end" ]; do
			sleep 0.05
		done
		! stack_runs "$1" || kill -KILL -- "-$pid" 2>/dev/null
	fi
	rm -f "$stack_dir/$1.pid" "$stack_dir/$1.started"
}

stack_names() {
	local path

	for path in "$stack_dir"/*.pid; do
		[ ! -e "$path" ] || basename "$path" .pid
	done
}

# ---- settings: the examples, with this stack's ports and folder ------------------------

# Further edits of all of them, for tests.
stack_sed=(-e '')
# stack_config NAME [SED...]: docs/examples/stack/NAME into the stack's folder
stack_config() {
	local name=$1

	shift
	sed -e "s|/etc/sluice|$stack_dir|g; s|/var/lib/sluice|$stack_dir|g" \
		-e "s|/run/sluice|$stack_dir|g; s|/var/log/sluice|$stack_dir/log|g" \
		-e "s|nats://127.0.0.1:4222|nats://$stack_nats|g" \
		-e "s|127.0.0.1:8080|$stack_gateway_host:$stack_port|g" \
		-e "s|127.0.0.1:9101|$stack_host:$stack_metrics_port|g" \
		"${stack_sed[@]}" "$@" "$stack_examples/$name"
}

# Whose the keys are.
stack_tenant=acme
stack_other_tenant=beta
stack_small_tenant=small

# One key for each of three tenants and one for operators, new ones for each stack: in files
# of the folder keys, in stack_key, stack_other_key, stack_small_key, stack_admin_key.
# shellcheck disable=SC2034 # for who sources this
stack_make_keys() {
	local name salt

	if [ ! -s "$stack_dir/api-keys.yaml" ]; then
		salt=$(openssl rand -hex 16)
		mkdir -p "$stack_dir/keys"
		chmod 700 "$stack_dir/keys"
		for name in "$stack_tenant" "$stack_other_tenant" "$stack_small_tenant" operators; do
			openssl rand -hex 16 >"$stack_dir/keys/$name"
		done
		{
			echo "version: 1"
			echo "salt: $salt"
			echo "keys:"
			stack_key_line "$salt" "$stack_tenant" ""
			stack_key_line "$salt" "$stack_other_tenant" ", plan: partner"
			stack_key_line "$salt" "$stack_small_tenant" ", plan: small"
			stack_key_line "$salt" operators ", roles: [admin]"
		} >"$stack_dir/api-keys.yaml"
	fi
	stack_key=$(cat "$stack_dir/keys/$stack_tenant")
	stack_other_key=$(cat "$stack_dir/keys/$stack_other_tenant")
	stack_small_key=$(cat "$stack_dir/keys/$stack_small_tenant")
	stack_admin_key=$(cat "$stack_dir/keys/operators")
}

# stack_key_line SALT TENANT MORE: only the HMAC of a key is in the file
stack_key_line() {
	local hmac

	hmac=$(tr -d '\n' <"$stack_dir/keys/$2" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1")
	echo "  - {hmac: ${hmac##* }, tenant: $2$3}"
}

# ---- the programs --------------------------------------------------------------------------

# Further options of nats-server, for tests.
stack_nats_options=()
stack_start_nats() {
	mkdir -p "$stack_dir/jetstream"
	stack_spawn nats nats-server -a "$stack_host" -p "$stack_nats_port" -js -sd "$stack_dir/jetstream" \
		"${stack_nats_options[@]}"
	stack_wait nats 10 bash -c "exec 3<>/dev/tcp/$stack_host/$stack_nats_port && head -c 4 <&3 | grep -q INFO"
}

# stack_ready NAME PORT: its /readyz says so
stack_ready() {
	stack_wait "$1" 20 curl -fsS -m 2 "http://$stack_host:$2/readyz"
}

stack_start_usage() {
	stack_config usage.yaml -e "s|port: 9479|port: $stack_usage_port|" >"$stack_dir/usage.yaml"
	stack_spawn usage "$stack_build/bin/sluice-usage" --config "$stack_dir/usage.yaml"
	stack_ready usage "$stack_usage_port"
}

# Further edits of router.yaml, for tests.
stack_router_sed=(-e '')
# stack_start_router [N]: the first one, or another
stack_start_router() {
	local name=router${1:-1} port=$((stack_router_port + ${1:-1} - 1))

	stack_config router.yaml -e "s|port: 9478|port: $port|" "${stack_router_sed[@]}" \
		>"$stack_dir/$name.yaml"
	stack_spawn "$name" "$stack_build/bin/sluice-router" --config "$stack_dir/$name.yaml"
	stack_ready "$name" "$port"
}

# stack_start_worker N
stack_start_worker() {
	local name=worker$1 port=$((stack_worker_port + $1))

	stack_config worker.yaml -e "s|port: 9403|port: $port|; s|worker-1|worker-$1|" \
		>"$stack_dir/$name.yaml"
	stack_spawn "$name" "$stack_build/bin/sluice-worker" --config "$stack_dir/$name.yaml"
	stack_ready "$name" "$port"
}

# Changed by stack_gateway_sed: further edits of gateway.yaml and nginx.conf, for tests.
stack_gateway_sed=(-e '')
# The module, and what nginx is started with, for tests.
stack_module=$stack_build/bin/ngx_http_sluice_module.so
stack_gateway_with=()
stack_start_gateway() {
	stack_config gateway.yaml "${stack_gateway_sed[@]}" >"$stack_dir/gateway.yaml"
	stack_config nginx.conf -e "s|modules/ngx_http_sluice_module.so|$stack_module|" \
		-e "s|www-data|$(id -un)|; s|^pid .*|pid $stack_dir/nginx.own;|" \
		-e "1i daemon off;" "${stack_gateway_sed[@]}" >"$stack_dir/nginx.conf"
	stack_spawn gateway "${stack_gateway_with[@]}" nginx -e "$stack_dir/log/nginx.log" -p "$stack_dir" -c "$stack_dir/nginx.conf"
	stack_wait gateway 20 curl -fsS -m 2 "$stack_url/health/ready"
}

# ---- all of it -----------------------------------------------------------------------------

stack_up() {
	mkdir -p "$stack_dir"
	stack_make_keys
	stack_runs nats || stack_start_nats || return 1
	stack_runs usage || stack_start_usage || return 1
	stack_runs router1 || stack_start_router 1 || return 1
	stack_runs worker1 || stack_start_worker 1 || return 1
	stack_runs worker2 || stack_start_worker 2 || return 1
	stack_runs gateway || stack_start_gateway || return 1
}

# Front to back, so that what was accepted is finished.
stack_down() {
	local name

	for name in gateway router1 router2 worker1 worker2 usage nats $(stack_names); do
		stack_end "$name"
	done
	rm -rf "$stack_dir"
}

stack_status() {
	local name

	for name in $(stack_names); do
		if stack_runs "$name"; then
			stack_say "$name runs, process $(cat "$stack_dir/$name.pid")"
		else
			stack_say "$name is dead: $stack_dir/log/$name.log"
		fi
	done
}

stack_how_to() {
	cat <<-TEXT
		The pipeline is up; logs and files are in $stack_dir. In your shell:

		    URL=$stack_url TENANT=acme KEY=$stack_key
		    ADMIN_KEY=$stack_admin_key

		Ask for a decision; have the task done; listen to its result; look at what it cost:

		    curl -s \$URL/health
		    curl -s \$URL/api/v1/routes/decide -H "X-API-Key: \$KEY" -H 'Content-Type: application/json' -d '{
		      "version": "1", "tenant_id": "acme", "request_id": "first", "push_assignment": true,
		      "task": {"type": "chat", "payload": {"text": "how warm is the sea today?"}}}'
		    curl -sN "\$URL/api/v1/results/stream?tenant_id=acme" -H "X-API-Key: \$KEY"
		    $stack_build/bin/sluicectl usage report --ledger $stack_dir/usage.db --by provider
		    curl -s http://$stack_host:$stack_metrics_port/metrics

		All of the API: docs/api.md. \`make down\` ends it.
	TEXT
}

# ---- as a command ----------------------------------------------------------------------------

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -uo pipefail
	stack_ports
	case ${1:-} in
	up) stack_up && stack_how_to ;;
	down) stack_down ;;
	status) stack_status ;;
	*)
		stack_say "usage: scripts/stack.sh up|down|status" >&2
		exit 2
		;;
	esac
fi
