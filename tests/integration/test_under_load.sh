#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While one tenant floods and another one makes requests, the agent is killed, reloaded,
# upgraded and told to change modes. Each time: every packet the interfaces received was
# judged, to the packet; the noisy tenant got its rate * time and one burst, no second
# one; and the steady tenant lost no request.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node noisy steady
ns_link node n0 noisy c0 1
ns_link node n1 steady c1 2

rate=1000
burst=1000

# config [RATE OF THE THIRD TENANT]
config() {
	agent_config <<YAML
interfaces: [{name: n0}, {name: n1}]
services: [{address: any, port: 80}, {address: any, port: 80, protocol: udp}]
tenants:
  - {name: noisy, sources: [198.18.0.0/16], ingress: {packets_per_s: $rate, packets_burst: $burst}}
  - {name: steady, sources: [10.2.0.0/16]}
  - {name: third, sources: [10.9.0.0/16], ingress: {packets_per_s: ${1:-1k}}}
  - {name: closed, sources: [198.19.0.0/24], lease: 2s, on_lease_expiry: closed}
  - {name: safe, sources: [198.19.1.0/24], lease: 2s, on_lease_expiry: safe,
     safe: {packets_per_s: 100, packets_burst: 100}}
YAML
}

# count TENANT [REASON]: ingress packets; of the maps, also without an agent
count() {
	ctl tenants get "$1" --json |
		json "sum(r['packets'] for r in d['reasons'] if r['direction'] == 'ingress' and r['reason'].startswith('${2:-}'))"
}

# is EXPRESSION: of awk
is() {
	awk "BEGIN { exit !($1) }"
}

uptime_s() {
	cut -d ' ' -f 1 /proc/uptime
}

all_judged() {
	agent_metric '^sluice_(bypass_)?packets_total[{].*direction="ingress"'
}

all_received() {
	echo $(($(ns_count node n0 rx_packets) + $(ns_count node n1 rx_packets)))
}

# ---- load: until the file $sl_dir/stop is there --------------------------------------

run_flood() {
	local begin

	begin=$(uptime_s)
	until [ -e "$sl_dir/stop" ]; do
		flood noisy c0 1 --target 10.1.0.1 --source 198.18.0.0/16 --rate 10000 --for 1s || return
	done >"$sl_dir/flood"
	echo "$begin $(uptime_s)" | awk '{ print $2 - $1 }' >"$sl_dir/flood.seconds"
}

run_requests() {
	until [ -e "$sl_dir/stop" ]; do
		in_ns steady "$sl_bin/latency" --target 10.2.0.1 --rate 100 --for 1s --timeout 10s
	done >"$sl_dir/requests"
}

sum_of() { # FIELD FILE: of lines of JSON
	python3 -c 'import json, sys; print(sum(json.loads(line)[sys.argv[1]] for line in sys.stdin))' \
		"$1" <"$2"
}

judged_is_received() {
	[ $(($(all_judged) - judged_before)) -eq $(($(all_received) - received_before)) ]
}

# under_load NAME COMMAND...: the three promises hold while COMMAND runs
under_load() {
	local name=$1 flooder requester sent pass limit

	shift
	sleep 1.2 # the bucket is full
	rm -f "$sl_dir/stop"
	judged_before=$(all_judged)
	received_before=$(all_received)
	offered_before=$(count noisy)
	pass_before=$(count noisy pass)
	run_flood &
	flooder=$!
	run_requests &
	requester=$!
	sleep 1.5
	"$@"
	sleep 1.5
	touch "$sl_dir/stop"
	wait "$flooder" "$requester"
	check "$name: each packet received was judged" wait_for 5 judged_is_received
	sent=$(sum_of packets "$sl_dir/flood")
	check_equal "$name: so was each one sent" $(($(count noisy) - offered_before)) "$sent"
	pass=$(($(count noisy pass) - pass_before - $(shadowed)))
	limit=$(awk -v s="$(cat "$sl_dir/flood.seconds")" "BEGIN { printf \"%.0f\", $rate * s + $burst }")
	check "$name: no bucket was filled again ($pass of $limit)" is "$pass <= 1.01 * $limit"
	check "$name: nor emptied" is "$pass >= 0.95 * $limit"
	check_equal "$name: the steady tenant lost no request" "$(sum_of lost "$sl_dir/requests")" 0
	check "$name: of many" test "$(sum_of ok "$sl_dir/requests")" -ge 200
}

