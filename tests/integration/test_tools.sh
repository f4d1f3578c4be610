#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tools that the other integration tests trust: what flood sends arrives, to the
# packet, at the asked rate, from where it says, with right checksums; it refuses the
# machine's own interfaces; latency and tcp_hold see what a server and a filter do.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/harness/netns.sh

netns_begin
ns_add node client
ns_link node n0 client c0 1
in_ns node ip -4 route add 198.18.0.0/15 via 10.1.0.2
# A receiver with NAPI, as live frames need; dropping nothing.
in_ns node "$sl_bin/xdp_bare" n0 pass

# Counters by nftables, in the namespace: packets that a real stack found whole.
in_ns node nft -f - <<'RULES'
table inet count {
	counter n_udp {}
	counter n_syn {}
	counter n_icmp {}
	counter n_icmp6 {}
	counter n_fragment {}
	set sources { type ipv4_addr; flags dynamic; size 65536; }
	chain first {
		type filter hook prerouting priority -450; policy accept;
		ip frag-off & 0x1fff != 0 counter name n_fragment drop
		udp dport 7777 add @sources { ip saddr } counter name n_udp drop
		tcp dport 7777 tcp flags syn counter name n_syn drop
		icmp type echo-request counter name n_icmp drop
		icmpv6 type echo-request counter name n_icmp6 drop
	}
}
table netdev tagged {
	counter n_vlan {}
	chain first {
		type filter hook ingress device n0 priority 0; policy accept;
		vlan id 7 counter name n_vlan drop
	}
}
RULES

counted() {
	# shellcheck disable=SC2086 # family and table
	in_ns node nft -j list counter ${2:-inet count} "n_$1" | json 'd["nftables"][1]["counter"]["packets"]'
}

sends() {
	flood client c0 1 --target 10.1.0.1 --port 7777 "$@"
}

# ---- what is sent arrives ----------------------------------------------------------

before=$(ns_count node n0 rx_packets)
sends --count 5000 --rate 20k >"$sl_dir/sent"
check_equal "flood says how many it sent" "$(json 'd["packets"]' <"$sl_dir/sent")" 5000
check_equal "each of them arrives" "$(($(ns_count node n0 rx_packets) - before))" 5000
check_equal "and is a UDP packet to the port" "$(counted udp)" 5000

sources=$(in_ns node nft -j list set inet count sources | json 'len(d["nftables"][1]["set"]["elem"])')
check "5000 packets of a /15 have nearly as many sources ($sources)" [ "$sources" -gt 4800 ]
spread=$(in_ns node nft -j list set inet count sources |
	json 'len({e.split(".")[2] for e in d["nftables"][1]["set"]["elem"]})')
check "spread over its networks ($spread of 256)" [ "$spread" -eq 256 ]
in_ns node nft flush set inet count sources
sends --count 500 --source 10.1.0.2 >/dev/null
check_equal "a prefix of one address is one source" "$(in_ns node nft -j list set inet count sources |
	json 'd["nftables"][1]["set"]["elem"]')" "['10.1.0.2']"

sends --count 300 --protocol tcp-syn,icmp,fragment >/dev/null
check_equal "protocols take turns: SYN" "$(counted syn)" 100
check_equal "echo request" "$(counted icmp)" 100
check_equal "later fragment" "$(counted fragment)" 100

flood client c0 1 --target fd00:1::1 --count 100 --protocol icmp >/dev/null
check_equal "IPv6" "$(counted icmp6)" 100

sends --count 100 --vlan 7 >/dev/null
check_equal "VLAN" "$(counted vlan "netdev tagged")" 100

bytes=$(ns_count client c0 tx_bytes)
sends --count 100 --size 1000 >/dev/null
# veth counts what follows the Ethernet header.
check_equal "size" "$(($(ns_count client c0 tx_bytes) - bytes))" $(((1000 - 14) * 100))

# ---- at the asked rate ------------------------------------------------------------------

sends --rate 50k --for 1s >"$sl_dir/sent"
check_equal "rate times time packets" "$(json 'd["packets"]' <"$sl_dir/sent")" 50000
check_within "at the rate" "$(json 'd["rate_per_s"]' <"$sl_dir/sent")" 50000 2
begin=$(date +%s%N)
sends --for 500ms >"$sl_dir/sent"
check_within "no rate: ends by the time" "$((($(date +%s%N) - begin) / 1000000))" 500 20

# ---- by the kernel -----------------------------------------------------------------------

in_ns node nft reset counters >/dev/null
in_ns node nft flush set inet count sources # a full set would refuse, and not count, new ones
before=$(ns_count node n0 rx_packets)
sends --kernel --rate 100k --for 1s --protocol udp,tcp-syn >"$sl_dir/sent"
check_equal "kernel: rate times time packets" "$(json 'd["packets"]' <"$sl_dir/sent")" 100000
check_equal "kernel: each of them arrives" "$(($(ns_count node n0 rx_packets) - before))" 100000
check_equal "kernel: half are whole UDP packets" "$(counted udp)" 50000
check_equal "kernel: half are whole SYN" "$(counted syn)" 50000
in_ns node nft flush set inet count sources
sends --kernel --count 2000 >"$sl_dir/sent"
check_equal "kernel: count" "$(json 'd["packets"]' <"$sl_dir/sent")" 2000
sources=$(in_ns node nft -j list set inet count sources | json 'len(d["nftables"][1]["set"]["elem"])')
check "kernel: sources are spread ($sources)" [ "$sources" -gt 1900 ]

