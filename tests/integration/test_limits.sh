#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each limit on real traffic: what passes is rate * time + burst within 1 %, offers are
# counted to the packet, and TCP lives with it. Judged by counters of the kernel and by
# the sender's clock, not by how fast this machine is.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1
ns_link node n1 client c1 2
# The second link segments behind tc, as a NIC does: what tc sees is larger than a packet.
in_ns client "$sl_bin/xdp_bare" c1 off
in_ns node ethtool -K n1 tx on sg on gso on tso off >/dev/null 2>&1

agent_config <<'EOC'
interfaces: [{name: n0}, {name: n1}]
events: {per_s: 1k, sample: 1}
services:
  - {address: 10.1.0.1, port: 1000, protocol: udp, tenant: packets}
  - {address: "fd00:1::1", port: 1000, protocol: udp, tenant: packets6}
  - {address: 10.1.0.1, port: 1001, protocol: udp, vlan: 7, tenant: tagged}
  - {address: 10.1.0.1, port: 1002, protocol: udp}
  - {address: any, port: 5201, protocol: udp, tenant: bytes_in}
  - {address: any, port: 5202, protocol: udp, tenant: bytes_out}
  - {address: any, port: 5201, tenant: control}
  - {address: any, port: 5202, tenant: control}
  - {address: any, port: 5203, tenant: tcp_in}
  - {address: any, port: 5204, tenant: tcp_out}
  - {address: any, port: 8080, tenant: web}
  - {address: any, port: 8081, tenant: syns}
  - {address: any, port: 8082, tenant: resets}
  - {address: any, port: 8083, tenant: many}
tenants:
  - {name: packets, ingress: {packets_per_s: 2k, packets_burst: 2k}}
  - {name: packets6, ingress: {packets_per_s: 2k, packets_burst: 2k}}
  - {name: tagged, ingress: {packets_per_s: 2k, packets_burst: 2k}}
  - {name: pieces, sources: [10.1.0.2, 10.1.0.3], fragments_per_s: 500, fragments_burst: 500}
  - {name: bytes_in, ingress: {bytes_per_s: 2MB, bytes_burst: 2MB}}
  - {name: bytes_out, egress: {bytes_per_s: 2MB, bytes_burst: 2MB}}
  - {name: control}
  - {name: tcp_in, ingress: {bytes_per_s: 4MB}}
  - {name: tcp_out, egress: {bytes_per_s: 4MB}}
  - {name: web, egress: {bytes_per_s: 4MB}}
  - {name: syns, new_connections_per_s: 500, new_connections_burst: 500}
  - {name: resets, new_connections_per_s: 1, new_connections_burst: 2, over_new_connections: reset}
  - {name: many, connections: 20}
EOC
start_agent node || { not_ok "the agent starts" && exit 1; }

# count UNIT TENANT [DIRECTION [REASON]]: packets or bytes
count() {
	agent_metric "^sluice_${1}_total[{]tenant=\"$2\",direction=\"${3:-ingress}\",reason=\"${4:-}"
}

# ratio GOT RATE SECONDS BURST: in percent of what the limit admits
ratio() {
	awk -v got="$1" -v rate="$2" -v s="$3" -v burst="$4" \
		'BEGIN { printf "%.2f\n", 100 * got / (rate * s + burst) }'
}

# is EXPRESSION: of awk
is() {
	awk "BEGIN { exit !($1) }"
}

# admits NAME UNIT TENANT DIRECTION RATE BURST COMMAND...: COMMAND offers far more than
# the limit and prints for how many seconds. A machine that stops the sender for longer
# than the burst lasts makes too few of it, so there are three rounds; none may be over.
admits() {
	local name=$1 unit=$2 tenant=$3 way=$4 rate=$5 burst=$6 before seconds percent rounds=

	shift 6
	for _ in 1 2 3; do
		before=$(count "$unit" "$tenant" "$way" pass)
		seconds=$("$@") || break
		sleep 0.2
		percent=$(ratio $(($(count "$unit" "$tenant" "$way" pass) - before)) "$rate" "$seconds" "$burst")
		rounds="$rounds $percent"
		is "$percent > 101" && break
		if is "$percent >= 99"; then
			ok "$name: within 1 % ($rounds %)"
			return
		fi
		sleep 1.2 # until the bucket is full again
	done
	not_ok "$name: within 1 %" "admitted$rounds % of rate * time + burst"
}

