#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The gateway inside a real nginx: who may come in and how (TLS, HTTP/2, tokens, client
# certificates, PROXY protocol), and that nothing is lost: reload under load, clients
# that leave, a NATS that dies. What it answers is tests/contract's matter.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/stack.sh

decide=/api/v1/routes/decide
body='{"version":"1","tenant_id":"acme","request_id":"r1","task":{"type":"chat","payload":{"text":"hello there"}}}'
reply='{"ok":true,"decision":{"provider_id":"p1","priority":50,"expected_latency_ms":9,"expected_cost":0.1,"reason":"best"},"context":{"request_id":"r1"}}'

# ask PATH CURL-OPTIONS...: the status; the answer is in $sl_dir/answer
ask() {
	local path=$1

	shift
	curl -sk -m 10 -o "$sl_dir/answer" -D "$sl_dir/fields" -w '%{http_code}' "$@" "$ask_url$path"
}

# answers STATUS PATH CURL-OPTIONS...
answers() {
	local want=$1 got

	shift
	got=$(ask "$@")
	[ "$got" = "$want" ] || {
		echo "# $got, not $want: $(head -c 300 "$sl_dir/answer")"
		return 1
	}
}

# decides STATUS CURL-OPTIONS...
decides() {
	local want=$1

	shift
	answers "$want" $decide -H 'Content-Type: application/json' -d "${sent:-$body}" "$@"
}

bearer() {
	printf 'Authorization: Bearer %s' "$(cat "$sl_dir/tokens/$1.jwt")"
}

# metric NAME: its value, over all workers
metric() {
	curl -sf "http://$stack_host:$stack_metrics_port/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

metric_is() {
	[ "$(metric "$1")" = "$2" ]
}

start_peer() {
	stack_spawn peer "$sl_bin/nats_answer" "nats://$stack_nats" beamline.router.v1.decide "$reply"
	wait_for 10 decides 200 -H "X-API-Key: $stack_key"
}

reload() {
	kill -HUP "$(cat "$stack_dir/nginx.own")"
}

# ---- a stack with more doors ------------------------------------------------------------

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$sl_dir/$1.key" -out "$sl_dir/$1.crt" -subj "$2" 2>/dev/null
}

tls_port() { echo $((stack_port + 8)); }
proxy_port() { echo $((stack_port + 9)); }

more_servers() {
	cat <<-NGINX
		server {
			listen $stack_host:$(tls_port) ssl http2;
			ssl_certificate $sl_dir/server.crt;
			ssl_certificate_key $sl_dir/server.key;
			ssl_client_certificate $sl_dir/client.crt;
			ssl_verify_client optional;
			location / { sluice on; }
		}
		server {
			listen $stack_host:$(proxy_port) proxy_protocol;
			set_real_ip_from $stack_host;
			real_ip_header proxy_protocol;
			location / { sluice on; }
		}
	NGINX
}

stack_begin
ask_url=$stack_url
mkdir -p "$sl_dir/tokens"
certificate server /CN=gateway
certificate client /O=Acme/CN=gpu-7
tests/harness/make_tokens.py "$sl_dir/tokens" || not_ok "tokens are made"
cp "$sl_dir/tokens/jwks.json" "$sl_dir/jwks.json"
cat >>"$stack_dir/api-keys.yaml" <<YAML
subjects:
  - {subject: "CN=gpu-7,O=Acme", tenant: acme}
YAML
more_servers >"$sl_dir/servers"
limits=(-e '/^limits:/,/^  plans:/s/: [0-9]*$/: 100000000/' -e '/name: small/s/routes_decide: [0-9]*/routes_decide: 20/')
stack_gateway_sed=("${limits[@]}" -e 's/^  plans:/  strangers: 40\n  plans:/' -e 's/timeout: 5s/timeout: 2s/'
	-e "s|^auth:|auth:\n  jwks_file: $sl_dir/jwks.json\n  subjects_file: $stack_dir/api-keys.yaml\n  issuer: tests|"
	-e "/^\tsluice_config/r $sl_dir/servers" -e 's/worker_processes auto/worker_processes 2/')
check "nats-server starts" stack_start_nats
check "the gateway starts" stack_start_gateway
check "a router answers through it" start_peer
[ "$sl_failed" -eq 0 ] || exit 1

# ---- who may come in --------------------------------------------------------------------

for name in rs256 es256; do
	check "a token of $name is accepted" decides 200 -H "$(bearer $name)"
done
sent=${body/acme/beta} check "a token of hs256 is another tenant's" decides 200 -H "$(bearer hs256)"
check "a token's tenant is held against X-Tenant-ID" decides 403 -H "$(bearer rs256)" -H 'X-Tenant-ID: beta'
check "an admin's token may look at limits" answers 200 '/api/v1/admin/rate-limit/usage?tenant=acme' -H "$(bearer es256)"
check "a token without the role may not" answers 403 '/api/v1/admin/rate-limit/usage?tenant=acme' -H "$(bearer rs256)"
for name in expired early none confused unknown forged foreign; do
	check "a token that is $name is refused" decides 401 -H "$(bearer $name)"
