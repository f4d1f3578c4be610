#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where things end: maps that are full, interfaces that flap under a flood, programs of
# others on the same hook, drivers that refuse, users and agents that may not.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1

# config INTERFACES [MORE KEYS]
config() {
	agent_config <<YAML
interfaces: [$1]
services: [{address: any, port: 80, protocol: udp}]
sizes: {tenants: 64, flows: 8, prefixes: 16, blocks: 8, cells: 1024}
tenants:
  - {name: a, sources: [10.0.0.0/8], egress: {packets_per_s: 1M}}
  - {name: b}
${2:-}
YAML
}

ask() {
	tests/harness/ask.py "$sl_dir/agent.sock" "$@"
}

# exits CODE REGEX COMMAND...: with that code, saying that
exits() {
	local want=$1 regex=$2 got

	shift 2
	"$@" >"$sl_dir/said" 2>&1 </dev/null
	got=$?
	if [ "$got" -eq "$want" ] && grep -qE -- "$regex" "$sl_dir/said"; then
		return
	fi
	sed "s/^/# ($got) /" "$sl_dir/said"
	return 1
}

says() {
	grep -qE -- "$1" "$sl_dir/agent.log"
}

# send [COUNT]: packets of the tenant a
send() {
	flood client c0 1 --target 10.1.0.1 --source 10.1.0.2/32 --count "${1:-500}" --rate 20000 \
		>"$sl_dir/flood"
}

judged() {
	agent_metric '^sluice_packets_total[{]tenant="a",direction="ingress"'
}

judged_is() {
	[ "$(judged)" = "$1" ]
}

# judges NAME: what is sent is counted, once
judges() {
	local before

	before=$(judged)
	send 500
	check "$1" wait_for 5 judged_is $((before + 500))
}

# judges_egress NAME: so is what the node sends
judges_egress() {
	local before

	before=$(agent_metric '^sluice_packets_total[{]tenant="a",direction="egress"')
	in_ns node python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 80))
for _ in range(100): s.sendto(b"x", ("10.1.0.2", 9))'
	check "$1" wait_for 5 metric_is '^sluice_packets_total[{]tenant="a",direction="egress"' \
		$((before + 100))
}

metric_is() {
	[ "$(agent_metric "$1")" = "$2" ]
}

# hook_is IF HOOK MODE
hook_is() {
	metric_is "^sluice_interface_hook_info[{]interface=\"$1\",hook=\"$2\",mode=\"$3\"" 1
}

attached_is() {
	metric_is "^sluice_interface_attached[{]interface=\"${2:-n0}\"" "$1"
}

ready_code() {
	in_ns node curl -s -m 2 -o "$sl_dir/readyz" -w '%{http_code}' http://127.0.0.1:9477/readyz
}

ready_is() {
	[ "$(ready_code)" = "$1" ]
}

# program_on NAMESPACE IF: the id of the XDP program there, by any mode
program_on() {
	in_ns "$1" ip -j link show "$2" | json 'd[0].get("xdp", {}).get("prog", {}).get("id", 0)'
}

xdp_mode_is() { # 1: native, 2: generic
	[ "$(in_ns node ip -j link show "$1" | json 'd[0].get("xdp", {}).get("mode", 0)')" = "$2" ]
}

config '{name: n0}'
start_agent node || { not_ok "the agent starts" && exit 1; }

# ---- maps that are full ------------------------------------------------------------------

# The smallest table has 256 slots, and room for 128 flows for sure.
port=1000
while ctl flows bind udp "10.1.0.2:$((port + 1))" 10.1.0.1:80 b >"$sl_dir/said" 2>&1; do
	port=$((port + 1))
	[ $port -lt 1256 ] || break
done
bound=$((port - 1000))
check "as many flows are bound as there is room for" [ $bound -ge 128 ]
failed=$(agent_metric '^sluice_admin_request_failures_total')
check "one more is refused, with the reason and the size" \
	exits 1 "no room in the map sl_flows4: $bound of its 256 slots are taken" \
	ctl flows bind udp "10.1.0.2:$((port + 1))" 10.1.0.1:80 b
check_equal "and counted" "$(agent_metric '^sluice_admin_request_failures_total')" $((failed + 1))
check_equal "nothing was evicted" \
	"$(ctl flows list --json | json 'sorted(int(f["remote"].split(":")[1]) for f in d["flows"])')" \
	"[$(seq -s ', ' 1001 $port)]"
before=$(agent_metric '^sluice_packets_total[{]tenant="b"')
flood client c0 1 --target 10.1.0.1 --source 10.1.0.2/32 --source-port 1001 --count 100 >"$sl_dir/flood"
b_is() {
	metric_is '^sluice_packets_total[{]tenant="b",direction="ingress"' "$1"
}
check "the first one is still its tenant's" wait_for 5 b_is $((before + 100))
judges "what is not bound is judged by its source"
for n in $(seq 1001 1020); do
	ctl flows unbind udp "10.1.0.2:$n" 10.1.0.1:80 >"$sl_dir/said" 2>&1 || break
