#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluiced on a real interface: what it says when it is used wrongly, what it counts,
# what it serves, and what it has given up.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1
sluiced=$sl_bin/sluiced

# says REGEX COMMAND...: its output, both streams, matches
says() {
	local regex=$1

	shift
	"$@" >"$sl_dir/said" 2>&1
	grep -qE -- "$regex" "$sl_dir/said" || {
		sed 's/^/# /' "$sl_dir/said"
		return 1
	}
}

# exits CODE COMMAND...
exits() {
	local want=$1 got

	shift
	"$@" >"$sl_dir/said" 2>&1
	got=$?
	[ "$got" -eq "$want" ] || echo "# exit code $got"
	[ "$got" -eq "$want" ]
}

get() {
	in_ns node curl -sS -m 5 "$@"
}

status_of() {
	get -o "$sl_dir/page" -w '%{http_code}' "$@"
}

# ---- the command line -----------------------------------------------------------

check "help says what it is for" says '^usage: sluiced --config FILE' "$sluiced" --help
check "version" says '^sluiced [0-9]+\.' "$sluiced" --version
check "config help prints every key" says 'interfaces\[\]\.name' "$sluiced" --config-help
check "without a configuration it says so" says 'needs --config FILE' "$sluiced"
check "wrong use ends with 2" exits 2 "$sluiced" --no-such-option
check "an option is named" says '^sluiced: --no-such-option is not an option' \
	"$sluiced" --no-such-option

agent_config <<EOF
interfaces: [{name: n0}]
services: [{address: 10.1.0.1, port: 80}, {address: 10.1.0.1, port: 80, protocol: udp}]
tenants:
  - {name: steady, sources: [10.1.0.0/24], ingress: {packets_per_s: 1M}}
  - {name: noisy, sources: [198.18.0.0/16], ingress: {packets_per_s: 100, packets_burst: 50}}
events: {sample: 1}
EOF
check "a good configuration is good" says 'is good: 1 interfaces, 2 tenants, 2 services' \
	"$sluiced" --check --config "$sl_dir/agent.yaml"
{ cat "$sl_dir/agent.yaml" && echo "tennants: []"; } >"$sl_dir/bad.yaml"
check "a bad one ends with 2" exits 2 "$sluiced" --check --config "$sl_dir/bad.yaml"
check "file, line and key are named" says 'bad.yaml:[0-9]+:1: tennants: unknown key' \
	"$sluiced" --check --config "$sl_dir/bad.yaml"
check "nothing starts from a bad one" exits 2 "$sluiced" --config "$sl_dir/bad.yaml"
check "capabilities that are missing are named" says 'needs CAP_BPF' \
	setpriv --bounding-set -all --inh-caps -all "$sluiced" --config "$sl_dir/agent.yaml"

# ---- it runs ---------------------------------------------------------------------

start_agent node || { not_ok "the agent starts" && exit 1; }
ok "the agent starts"
check_equal "nothing else is said of an error" "$(grep -c 'level=error' "$sl_dir/agent.log")" 0

# ---- what it gave up ---------------------------------------------------------------

status=/proc/$agent_pid/status
two_capabilities=0000008000001000 # CAP_BPF 39, CAP_NET_ADMIN 12
check_equal "permitted capabilities" "$(awk '/^CapPrm/ { print $2 }' "$status")" $two_capabilities
check_equal "effective capabilities" "$(awk '/^CapEff/ { print $2 }' "$status")" $two_capabilities
check_equal "bounding capabilities" "$(awk '/^CapBnd/ { print $2 }' "$status")" $two_capabilities
check_equal "inheritable capabilities" "$(awk '/^CapInh/ { print $2 }' "$status")" 0000000000000000
check_equal "no_new_privs" "$(awk '/^NoNewPrivs/ { print $2 }' "$status")" 1
check_equal "system calls are filtered" "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2

# ---- pages ------------------------------------------------------------------------

for page in startupz livez readyz metrics; do
	check_equal "/$page" "$(status_of "http://127.0.0.1:9477/$page")" 200
done
check_equal "an unknown page" "$(status_of http://127.0.0.1:9477/secrets)" 404
check_equal "POST" "$(status_of -X POST http://127.0.0.1:9477/metrics)" 405
check "metrics are not open to the network" test \
	"$(in_ns client curl -s -m 2 -o /dev/null -w '%{http_code}' http://10.1.0.1:9477/metrics)" = 000