done

ask_url=https://$stack_host:$(tls_port)
check "TLS and HTTP/2" decides 200 --http2 -H "X-API-Key: $stack_key"
check "the answer came by HTTP/2" grep -q '^HTTP/2 200' "$sl_dir/fields"
check "HTTP/2 has the contract's fields" grep -qi '^traceparent: 00-' "$sl_dir/fields"
check "a client certificate is a credential" decides 200 --cert "$sl_dir/client.crt" --key "$sl_dir/client.key"
check "without one there is none" decides 401
certificate other /O=Other/CN=x
check "a certificate that nobody signed is refused" decides 400 --cert "$sl_dir/other.crt" --key "$sl_dir/other.key"
check "nginx's own error has the contract's body" grep -q '"code":"invalid_request"' "$sl_dir/answer"
ask_url=$stack_url

# stranger ADDRESS [COUNT]: so many requests without a credential that say they come from
# there; the status of the last
stranger() {
	python3 - "$stack_host" "$(proxy_port)" "$1" "${2:-1}" <<'PYTHON'
import socket, sys
host, port, address, count = sys.argv[1:]
for _ in range(int(count)):
    with socket.create_connection((host, int(port)), 5) as s:
        s.sendall(f"PROXY TCP4 {address} 127.0.0.1 1000 80\r\n".encode() +
                  b"GET /api/v1/messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        status = s.makefile("rb").readline().split()[1].decode()
print(status)
PYTHON
}

strangers() {
	[ "$(stranger 192.0.2.7 60)" = 429 ] && [ "$(stranger 192.0.2.8)" = 401 ]
}
check "strangers are limited by the address of the PROXY protocol" strangers

# ---- keys that change -----------------------------------------------------------------------

echo '{"keys":[]}' >"$sl_dir/jwks.new" && mv "$sl_dir/jwks.new" "$sl_dir/jwks.json"
check "a key taken out of the set ends its tokens" wait_for 5 decides 401 -H "$(bearer rs256)"
echo 'not json' >"$sl_dir/jwks.new" && mv "$sl_dir/jwks.new" "$sl_dir/jwks.json"
sleep 1.5
check "a set that cannot be read changes nothing" decides 200 -H "X-API-Key: $stack_key"
cp "$sl_dir/tokens/jwks.json" "$sl_dir/jwks.new" && mv "$sl_dir/jwks.new" "$sl_dir/jwks.json"
check "put back, they are good again" wait_for 5 decides 200 -H "$(bearer rs256)"

# ---- limits ---------------------------------------------------------------------------------

small() {
	sent=${body/acme/small} decides "$1" -H "X-API-Key: $stack_small_key"
}
small_used_up() {
	local i

	for ((i = 0; i < 20; i++)); do small 200 || return 1; done
	small 429 && small 429 && small 429
}
check "two workers share one bucket" small_used_up
retry=$(sed -n 's/^Retry-After: \([0-9]*\).*/\1/ip' "$sl_dir/fields")
check "Retry-After is at most a window's share" [ "${retry:-99}" -le 4 ]
check "the 429 names the endpoint" grep -q '"endpoint":"/api/v1/routes/decide","limit":20' "$sl_dir/answer"
override='{"tenant_id":"small","class":"routes_decide","limit":1000}'
check "an operator raises a limit" answers 200 /api/v1/admin/rate-limit/overrides \
	-H "X-API-Key: $stack_admin_key" -H 'Content-Type: application/json' -d "$override"
check "it acts at once" small 200

# ---- reload -----------------------------------------------------------------------------------

load() {
	"$sl_bin/http_load" --target "$stack_host" --port "$stack_port" --path $decide --body "$body" \
		--header "X-API-Key: $stack_key" --header 'Connection: close' --connections 16 --for "$1" >"$sl_dir/load"
}
reload_under_load() {
	load 5s &
	local loader=$!

	for _ in 1 2 3 4; do
		sleep 1
		reload
	done
	wait "$loader"
	grep -q '"other":0,"broken":0' "$sl_dir/load" && ! grep -q '"ok":0,' "$sl_dir/load"
}
check "four reloads under load drop no request" reload_under_load
sed "s|^|# |" "$sl_dir/load"
check "limits outlive a reload" small 200
old_workers_are_gone() {
	[ "$(pgrep -c -P "$(cat "$stack_dir/nginx.own")")" -eq 2 ]
}
check "the old workers are gone" wait_for 10 old_workers_are_gone

stream_ends() {
	local reader

	curl -sN -m 20 -H "X-API-Key: $stack_key" "$stack_url/api/v1/messages/stream?tenant_id=acme" >"$sl_dir/events" &
	reader=$!
	wait_for 5 grep -q '^: connected' "$sl_dir/events" || return 1
	reload
	wait "$reader" # 0: the server ended it as HTTP wants; 28 would be curl's limit
}
check "a stream is ended in order at a reload" stream_ends
complaints() {
	grep -E '\[(alert|crit|emerg)\]' "$stack_dir/log/nginx.log" | grep -v setrlimit
}
wait_for 10 old_workers_are_gone
check_equal "nginx has nothing to complain of" "$(complaints | head -n 3)" ""

# ---- those who leave, and those who do not come back ------------------------------------------

stack_end peer
stack_spawn silent "$sl_bin/nats_answer" "nats://$stack_nats" beamline.router.v1.decide --silent
wait_for 10 decides 503 -H "X-API-Key: $stack_key" --max-time 5
check "a router that is silent: 503" decides 503 -H "X-API-Key: $stack_key"
check "with Retry-After" grep -qi '^retry-after:' "$sl_dir/fields"

leave() {
	python3 - "$stack_host" "$stack_port" "$stack_key" "$body" <<'PYTHON'
import socket, sys, time
host, port, key, body = sys.argv[1:]
def ask():
    s = socket.create_connection((host, int(port)), 5)
    s.sendall((f"POST /api/v1/routes/decide HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n"
               f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
    return s
sockets = [ask() for _ in range(50)]
time.sleep(0.3)
for s in sockets:
    s.close()
PYTHON
}
gone_before=$(metric gateway_clients_gone_total)
leave
none_waits() {
	[ -z "$(ss -Htn state close-wait "( sport = :$stack_port )")" ] &&
		metric_is gateway_clients_gone_total $((gone_before + 50)) &&
		metric_is gateway_requests_in_flight 0
}
check "50 clients that leave are noticed before the router's time is over" wait_for 2 none_waits

killed_nats() {
	local i pids=()

	for i in 1 2 3 4 5 6 7 8; do
		curl -s -m 10 -o "$sl_dir/lost.$i" -w '%{http_code} %{time_total}\n' -H "X-API-Key: $stack_key" \
			-H 'Content-Type: application/json' -d "$body" "$stack_url$decide" >"$sl_dir/status.$i" &
		pids+=($!)
	done
	sleep 0.5
	stack_end nats KILL
	wait "${pids[@]}"
	# Answered when the connection broke, well before the router's 2 s.
	awk '$1 != 503 || $2 > 1.6 { print "# " $0; bad = 1 } END { exit bad || NR != 8 }' "$sl_dir"/status.*
}
check "NATS killed with requests in flight: each gets 503 at once" killed_nats
check "not ready without NATS" answers 503 /health/ready
check "alive without NATS" answers 200 /health/live
reload
sleep 0.5
check "a worker that never reached NATS answers 503, too" decides 503 -H "X-API-Key: $stack_key"
stack_end silent
check "nats-server comes back" stack_start_nats
start_peer
check "and all goes on" wait_for 10 decides 200 -H "X-API-Key: $stack_key"
check "nothing is left in flight" wait_for 5 metric_is gateway_requests_in_flight 0

# ---- shadow, and the end --------------------------------------------------------------------------

stack_gateway_sed+=(-e 's/^limits:/&\n  mode: shadow/')
stack_config gateway.yaml "${stack_gateway_sed[@]}" >"$stack_dir/gateway.yaml"
sed -i '/name: small/s/routes_decide: 20/routes_decide: 1/' "$stack_dir/gateway.yaml"
reload
shadow() {
	local i

	answers 200 /api/v1/admin/rate-limit/overrides -H "X-API-Key: $stack_admin_key" \
		-H 'Content-Type: application/json' -d '{"tenant_id":"small","class":"routes_decide","limit":1}'
	for ((i = 0; i < 4; i++)); do small 200 || return 1; done
	[ "$(metric gateway_rate_limit_shadow_total)" -gt 0 ]
}
check "shadow counts and passes" wait_for 10 shadow

check "a bad gateway.yaml is refused with its line" bash -c "
	sed 's/^limits:/&\n  windows: 3/' '$stack_dir/gateway.yaml' >'$sl_dir/bad.yaml'
	sed 's|$stack_dir/gateway.yaml|$sl_dir/bad.yaml|' '$stack_dir/nginx.conf' >'$sl_dir/bad.conf'
	! ${gateway_with[*]} nginx -t -e '$sl_dir/said' -p '$stack_dir' -c '$sl_dir/bad.conf' >'$sl_dir/said' 2>&1 &&
		grep -q 'bad.yaml:[0-9]*:[0-9]*: limits.windows' '$sl_dir/said'"
check_sanitized "$(cat "$stack_dir/nginx.own")"