# ---- checksums ------------------------------------------------------------------------------

# The stack counts what it finds broken; nothing listens, so each whole packet is no port.
in_ns node nft delete table inet count
whole() {
	in_ns node nstat -asz --json | json 'd["kernel"]["'"$1"'"]'
}
for way in "" --kernel; do
	no_ports=$(whole UdpNoPorts)
	sends --count 200 --port 9 $way >/dev/null
	check_equal "UDP checksum over IPv4 is right ${way}" "$(($(whole UdpNoPorts) - no_ports))" 200
	resets=$(whole TcpOutRsts)
	sends --count 200 --port 9 --protocol tcp-syn $way >/dev/null
	check_equal "TCP checksum over IPv4 is right ${way}" "$(($(whole TcpOutRsts) - resets))" 200
	no_ports=$(whole Udp6NoPorts)
	flood client c0 1 --target fd00:1::1 --port 9 --count 200 $way >/dev/null
	check_equal "UDP checksum over IPv6 is right ${way}" "$(($(whole Udp6NoPorts) - no_ports))" 200
done
check_equal "no checksum was wrong" "$(whole UdpInCsumErrors) $(whole TcpInCsumErrors)" "0 0"

# ---- it stays in its place --------------------------------------------------------------------

outside=$(find /sys/class/net -mindepth 1 -maxdepth 1 ! -name lo -printf '%f\n' | head -n 1)
if [ -n "$outside" ]; then
	"$sl_bin/flood" --interface "$outside" --mac "$(ns_mac 1 1)" --target 10.1.0.1 --count 1 \
		2>"$sl_dir/refused"
	check_equal "flood refuses the machine's own interface" $? 3
	check "and says so" grep -q 'refused: .* of the machine itself' "$sl_dir/refused"
	"$sl_bin/xdp_bare" "$outside" pass 2>/dev/null
	check_equal "xdp_bare too" $? 3
fi
sends 2>/dev/null
check_equal "flood without an end is refused" $? 2

# ---- latency and tcp_hold ---------------------------------------------------------------------

mkdir "$sl_dir/www"
echo hello >"$sl_dir/www/index.html"
spawn node python3 tests/harness/slow_server.py 10.1.0.1 8080 "$sl_dir/www/index.html" 0
server=$spawned_pid
answers() {
	in_ns client curl -fsS -m 1 -o /dev/null "http://10.1.0.1:$1/" 2>/dev/null
}
wait_for 5 answers 8080
latency() {
	in_ns client "$sl_bin/latency" --target 10.1.0.1 --port 8080 "$@"
}

latency --rate 200 --for 1s --source 10.1.0.2 >"$sl_dir/answers"
check_equal "latency loses nothing to a healthy server" $? 0
check_equal "sends what it was asked to" "$(json 'd["requests"], d["ok"]' <"$sl_dir/answers")" "(200, 200)"
check "and percentiles are in order" json_is \
	'0 < d["p50_us"] <= d["p90_us"] <= d["p99_us"] <= d["max_us"]' <"$sl_dir/answers"
latency --rate 100 --for 1s --fresh >"$sl_dir/answers"
check_equal "a connection for each request" "$(json 'd["ok"]' <"$sl_dir/answers")" 100

# A stop of 300 ms in the middle: requests due meanwhile waited, and that shows.
(
	sleep 0.3
	kill -STOP "$server"
	sleep 0.3
	kill -CONT "$server"
) &
latency --rate 200 --for 1s --connections 2 >"$sl_dir/answers"
wait $!
check_equal "a server that stalls answers all in the end" "$(json 'd["ok"]' <"$sl_dir/answers")" 200
check "the stall shows in p90, not in the maximum alone" json_is \
	'd["p90_us"] > 150000 and d["max_us"] > 280000' <"$sl_dir/answers"

in_ns client "$sl_bin/tcp_hold" --target 10.1.0.1 --port 8080 --connections 20 --for 200ms \
	>"$sl_dir/held"
check_equal "tcp_hold: established" "$(head -n 1 "$sl_dir/held" | json 'd["established"]')" 20
check_equal "tcp_hold: held to the end" "$(tail -n 1 "$sl_dir/held" | json 'd["held"]')" 20
in_ns client "$sl_bin/tcp_hold" --target 10.1.0.1 --port 9 --connections 20 --for 10ms >"$sl_dir/held"
check_equal "tcp_hold: refused" "$(head -n 1 "$sl_dir/held" | json 'd["refused"]')" 20

in_ns node "$sl_bin/xdp_bare" n0 drop
latency --rate 50 --for 500ms --timeout 200ms >"$sl_dir/answers"
check_equal "latency: a request that is not answered is lost" $? 1
check_equal "by timeout" "$(json 'd["timeouts"], d["lost"]' <"$sl_dir/answers")" "(25, 25)"
in_ns client "$sl_bin/tcp_hold" --target 10.1.0.1 --port 8080 --connections 5 --timeout 300ms \
	--for 10ms >"$sl_dir/held"
check_equal "tcp_hold: timed out" "$(head -n 1 "$sl_dir/held" | json 'd["timed_out"]')" 5