# What passed the noisy tenant in shadow and would have been dropped, in this round.
shadowed() {
	echo $((shadow_end - shadow_begin))
}
shadow_begin=0
shadow_end=0

# ---- the agent, the server --------------------------------------------------------------

config
start_agent node || { not_ok "the agent starts" && exit 1; }
head -c 512 /dev/zero >"$sl_dir/page"
spawn node python3 tests/harness/slow_server.py 10.2.0.1 80 "$sl_dir/page" 0
answers() {
	in_ns steady curl -fs -m 2 -o "$sl_dir/answer" http://10.2.0.1/
}
wait_for 20 answers || not_ok "the server answers"

# program HOOK: the id of the program behind our link there, and of the link
hook_ids() {
	local file

	for file in "$sl_pins"/v1/links/"$1"_*; do
		in_ns node bpftool -j link show pinned "$file" | json '"%d %d" % (d["prog_id"], d["id"])'
	done
}
ids() { # COLUMN
	{ hook_ids xdp && hook_ids tc_egress; } | cut -d ' ' -f "$1" | tr '\n' ' '
}

under_load "nothing happens" sleep 3

# ---- kill -9 -------------------------------------------------------------------------------

kill_and_restart() {
	stop_agent KILL 2>>"$sl_dir/killed" || not_ok "the agent dies"
	sleep 1
	start_agent node || not_ok "the agent starts after kill -9"
}
links=$(ids 2)
under_load "kill -9" kill_and_restart
check_equal "kill -9: links stay" "$(ids 2)" "$links"

# In the middle of a start the old programs judge on; the next start finishes the job.
kill_while_starting() {
	stop_agent KILL 2>>"$sl_dir/killed" || not_ok "the agent dies"
	for after in 0.1 0.5 1; do
		spawn node "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" >>"$sl_dir/agent.log" 2>&1
		sleep "$after"
		kill -9 "$spawned_pid"
		wait "$spawned_pid" 2>>"$sl_dir/killed"
	done
	start_agent node || not_ok "the agent starts after three that were killed"
}
under_load "killed while starting" kill_while_starting
check_equal "killed while starting: links stay" "$(ids 2)" "$links"

# ---- reload ----------------------------------------------------------------------------------

third_is() {
	[ "$(agent_metric 'sluice_limit_packets_per_second[{]tenant="third"')" = "$1" ]
}
reload_often() {
	local n

	for n in $(seq 20); do
		config $((1000 + n % 2 * 1000))
		kill -HUP "$agent_pid"
		wait_for 10 third_is $((1000 + n % 2 * 1000)) || not_ok "reload number $n"
	done
}
programs=$(ids 1)
reloads=$(agent_metric '^sluice_config_reloads_total')
under_load "20 reloads" reload_often
check "20 reloads: they were" test "$(($(agent_metric '^sluice_config_reloads_total') - reloads))" -ge 20
check_equal "20 reloads: none failed" "$(agent_metric '^sluice_config_reload_failures_total')" 0
check_equal "20 reloads: programs stay" "$(ids 1)" "$programs"

# ---- upgrade -----------------------------------------------------------------------------------