# ---- packets per second: five times the limit -------------------------------------------

# offer TARGET PORT SECONDS RATE [OPTIONS]: prints how long it took
offer() {
	local target=$1 port=$2 seconds=$3 rate=$4

	shift 4
	flood client c0 1 --target "$target" --port "$port" --for "$seconds" --rate "$rate" "$@" \
		>"$sl_dir/flood" || return
	json 'd["seconds"]' <"$sl_dir/flood"
}

# all_counted TENANT: of all that was ever sent to it
all_counted() {
	[ "$(count packets "$1")" = "$sent_total" ]
}

# packet_limit NAME TENANT OFFER...: and each packet is counted
packet_limit() {
	local name=$1 tenant=$2

	shift 2
	: >"$sl_dir/sent"
	admits "$name" packets "$tenant" ingress 2000 2000 offer_and_note "$@"
	sent_total=$(awk '{ n += $1 } END { print n }' "$sl_dir/sent")
	check "$name: all that was sent is counted, to the packet" wait_for 5 all_counted "$tenant"
}

offer_and_note() {
	offer "$@" || return
	json 'd["packets"]' <"$sl_dir/flood" >>"$sl_dir/sent"
}

packet_limit "IPv4" packets 10.1.0.1 1000 4s 10000 --source 10.1.0.2/32
packet_limit "IPv6" packets6 fd00:1::1 1000 3s 10000 --source fd00:1::2/128
packet_limit "a VLAN" tagged 10.1.0.1 1001 3s 10000 --source 10.1.0.2/32 --vlan 7
before=$(agent_metric '^sluice_bypass_packets_total[{]direction="ingress",kind="unprotected"')
flood client c0 1 --target 10.1.0.1 --port 1001 --count 200 --source 10.1.0.2/32 >"$sl_dir/flood"
unprotected_is() {
	[ "$(agent_metric '^sluice_bypass_packets_total[{]direction="ingress",kind="unprotected"')" -ge "$1" ]
}
check "without the tag it is nobody's" wait_for 3 unprotected_is $((before + 200))

: >"$sl_dir/sent"
admits "later fragments of UDP" packets pieces ingress 500 500 \
	offer_and_note 10.1.0.1 1002 3s 2500 --source 10.1.0.3/32 --protocol fragment
check "the rest is dropped as fragments" test "$(count packets pieces ingress fragments)" -gt 3000
# What a real stack cuts arrives whole under the limit: 20 datagrams of 4 packets. From an
# address of its own: a flooded piece with the id of one of them would spoil it.
in_ns node python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.1.0.1", 1002))
s.settimeout(10)
open("'"$sl_dir"'/bound", "w").close()
n = 0
try:
    while n < 20 and len(s.recv(65536)) == 5000: n += 1
except TimeoutError: pass
print(n)' >"$sl_dir/datagrams" &
receiver=$!
wait_for 10 test -e "$sl_dir/bound"
sleep 1.2
in_ns client python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20): s.sendto(bytes(5000), ("10.1.0.1", 1002))'
wait "$receiver"
check_equal "datagrams in fragments arrive under it" "$(cat "$sl_dir/datagrams")" 20

# ---- new connections per second ---------------------------------------------------------

admits "new connections" packets syns ingress 500 500 \
	offer 10.1.0.1 8081 4s 2500 --source 198.18.0.0/16 --protocol tcp-syn
check "the rest is dropped for that" test "$(count packets syns ingress rate_new_conns)" -gt 4000

