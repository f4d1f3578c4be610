#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A nats-server that lets in by credentials (.creds: a JWT and its seed), by NKey or by password:
# the whole pipeline works with the right file, and a gateway with somebody else's is not ready.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

# decided ID: a request is accepted and assigned
decided() {
	[ "$(curl -s -m 10 -o "$sl_dir/answer" -w '%{http_code}' "$stack_url/api/v1/routes/decide" \
		-H "X-API-Key: $stack_key" -H 'Content-Type: application/json' -d '{"version": "1",
			"tenant_id": "acme", "request_id": "'"$1"'", "push_assignment": true,
			"task": {"type": "chat", "payload": {"text": "hello there"}}}')" = 200 ]
}

ready_is() {
	[ "$(curl -s -m 5 -o "$sl_dir/answer" -w '%{http_code}' "$stack_url/health/ready")" = "$1" ]
}

# gateway_has FILE: its new workers use that file
gateway_has() {
	sed -i "s|keys/[a-z]*[.]\([a-z]*\)$|keys/$1.\1|" "$stack_dir/gateway.yaml"
	kill -HUP "$(cat "$stack_dir/nginx.own")"
}

# refused_by_server: it says so itself
refused_by_server() {
	grep -q 'authentication error' "$stack_dir/log/nats.log"
}

# pipeline_by KEY ENDING CONFIG [KEY: VALUE, of which it is a part]
pipeline_by() {
	local id=with-$1 more=${4:+\\n  $4}

	stack_nats_options=(-c "$sl_dir/$3.conf")
	stack_sed=(-e "s|^  servers: nats:.*|&$more\n  $1: $sl_dir/keys/user.$2|")
	check "$1: nats-server starts" stack_start_nats
	check "$1: who has none is not let in" nobody_is_refused
	check "$1: and the server says so" wait_for 5 refused_by_server
	: >"$stack_dir/log/nats.log"
	check "$1: the pipeline is up" stack_up
	check "$1: a request is accepted" decided "$id"
	check "$1: worked on, and its cost is in the ledger" wait_for 10 ledger_has "$id"
	check "$1: nobody of it was refused" bash -c "! grep -q 'authentication error' '$stack_dir/log/nats.log'"
	gateway_has stranger
	check "$1: with a stranger's file the gateway is not ready" wait_for 10 ready_is 503
	check "$1: the server says why" wait_for 5 refused_by_server
	gateway_has user
	check "$1: with its own it is again" wait_for 15 ready_is 200
	check "$1: and serves" wait_for 5 decided "$id-again"
	stack_down
	mkdir -p "$stack_dir"
}

# Without any credentials a client is turned away: the server does ask for them.
nobody_is_refused() {
	python3 - "$stack_nats_port" <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(b"CONNECT {}\r\nPING\r\n")
said = b""
while b"PONG" not in said and (more := s.recv(65536)):
    said += more
sys.exit(b"Authorization Violation" not in said)
PYTHON
}

stack_begin
check "keys are made" tests/harness/nkeys.py "$sl_dir/keys" || exit 1
for name in jwt nkey; do
	echo "include keys/$name.conf" >"$sl_dir/$name.conf"
done
(umask 077 && openssl rand -hex 120 >"$sl_dir/keys/user.pw" && openssl rand -hex 120 >"$sl_dir/keys/stranger.pw")
echo "authorization {users: [{user: sluice, password: $(cat "$sl_dir/keys/user.pw")}]}" >"$sl_dir/password.conf"
pipeline_by credentials_file creds jwt
pipeline_by nkey_seed_file nk nkey
pipeline_by password_file pw password "user: sluice"
