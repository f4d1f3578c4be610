#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CPU time to refuse a packet on a veth, as a ratio to a bare XDP_DROP of the same round:
# Sluice with its tenant over the limit, and its peers with their limits exceeded, each
# flooded from 1,024 sources. What is counted is the CPU time of the interface's own NAPI
# thread, so that only receiving costs. Prints "sample NAME PEER RATIO" lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/harness/netns.sh
. tests/harness/netns.sh

rounds=15
packets=300000
interface=v$$
address=10.9.0.1
mac=$(ns_mac 9 1)
name=veth.drop.over_xdp_drop
cases=(sluice xdp-filter tc_bpf_drop nft_raw_meter nft_ingress_meter iptables_hashlimit)

die() {
	echo "bench: veth: $*" >&2
	exit 1
}

for tool in xdp-filter nft iptables tc ethtool; do
	command -v "$tool" >/dev/null || die "$tool is not installed: scripts/setup.sh"
done

netns_begin
ns_add node sender
ip -n "$(ns node)" link add "$interface" address "$mac" type veth \
	peer name out address "$(ns_mac 9 2)" netns "$(ns sender)" || die "no veth"
ip -n "$(ns node)" address add "$address/24" dev "$interface"
ip -n "$(ns node)" link set "$interface" up
ip -n "$(ns sender)" link set out up
# Answers to what a peer lets through go nowhere.
ip -n "$(ns node)" route add blackhole 198.18.0.0/15
# GRO: the interface polls by NAPI also without an XDP program; threaded: in a thread of its own.
in_ns node ethtool -K "$interface" gro on || die "no GRO"
in_ns_sys node sh -c "echo 1 >/sys/class/net/$interface/threaded" || die "no threaded NAPI"

coproc shield { in_ns node "$sl_bin/bench-shield" "$interface" "$address"; }
shield_pid=$!
sl_pids+=("$shield_pid")

tell_shield() {
	local answer

	echo "$1" >&"${shield[1]}"
	if ! read -r -t 60 answer <&"${shield[0]}" || [ "$answer" != "$1" ]; then
		die "bench-shield failed"
	fi
}

# The thread changes when an XDP program comes or goes.
pin_napi() {
	napi=$(pgrep "^napi/$interface-") || die "the interface has no NAPI thread"
	[ "$(wc -w <<<"$napi")" = 1 ] || die "more than one NAPI thread"
	taskset -pc 1 "$napi" >/dev/null
	renice -n -20 -p "$napi" >/dev/null
}

nft_meter() {
	in_ns node nft -f - <<-END || die "nft refuses the rules"
		table $1 sl {
			set m { type ipv4_addr; flags dynamic; size 131072; }
			chain c {
				type filter hook $2
				update @m { ip saddr limit rate over 1000/second burst 10 packets } drop
				drop
			}
		}
	END
}

on() {
	case $1 in
	xdp_drop) in_ns node "$sl_bin/xdp_bare" "$interface" drop ;;
	sluice) tell_shield on ;;
	xdp-filter) in_ns node xdp-filter load --mode native --policy deny --features ipv4 "$interface" ;;
	tc_bpf_drop)
		in_ns node tc qdisc add dev "$interface" clsact &&
			in_ns node tc filter add dev "$interface" ingress bpf direct-action \
				obj "$sl_build/bpf/tests/bench/tc_drop.bpf.o" sec tc
		;;
	nft_raw_meter) nft_meter ip "prerouting priority raw; policy accept;" ;;
	nft_ingress_meter) nft_meter netdev "ingress device $interface priority 0; policy accept;" ;;
	iptables_hashlimit)
		in_ns node iptables -t raw -A PREROUTING -i "$interface" -m hashlimit \
			--hashlimit-above 1000/sec --hashlimit-burst 10 --hashlimit-mode srcip \
			--hashlimit-name sl --hashlimit-htable-size 65536 \
			--hashlimit-htable-max 131072 -j DROP &&
			in_ns node iptables -t raw -A PREROUTING -i "$interface" -j DROP
		;;
	esac || die "cannot set up $1"
}

off() {
	case $1 in
	xdp_drop) in_ns node "$sl_bin/xdp_bare" "$interface" off ;;
	sluice) tell_shield off ;;
	xdp-filter) in_ns node xdp-filter unload "$interface" ;;
	tc_*) in_ns node tc qdisc del dev "$interface" clsact ;;
	nft_*) in_ns node nft flush ruleset ;;
	iptables_*) in_ns node iptables -t raw -F ;;
	esac || die "cannot take down $1"
}

send() {
	in_ns sender "$sl_bin/flood" --kernel --cpu 0 --interface out --mac "$mac" \
		--target "$address" --source 198.18.0.0/22 --size 80 --count "$1" >"$sl_dir/flood" ||
		die "the flood failed"
}

received() {
	ns_count node "$interface" rx_packets
}

# measure CASE: ns of the NAPI thread for each packet received, into $cost. When the thread
# hardly ran beside the machine's other work there is nothing to measure: tried again.
measure() {
	local attempt

	for attempt in 1 2 3; do
		measure_once "$1" && return
	done
	die "$1: only $got of $packets packets came, $attempt times"
}

measure_once() {
	local packets_before cpu_before packets_after cpu_after _

	on "$1"
	pin_napi
	send 100000 # warm
	packets_before=$(received)
	read -r cpu_before _ <"/proc/$napi/schedstat"
	send "$packets"
	sleep 0.02
	read -r cpu_after _ <"/proc/$napi/schedstat"
	packets_after=$(received)
	off "$1"
	got=$((packets_after - packets_before))
	[ "$got" -ge 20000 ] || return
	cost=$(((cpu_after - cpu_before) * 1000 / got))
}

# Each case right after the floor: a shared machine is not as fast in one minute as in the next.
for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#cases[@]}; i++)); do
		measure xdp_drop
		floor=$cost
		this=${cases[(i + round) % ${#cases[@]}]}
		measure "$this"
		peer=$this
		[ "$this" != sluice ] || peer=-
		awk -v name=$name -v peer="$peer" -v cost="$cost" -v floor="$floor" 'BEGIN {
			printf "sample %s %s %.3f\n", name, peer, cost / floor
			printf "# %s: %.1f ns, XDP_DROP %.1f ns\n", peer, cost / 1000, floor / 1000 }'
	done
done