cat >"$sl_dir/accept.py" <<'EOP'
import resource, selectors, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
selector = selectors.DefaultSelector()
for port in (8082, 8083):
    listener = socket.create_server(("10.1.0.1", port), backlog=1024)
    selector.register(listener, selectors.EVENT_READ, True)
open(sys.argv[1], "w").close()
while True:
    for key, _ in selector.select():
        if key.data:
            selector.register(key.fileobj.accept()[0], selectors.EVENT_READ, False)
            continue
        try:
            alive = key.fileobj.recv(65536)
        except OSError:
            alive = b""
        if not alive:
            selector.unregister(key.fileobj)
            key.fileobj.close()
EOP
spawn node python3 "$sl_dir/accept.py" "$sl_dir/accepting"
wait_for 20 test -e "$sl_dir/accepting" || not_ok "a server listens"

# hold PORT CONNECTIONS [OPTIONS]
hold() {
	local port=$1 connections=$2

	shift 2
	in_ns client "$sl_bin/tcp_hold" --target 10.1.0.1 --port "$port" --connections "$connections" \
		"$@" >"$sl_dir/held"
	head -n 1 "$sl_dir/held" >"$sl_dir/settled"
}

# Sooner than TCP would send its SYN again.
hold 8082 30 --timeout 900ms --for 100ms
check "over it clients are refused at once, all but the burst" json_is \
	'd["refused"] + d["established"] == 30 and 2 <= d["established"] <= 4' <"$sl_dir/settled"
check "and counted as told" test "$(count packets resets ingress new_conns_reset)" \
	= "$(json 'd["refused"]' <"$sl_dir/settled")"

# ---- concurrent connections --------------------------------------------------------------

# All at once, in the middle of handshakes: not one too many. Retries of SYNs find no room.
open_is() {
	[ "$(ctl tenants get many --json | json 'd["tenant"]["connections_open"]')" = "$1" ]
}
for round in first second; do
	hold 8083 60 --timeout 3s --for 2s &
	holder=$!
	check "the $round time: as many as allowed are open" wait_for 10 open_is 20
	wait "$holder"
	check_equal "exactly so many were established" "$(json 'd["established"]' <"$sl_dir/settled")" 20
	check_equal "and none was cut off" "$(tail -n 1 "$sl_dir/held" | json 'd["held"]')" 20
	check "when they end there is room" wait_for 10 open_is 0
done

# ---- bytes per second -----------------------------------------------------------------------

for port in 5201 5202 5203 5204; do
	spawn node iperf3 -s -p "$port" >"$sl_dir/iperf.$port" 2>&1
done
listening() {
	[ "$(in_ns node ss -Hltn 'sport >= :5201 and sport <= :5204' | wc -l)" = 4 ]
}
wait_for 20 listening || not_ok "iperf3 listens"

# iperf SECONDS PORT [OPTIONS]: prints how long it sent
iperf() {
	local seconds=$1 port=$2

	shift 2
	in_ns client timeout 60 iperf3 -J -p "$port" -t "$seconds" "$@" >"$sl_dir/iperf" || {
		json 'd.get("error")' <"$sl_dir/iperf" >&2
		return 1
	}
	json 'd["end"].get("sum", d["end"].get("sum_sent"))["seconds"]' <"$sl_dir/iperf"
}

# egress_bytes: all that tc let out; wire_bytes IF: all that arrived
egress_bytes() {
	echo $(($(agent_metric '^sluice_bytes_total[{].*direction="egress",reason="pass"') +
		$(agent_metric '^sluice_bypass_bytes_total[{]direction="egress"')))
}
wire_bytes() {
	echo $(($(ns_count client c0 rx_bytes) + $(ns_count client c1 rx_bytes)))
}
what_left_arrived() {
	[ $(($(egress_bytes) - egress_before)) -eq $(($(wire_bytes) - wire_before)) ]
}