done
check_equal "flows are let go" "$n $?" "1020 0"
check "which makes room" exits 0 '' ctl flows bind udp "10.1.0.2:$((port + 1))" 10.1.0.1:80 b
check "the map's room is a metric" metric_is '^sluice_map_max_entries[{]map="sl_flows4"' 128

for n in $(seq 8); do
	ctl block add "192.0.2.$n" >"$sl_dir/said" 2>&1 || break
done
check_equal "as many prefixes are blocked as there is room for" "$n $?" "8 0"
check "one more is refused, with the key to change" exits 1 'sizes.blocks: there is room for 8' ctl block add 192.0.2.9
check_equal "the others stay" "$(ctl block list --json | json 'len(d["blocks"])')" 8
blocked_is() {
	metric_is '^sluice_packets_total[{].*reason="blocked_prefix"' "$1"
}
flood client c0 1 --target 10.1.0.1 --source 192.0.2.1/32 --count 50 >"$sl_dir/flood"
flood client c0 1 --target 10.1.0.1 --source 192.0.2.8/32 --count 50 >"$sl_dir/flood"
check "and block" wait_for 5 blocked_is 100
check "a block that is lifted makes room" exits 0 '' ctl block del 192.0.2.4
check "for one more" exits 0 '' ctl block add 192.0.2.9

reloads=$(agent_metric '^sluice_config_reload_failures_total')
config '{name: n0}' "  - {name: c, sources: [$(seq -f '172.16.%g.0/24' -s ', ' 0 20)]}"
check "more prefixes than fit are refused" wait_for 10 \
	metric_is '^sluice_config_reload_failures_total' $((reloads + 1))
check "the log says which size" says 'refused.*sizes.prefixes'
check "so does a look at the file" exits 2 'sizes.prefixes' \
	"$sl_bin/sluiced" --check --config "$sl_dir/agent.yaml"
judges "the last good configuration judges on"
config '{name: n0}'
ctl block del 192.0.2.{1,2,3,5,6,7,8,9} >"$sl_dir/said" 2>&1

# ---- somebody takes a program off ---------------------------------------------------------

repairs_are() {
	metric_is '^sluice_interface_repairs_total' "$1"
}
link_of() {
	in_ns node bpftool -j link show pinned "$sl_pins/v1/links/$1" | json 'd["id"]'
}
ifindex=$(in_ns node ip -j link show n0 | json 'd[0]["ifindex"]')
check "nothing was repaired yet" repairs_are 0
check "somebody takes XDP off" in_ns node bpftool link detach id "$(link_of "xdp_$ifindex")"
check "the agent sees it" wait_for 10 repairs_are 1
check "and says so" says 'somebody took a program off.*interface=n0'
check "XDP is back" wait_for 5 xdp_mode_is n0 1
judges "and judges"
in_ns node bpftool link detach id "$(link_of "tc_egress_$ifindex")"
check "the same of tc egress" wait_for 10 repairs_are 2
judges_egress "which judges again"
rm "$sl_pins/v1/links/xdp_$ifindex"
check "and of a pin that is removed" wait_for 10 repairs_are 3
check "is back as well" wait_for 5 xdp_mode_is n0 1
in_ns node bpftool link detach id "$(link_of sock_ops)"
check "the counting of connections" wait_for 10 repairs_are 4
check "counts again" test -e "$sl_pins/v1/links/sock_ops"
sleep 2.5
check "what is attached is left alone" repairs_are 4

# ---- an interface that flaps under a flood ---------------------------------------------------

send_for() {
	flood client c0 1 --target 10.1.0.1 --source 10.1.0.2/32 --for "$1" --rate 20000 \
		>"$sl_dir/flood.background" 2>&1 &
	flooder=$!
}
# All three of one moment: the stack says something of its own now and then.
count_before() {
	received=$(ns_count node n0 rx_packets)
	before=$(judged)
	bypassed=$(agent_metric '^sluice_bypass_packets_total[{]direction="ingress"')
	[ "$received" = "$(ns_count node n0 rx_packets)" ]
}
check "a quiet moment" wait_for 10 count_before
send_for 6s
for _ in 1 2 3 4 5; do
	ip -n "$(ns node)" link set n0 down
	sleep 0.2
	ip -n "$(ns node)" link set n0 up
	sleep 0.5
done
wait "$flooder"
sleep 0.2
judged_all() {
	seen=$(($(judged) + $(agent_metric '^sluice_bypass_packets_total[{]direction="ingress"') - before - bypassed))
	came=$(($(ns_count node n0 rx_packets) - received))
	[ "$seen" -eq "$came" ]
}
check "down and up: each packet that was received was judged" wait_for 5 judged_all ||
	echo "# $seen judged of $came"
check "and it was not none" test $(($(judged) - before)) -gt 10000
check "nothing had to be attached again" repairs_are 4

for _ in 1 2 3; do
	ip -n "$(ns node)" link del n0
	ns_link node n0 client c0 1
	send_for 1s
	check "made anew under a flood: protected" wait_for 10 xdp_mode_is n0 1
	wait "$flooder"