# Names, types and help of each family; no series twice.
page_is_well_formed() {
	get http://127.0.0.1:9477/metrics >"$sl_dir/page" || return 1
	awk '
		/^# HELP / { help[$3]++; next }
		/^# TYPE / { type[$3]++; if ($4 != "counter" && $4 != "gauge") bad = 1; next }
		/^$/ { next }
		{
			name = $0; sub(/[{ ].*/, "", name); series = $0; sub(/ [^ ]*$/, "", series)
			if (help[name] != 1 || type[name] != 1 || name !~ /^sluice_[a-z0-9_]+$/ ||
			    seen[series]++ || $NF !~ /^[0-9.e+-]+$/) { print "# " $0; bad = 1 }
		}
		END { exit bad }' "$sl_dir/page"
}
check "the metrics page is well formed" page_is_well_formed

# Every family of the page is in the manual, and the other way round.
families_are_documented() {
	diff <(awk '/^# TYPE / { print $3 }' "$sl_dir/page" | sort) \
		<(grep '^| .sluice_' docs/ops/metrics.md | awk '{ gsub(/[^a-z0-9_]/, "", $2); print $2 }' | sort)
}
check "the manual knows every metric" families_are_documented

# ---- what it counts ------------------------------------------------------------------

all_seen() {
	agent_metric '^sluice_(bypass_)?packets_total[{].*direction="ingress"'
}

before=$(agent_metric '^sluice_packets_total[{].*direction="ingress"')
seen_before=$(all_seen)
received_before=$(ns_count node n0 rx_packets)
flood client c0 1 --target 10.1.0.1 --port 80 --source 10.1.0.2/32 --count 5000 --rate 50000 >"$sl_dir/flood"
flood client c0 1 --target 10.1.0.1 --port 80 --source 198.18.0.0/16 --count 5000 --rate 50000 >"$sl_dir/flood"
flood client c0 1 --target 10.1.0.1 --port 80 --source 203.0.113.0/24 --count 5000 --rate 50000 >"$sl_dir/flood"
settled() {
	[ "$(agent_metric '^sluice_packets_total[{].*direction="ingress"')" -ge $((before + 15000)) ]
}
wait_for 5 settled
check_equal "pass and drops are the packets offered, to the packet" \
	"$(agent_metric '^sluice_packets_total[{].*direction="ingress"')" $((before + 15000))
check_equal "the steady tenant loses nothing" \
	"$(agent_metric 'sluice_packets_total[{]tenant="steady",direction="ingress",reason="pass"')" 5000
check_equal "a tenant's pass and drops are what it offered" \
	"$(agent_metric 'sluice_packets_total[{]tenant="noisy",direction="ingress"')" 5000
noisy=$(agent_metric 'sluice_packets_total[{]tenant="noisy",direction="ingress",reason="pass"')
check "the noisy one gets its burst and its rate" test "$noisy" -ge 50 -a "$noisy" -le 250
check_equal "nobody's traffic is tenant 0's" \
	"$(agent_metric 'sluice_packets_total[{]tenant="unknown",direction="ingress"')" 5000
check_equal "all of n0 is judged or bypassed" \
	$(($(all_seen) - seen_before)) $(($(ns_count node n0 rx_packets) - received_before))
check "a limit is a metric" test \
	"$(agent_metric 'sluice_limit_packets_per_second[{]tenant="noisy"')" -eq 100
check "drops are in the log" grep -q 'msg=drop tenant=noisy reason=rate_packets' "$sl_dir/agent.log"
check "and do not flood it" test "$(grep -c 'msg=drop' "$sl_dir/agent.log")" -le 20

# ---- the socket -------------------------------------------------------------------------

check "root is heard" says '"ok":true' tests/harness/ask.py "$sl_dir/agent.sock" '{"cmd":"ping"}'
check_equal "the socket is for its owner and group" "$(stat -c %a "$sl_dir/agent.sock")" 660
cp tests/harness/ask.py "$sl_dir/ask.py"
chmod 755 "$sl_dir" "$sl_dir/ask.py"
chmod 666 "$sl_dir/agent.sock"
check "another user is refused" says 'not allowed' \
	setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 "$sl_dir/ask.py" \
	"$sl_dir/agent.sock" '{"cmd":"ping"}'
check_equal "and counted" "$(agent_metric '^sluice_admin_clients_refused_total')" 1
check "and logged" grep -q 'client turned away' "$sl_dir/agent.log"

# ---- the end ------------------------------------------------------------------------------

begin=$(date +%s%N)
check "SIGTERM ends it" stop_agent TERM
check "at once" test $(($(date +%s%N) - begin)) -lt 2000000000
check "the socket is gone" test ! -e "$sl_dir/agent.sock"
flood client c0 1 --target 10.1.0.1 --port 80 --source 198.18.0.0/16 --count 1000 --rate 50000 >"$sl_dir/flood"
check "the program is still there" says "driver id" in_ns node bpftool net show dev n0
start_agent node || not_ok "the agent starts again"
check_equal "and went on counting without the agent" \
	"$(agent_metric 'sluice_packets_total[{]tenant="noisy",direction="ingress"')" 6000
check "maps were adopted" grep -q 'took over the maps' "$sl_dir/agent.log"