admits "UDP bytes in" bytes bytes_in ingress 2000000 2000000 iperf 5 5201 -c 10.1.0.1 -u -b 80M -l 1400
egress_before=$(egress_bytes)
wire_before=$(wire_bytes)
admits "UDP bytes out" bytes bytes_out egress 2000000 2000000 iperf 5 5202 -c 10.2.0.1 -R -u -b 80M -l 1400
check "what left is what arrived, to the byte" wait_for 5 what_left_arrived
what_left_arrived || echo "# $(($(egress_bytes) - egress_before)) bytes left, $(($(wire_bytes) - wire_before)) arrived"

# ---- TCP lives with it --------------------------------------------------------------------------

# lives NAME LIMIT: the last iperf got a fair share of the limit, in every second of it
lives() {
	json '([d["end"]["sum_received"]["bits_per_second"] / 8] +
		[i["sum"]["bytes"] for i in d["intervals"]])' <"$sl_dir/iperf" >"$sl_dir/shares"
	check "$1: 70 % of the limit or more" json_is "d[0] >= 0.7 * $2" <"$sl_dir/shares"
	check "$1: not more than the limit" json_is "d[0] <= 1.1 * $2" <"$sl_dir/shares"
	check "$1: no second without progress" json_is "min(d[1:-1]) >= 0.05 * $2" <"$sl_dir/shares"
}

# within NAME TENANT WAY SECONDS BEFORE: never over 4 MB/s and 1 MB
within() {
	check "$1: never over rate * time + burst" is \
		"$(count bytes "$2" "$3" pass) - $5 <= 1.01 * (4000000 * ($4 + 0.3) + 1000000)"
}

before=$(count bytes tcp_in ingress pass)
seconds=$(iperf 6 5203 -c 10.1.0.1) || not_ok "iperf3 over TCP ends well"
within "TCP policed on its way in" tcp_in ingress "$seconds" "$before"
lives "TCP policed on its way in" 4000000
check "was policed" test "$(count packets tcp_in ingress rate_bytes)" -gt 0

ctl drops --json --for 5s --tenant tcp_out >"$sl_dir/drops" 2>&1 &
follower=$!
before=$(count bytes tcp_out egress pass)
egress_before=$(egress_bytes)
wire_before=$(wire_bytes)
seconds=$(iperf 6 5204 -c 10.2.0.1 -R) || not_ok "iperf3 over TCP ends well"
wait "$follower"
within "TCP policed on its way out" tcp_out egress "$seconds" "$before"
lives "TCP policed on its way out" 4000000
check "was policed" test "$(count packets tcp_out egress rate_bytes)" -gt 0
check "in packets that the link cuts later" json_is 'max(d) > 1514' \
	< <(python3 -c 'import json, sys; print([json.loads(l)["bytes"] for l in sys.stdin])' <"$sl_dir/drops")
check "of which each piece was charged with its headers" wait_for 5 what_left_arrived

mkdir "$sl_dir/www"
head -c 4000000 /dev/urandom >"$sl_dir/www/file"
spawn node python3 -m http.server 8080 --bind 10.1.0.1 -d "$sl_dir/www" >"$sl_dir/web.log" 2>&1
served() {
	in_ns client curl -fs -m 5 -o "$sl_dir/index" http://10.1.0.1:8080/
}
wait_for 20 served || not_ok "a web server listens"
curls=()
for n in 1 2 3; do
	in_ns client curl -fsS -m 60 -o "$sl_dir/got.$n" http://10.1.0.1:8080/file 2>>"$sl_dir/curl.log" &
	curls+=($!)
done
for n in 1 2 3; do
	wait "${curls[n - 1]}"
	check_equal "download $n under the limit completes" $? 0
	check "unharmed" cmp -s "$sl_dir/got.$n" "$sl_dir/www/file"
done
check "though packets were dropped" test "$(count packets web egress rate_bytes)" -gt 0
check_equal "the agent had nothing to complain of" "$(grep -c 'level=error' "$sl_dir/agent.log")" 0