# Another build of the agent: its own file, its own load of the programs.
mkdir "$sl_dir/bin"
cp "$sl_bin/sluiced" "$sl_dir/bin/sluiced"
upgrade() {
	local bin=$sl_bin

	stop_agent TERM || not_ok "the old agent ends"
	sl_bin=$sl_dir/bin
	start_agent node || not_ok "the new agent starts"
	sl_bin=$bin
}
under_load "upgrade" upgrade
check_equal "upgrade: the new file runs" "$(readlink "/proc/$agent_pid/exe")" "$sl_dir/bin/sluiced"
check_equal "upgrade: links stay" "$(ids 2)" "$links"
read -ra old <<<"$programs"
read -ra new <<<"$(ids 1)"
check "upgrade: each program is a new one" test "${#new[@]}" = 4 -a "${new[0]}" != "${old[0]}" \
	-a "${new[1]}" != "${old[1]}" -a "${new[2]}" != "${old[2]}" -a "${new[3]}" != "${old[3]}"

# ---- modes -----------------------------------------------------------------------------------------

# What passed less what shadow says enforce would have dropped is what enforce admits.
shadow_now() {
	agent_metric '^sluice_shadow_packets_total[{]tenant="noisy",direction="ingress"'
}
switch_modes() {
	local n

	for n in 1 2 3; do
		ctl mode set shadow --tenant noisy >"$sl_dir/said" || not_ok "shadow number $n"
		sleep 1
		ctl mode clear --tenant noisy >"$sl_dir/said" || not_ok "enforce number $n"
		sleep 0.5
	done
	shadow_end=$(shadow_now)
}
shadow_begin=$(shadow_now)
under_load "shadow and back" switch_modes
check "shadow and back: shadow counted" test "$(shadowed)" -gt 10000
check_equal "shadow and back: in enforce nothing more is" "$(shadow_now)" "$shadow_end"
shadow_begin=0
shadow_end=0

# ---- the agent is dead and leases end ------------------------------------------------------------------

# send_leased SUBNET: 2000 packets/s for 8 s
send_leased() {
	flood noisy c0 1 --target 10.1.0.1 --source "198.19.$1.0/24" --rate 2000 --for 8s \
		>"$sl_dir/leased.$1"
}
closed_before=$(count closed)
safe_before=$(count safe)
send_leased 0 &
to_closed=$!
send_leased 1 &
to_safe=$!
sleep 1.5
check_equal "with an agent a lease lives" "$(count closed lease_closed) $(count safe lease_safe)" "0 0"
check "and the tenant passes" test "$(count closed pass)" -gt 1000
stop_agent KILL 2>>"$sl_dir/killed" || not_ok "the agent dies"
ended() {
	[ "$(count closed lease_closed)" -gt 0 ] && [ "$(count safe lease_safe)" -gt 0 ]
}
check "without one the kernel ends it" wait_for 5 ended
closed=$(count closed pass)
safe=$(count safe pass)
safe_at=$(uptime_s)
wait "$to_closed" "$to_safe"
check_equal "closed: nothing passes any more" "$(count closed pass)" "$closed"
check_equal "closed: every packet is counted" $(($(count closed) - closed_before)) \
	"$(sum_of packets "$sl_dir/leased.0")"
check_equal "safe: every packet is counted" $(($(count safe) - safe_before)) \
	"$(sum_of packets "$sl_dir/leased.1")"
safe=$(($(count safe pass) - safe))
check "safe: the safe rate passes ($safe)" is \
	"$safe > 0 && $safe <= 100 * ($(uptime_s) - $safe_at) + 101"
start_agent node || not_ok "the agent starts again"
before=$(count closed pass)
flood noisy c0 1 --target 10.1.0.1 --source 198.19.0.0/24 --count 500 >"$sl_dir/flood"
closed_is() {
	[ "$(count closed pass)" = "$1" ]
}
check "with an agent it lives again" wait_for 5 closed_is $((before + 500))
check_equal "no agent had anything to complain of" "$(grep -c 'level=error' "$sl_dir/agent.log")" 0