done
check "known by its new index" wait_for 5 attached_is 1
judges "judged, once"
check "that was no repair" repairs_are 4
check "no pin of an old index is left" test \
	"$(find "$sl_pins/v1/links" -name 'xdp_*' | wc -l)" = 1

# ---- another XDP program is there ------------------------------------------------------------

stop_agent TERM || not_ok "the agent ends"
ctl uninstall --yes >"$sl_dir/said" 2>&1 || sed 's/^/# /' "$sl_dir/said"
check_equal "uninstalled" "$(program_on node n0)" 0
in_ns node "$sl_bin/xdp_bare" n0 pass || not_ok "a foreign program attaches"
foreign=$(program_on node n0)
spawn node "$sl_bin/sluiced" --config "$sl_dir/agent.yaml" >"$sl_dir/agent.log" 2>&1
agent_pid=$spawned_pid
agent_namespace=node
check "the agent starts beside it, not ready" wait_for 30 ready_is 503
check "it names the program and the ways out" says \
	'cannot attach: not protected.*n0: the XDP program pass .id [0-9]+. is there.*attach: tc-only'
check "readyz says so" grep -q 'n0 is not protected' "$sl_dir/readyz"
check_equal "the other program keeps its hook" "$(program_on node n0)" "$foreign"
check "egress is judged all the same" hook_is n0 tc_egress tcx
judges_egress "packet by packet"
failures_grow() {
	[ "$(agent_metric '^sluice_interface_attach_failures_total')" -gt 1 ]
}
check "it tries again" wait_for 25 failures_grow
failures_are_many() {
	[ "$(agent_metric '^sluice_interface_attach_failures_total')" -gt 3 ]
}
check "and again" wait_for 45 failures_are_many
check "without saying so each time" test "$(grep -c 'cannot attach' "$sl_dir/agent.log")" -le 2
in_ns node "$sl_bin/xdp_bare" n0 off
check "when the other one goes it attaches" wait_for 25 attached_is 1
check "natively" xdp_mode_is n0 1
check "and is ready" ready_is 200
judges "and judges"
check "nobody can put one over it" exits 1 '' in_ns node "$sl_bin/xdp_bare" n0 pass

# ---- attach: what is asked for, and what a driver refuses ------------------------------------

ip -n "$(ns node)" link add br0 type bridge
ip -n "$(ns node)" link set br0 up
config '{name: n0}, {name: br0}'
check "a driver without native XDP is told" wait_for 10 \
	says 'interface=br0.*refused native XDP.*attach: tc-only or attach: generic'
check "it is not generic by accident" test "$(program_on node br0)" = 0
check "egress of it is judged" hook_is br0 tc_egress tcx
check "the others stay protected" attached_is 1
config '{name: n0}, {name: br0, attach: generic}'
check "generic when it is asked for" wait_for 10 hook_is br0 xdp generic
check "is what the kernel has" xdp_mode_is br0 2
config '{name: n0}, {name: br0, attach: tc-only}'
check "tc-only when it is asked for" wait_for 10 hook_is br0 tc_ingress tcx
check "without XDP" test "$(program_on node br0)" = 0
ip -n "$(ns node)" link del br0

config '{name: n0, attach: generic}'
check "from native to generic" wait_for 10 hook_is n0 xdp generic
check "in the kernel" xdp_mode_is n0 2
judges "generic judges, once"
config '{name: n0, attach: tc-only}'
check "to tc-only" wait_for 10 hook_is n0 tc_ingress tcx
judges "tc judges, once"
config '{name: n0}'
check "and back to native" wait_for 10 hook_is n0 xdp native
judges "native judges, once"

# ---- who may not -----------------------------------------------------------------------------

chmod 755 "$sl_dir"
cp tests/harness/ask.py "$sl_dir/ask.py"
chmod 755 "$sl_dir/ask.py"
as_nobody() {
	in_ns node setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
check "a user without the group does not reach the socket" exits 1 'Permission denied' \
	as_nobody /usr/bin/python3 "$sl_dir/ask.py" "$sl_dir/agent.sock" '{"cmd":"ping"}'
chmod 666 "$sl_dir/agent.sock"
check "one who does is refused by who he is" exits 0 'not allowed' \
	as_nobody /usr/bin/python3 "$sl_dir/ask.py" "$sl_dir/agent.sock" \
	'{"cmd":"block.add","prefix":"10.1.0.2"}'
check_equal "nothing was blocked" "$(ctl block list --json | json 'len(d["blocks"])')" 0
chmod 660 "$sl_dir/agent.sock"
check "a second agent says who is there" exits 1 "another agent .process $agent_pid." \
	in_ns node timeout 20 "$sl_bin/sluiced" --config "$sl_dir/agent.yaml"
sed "s#state_dir: [^}]*#state_dir: $sl_dir/other#; s#agent.sock#other.sock#; s/port: 9477/port: 9478/" \
	"$sl_dir/agent.yaml" >"$sl_dir/other.yaml"
mkdir -p "$sl_dir/other"
check "on the same pins with all else its own, too" exits 1 "$sl_pins.* in use by another process .$agent_pid." \
	in_ns node timeout 20 "$sl_bin/sluiced" --config "$sl_dir/other.yaml"
judges "the first one judges on"
